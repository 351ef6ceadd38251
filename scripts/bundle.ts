import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/**
 * Stay packages: native parts, workers of their own, or vendors' SDKs that only some destinations load. The rest is bundled, since loading
 * hundreds of small files costs far more than running them (chevrotain from node_modules 230 ms, bundled 11 ms).
 */
const EXTERNAL = [
  '@adobe/acc-js-sdk',
  '@aws-sdk/*',
  '@azure/*',
  '@duckdb/node-bindings',
  '@google-cloud/*',
  'openpgp',
  'pino',
  'ssh2',
  'ssh2-sftp-client',
  'vitest',
];

/**
 * Bundles `src` into `directory/dist`, with one chunk per lazily loaded part: starting a command reads a few files, not hundreds.
 * `more` names further entry points by their files' names. Everything lands flat in `dist`, so that `new URL('../…', import.meta.url)` means the same as in `src/*.ts`.
 */
export async function bundle(root: string, directory: string, more: Readonly<Record<string, string>> = {}): Promise<void> {
  await build({
    absWorkingDir: root,
    // A thread starts from a file of its own.
    entryPoints: { bin: 'src/bin.ts', 'upload-worker': 'src/storage/sftp/upload-worker.ts', ...more },
    outdir: join(directory, 'dist'),
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    external: EXTERNAL,
    define: { __RECONCILE_BUILD__: JSON.stringify(digestInputs(root)) },
    // Bundled CommonJS packages call `require` for Node's own modules.
    banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
    entryNames: '[name]',
    chunkNames: '[name]-[hash]',
    legalComments: 'none',
    logLevel: 'error',
  });
}

/** Names a build by what it is made of: a cache of another one is not believed (src/validate/program-stamp.ts). */
function digestInputs(root: string): string {
  const hash = createHash('sha256');
  const entries = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const sources = entries.map((entry) => join(entry.parentPath, entry.name)).sort();
  for (const path of [join(root, 'package-lock.json'), ...sources]) hash.update(`${relative(root, path)}\0`).update(readFileSync(path));
  return hash.digest('hex').slice(0, 32);
}
