/**
 * `npm run -s reconcile -- ARGS`: runs the command from a checkout with no build by hand. The sources are bundled when they have changed, into a
 * folder named by their state, so that a running command never sees its files replaced.
 */
import { cp, mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, statSync } from 'node:fs';
import module from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const builds = join(root, '.cache', 'builds');
const INPUTS = ['src', 'destinations', 'schemas', 'package.json', 'scripts/bundle.ts'];
const KEPT_BUILDS = 4;

const target = join(builds, stateOfSources());
if (!existsSync(target)) await buildInto(target);
module.enableCompileCache();
await import(pathToFileURL(join(target, 'dist', 'bin.js')).href);

function stateOfSources(): string {
  const hash = createHash('sha256');
  for (const input of INPUTS) {
    const path = join(root, input);
    const names = statSync(path).isDirectory()
      ? readdirSync(path, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name))
      : [path];
    for (const name of names.toSorted()) {
      const { size, mtimeMs, ino } = statSync(name);
      hash.update(`${name}\0${size}\0${mtimeMs}\0${ino}\n`);
    }
  }
  return hash.digest('hex').slice(0, 20);
}

async function buildInto(folder: string): Promise<void> {
  const { bundle } = await import('./bundle.ts');
  const draft = `${folder}.${process.pid}`;
  await mkdir(draft, { recursive: true });
  await bundle(root, draft);
  for (const part of ['package.json', 'destinations', 'schemas']) await cp(join(root, part), join(draft, part), { recursive: true });
  try {
    await rename(draft, folder);
  } catch {
    // Another process has built the same state meanwhile.
    await rm(draft, { recursive: true, force: true });
  }
  await utimes(folder, new Date(), new Date());
  await removeOldBuilds(folder);
}

async function removeOldBuilds(current: string): Promise<void> {
  const names = await readdir(builds);
  const dated = await Promise.all(
    names.map(async (name) => ({
      path: join(builds, name),
      mtimeMs: await stat(join(builds, name)).then(
        (found) => found.mtimeMs,
        () => Infinity,
      ),
    })),
  );
  const old = dated
    .filter(({ path }) => path !== current)
    .sort((a, b) => b.mtimeMs - a.mtimeMs)
    .slice(KEPT_BUILDS);
  // An hour: a command that still runs may load another chunk of its build.
  for (const { path, mtimeMs } of old) if (Date.now() - mtimeMs > 3_600_000) await rm(path, { recursive: true, force: true });
}
