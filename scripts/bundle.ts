import { build } from 'esbuild';
import { join } from 'node:path';

/**
 * Stay packages: native parts, workers of their own, or vendors' SDKs that only some destinations load. The rest is bundled, since loading
 * hundreds of small files costs far more than running them (chevrotain from node_modules 230 ms, bundled 11 ms).
 */
const EXTERNAL = ['@adobe/acc-js-sdk', '@aws-sdk/*', '@azure/*', '@duckdb/*', '@google-cloud/*', 'openpgp', 'pino', 'ssh2', 'ssh2-sftp-client', 'vitest'];

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
    // Bundled CommonJS packages call `require` for Node's own modules.
    banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
    entryNames: '[name]',
    chunkNames: '[name]-[hash]',
    legalComments: 'none',
    logLevel: 'error',
  });
}
