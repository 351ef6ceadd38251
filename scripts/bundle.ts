import { build } from 'esbuild';
import { join } from 'node:path';

/**
 * Bundles `src` into `directory/dist`, with one chunk per lazily loaded part: starting a command reads a few files, not hundreds.
 * Packages stay outside. Everything lands flat in `dist`, so that `new URL('../…', import.meta.url)` means the same as in `src/*.ts`.
 */
export async function bundle(root: string, directory: string): Promise<void> {
  await build({
    absWorkingDir: root,
    entryPoints: { bin: 'src/bin.ts' },
    outdir: join(directory, 'dist'),
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    packages: 'external',
    entryNames: '[name]',
    chunkNames: '[name]-[hash]',
    legalComments: 'none',
    logLevel: 'error',
  });
}
