import { existsSync } from 'node:fs';
import { cp, mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { bundle } from './bundle.ts';

const KEPT_BUILDS = 4;

/** Bundles the checkout at `root` into `folder`, which appears whole or not at all, and removes builds that nobody uses any more. */
export async function buildInto(root: string, folder: string): Promise<void> {
  const draft = `${folder}.${process.pid}`;
  await mkdir(draft, { recursive: true });
  await bundle(root, draft);
  for (const part of ['package.json', 'destinations', 'schemas']) await cp(join(root, part), join(draft, part), { recursive: true });
  try {
    await rename(draft, folder);
  } catch (error) {
    // Another process has built the same state meanwhile.
    await rm(draft, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  await utimes(folder, new Date(), new Date());
  await removeOldBuilds(dirname(folder), folder);
}

async function removeOldBuilds(builds: string, current: string): Promise<void> {
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
