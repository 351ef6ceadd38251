import { build, type BuildOptions } from 'esbuild';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';

/**
 * Stay packages: native parts, workers of their own, vendors' SDKs that only some destinations load, and what few projects need (re2js). The rest is
 * bundled, since loading hundreds of small files costs far more than running them (chevrotain from node_modules 230 ms, bundled 11 ms).
 */
const EXTERNAL = [
  '@adobe/acc-js-sdk',
  '@aws-sdk/*',
  '@azure/*',
  '@duckdb/node-bindings',
  '@google-cloud/*',
  'openpgp',
  'pino',
  're2js',
  'ssh2',
  'ssh2-sftp-client',
  'vitest',
];

/**
 * Bundles `src` into `directory/dist`: the start (`bin.cjs`), the whole program in one file that it loads with what was compiled before
 * (src/cli/load-program.ts), and the threads' file. `more` names further entry points by their files' names. Everything lands flat in `dist`, so that
 * `new URL('../…', import.meta.url)` means the same as in `src/*.ts`.
 */
export async function bundle(root: string, directory: string, more: Readonly<Record<string, string>> = {}): Promise<void> {
  const dist = join(directory, 'dist');
  const common = {
    absWorkingDir: root,
    bundle: true,
    platform: 'node',
    target: 'node24',
    external: [...EXTERNAL],
    legalComments: 'none',
    logLevel: 'error',
  } as const satisfies BuildOptions;
  const stamp = JSON.stringify(digestInputs(root));
  const { outputFiles } = await build({
    ...common,
    entryPoints: ['src/cli/main.ts'],
    outdir: dist,
    write: false,
    format: 'cjs',
    // Lines stay: a stack still tells them.
    minifyWhitespace: false,
    define: { __RECONCILE_BUILD__: stamp, 'import.meta.url': '__url' },
  });
  const program = `(function (require, module, exports, __url, __import) {${asProgram(outputFiles[0]?.text ?? '')}\n})`;
  await mkdir(dist, { recursive: true });
  await writeFile(join(dist, 'program.cjs'), program);
  await build({
    ...common,
    entryPoints: { bin: 'src/bin.ts' },
    outdir: dist,
    outExtension: { '.js': '.cjs' },
    format: 'cjs',
    define: {
      __RECONCILE_PROGRAM__: JSON.stringify(createHash('sha256').update(program).digest('hex').slice(0, 20)),
      'import.meta.url': '__url',
    },
    banner: { js: "const __url = require('node:url').pathToFileURL(__filename).href;" },
  });
  await build({
    ...common,
    // A thread starts from a file of its own.
    entryPoints: { 'upload-worker': 'src/storage/sftp/upload-worker.ts', ...more },
    outdir: dist,
    splitting: true,
    format: 'esm',
    define: { __RECONCILE_BUILD__: stamp },
    // Bundled CommonJS packages call `require` for Node's own modules.
    banner: { js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);" },
    entryNames: '[name]',
    chunkNames: '[name]-[hash]',
  });
}

/** A script has no `import()` of its own, and is read as if every byte were a character: what esbuild leaves are characters of regular expressions. */
function asProgram(text: string): string {
  return text.replaceAll(/\bimport\(/g, '__import(').replaceAll(/[^\0-\x7F]/g, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Names a build by what it is made of: a cache of another one is not believed (src/validate/program-stamp.ts). */
function digestInputs(root: string): string {
  const hash = createHash('sha256');
  const entries = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const sources = entries.map((entry) => join(entry.parentPath, entry.name)).sort();
  for (const path of [join(root, 'package-lock.json'), ...sources]) hash.update(`${relative(root, path)}\0`).update(readFileSync(path));
  return hash.digest('hex').slice(0, 32);
}
