/**
 * `npm run -s reconcile -- ARGS`: runs the command from a checkout with no build by hand. The sources are bundled when they have changed, into a
 * folder named by their state, so that a running command never sees its files replaced.
 * JavaScript on purpose: Node takes longer to strip the types of one file than to start.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, statSync } from 'node:fs';
import module from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const INPUTS = ['src', 'destinations', 'schemas', 'package.json', 'scripts/bundle.ts'];

if (Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write(`reconcile needs Node.js 24 or later, this is ${process.versions.node}\n  = \`npm ci\` has installed one: npm run -s reconcile -- …\n`);
  process.exit(1);
}
const target = join(root, '.cache', 'builds', stateOfSources());
if (!existsSync(target)) await (await import('./checkout-build.ts')).buildInto(root, target);
module.enableCompileCache();
module.createRequire(import.meta.url)(join(target, 'dist', 'bin.cjs'));

function stateOfSources() {
  const hash = createHash('sha256');
  const look = (/** @type {string} */ path) => {
    const facts = statSync(path);
    // Sorted: a file system may list a folder in another order next time.
    if (facts.isDirectory()) for (const name of readdirSync(path).sort()) look(`${path}/${name}`);
    else hash.update(`${path}\0${facts.size}\0${facts.mtimeMs}\0${facts.ino}\n`);
  };
  for (const input of INPUTS) look(join(root, input));
  return hash.digest('hex').slice(0, 20);
}
