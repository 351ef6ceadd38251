import type { Command } from 'commander';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { AppError } from '../../model/app-error.ts';
import { ExitCode } from '../../model/exit-code.ts';
import type { CommandContext } from '../context.ts';
import { createStarterProject } from '../starter-project.ts';

const IGNORED = ['.reconcile/', 'out/'];

export function configure(command: Command): void {
  command.argument('[dir]', 'the folder to make the project in', '.');
  command.addHelpText(
    'after',
    `
Ten people, their orders, two segments and a local folder as the destination: it runs at once. Overwrites nothing.

Example:
  reconcile init audiences && cd audiences && reconcile plan`,
  );
}

export async function run({ options, out, clock }: CommandContext, [dir]: readonly unknown[]): Promise<ExitCode> {
  const folder = resolve(options.directory, String(dir ?? '.'));
  const files = createStarterProject(nameOf(folder), options.now ?? clock());
  const present = [...files.keys()].filter((path) => existsSync(join(folder, path)));
  if (present.length > 0) {
    throw new AppError({
      code: 'RC9005',
      message: `${folder} holds ${present.map((path) => `\`${path}\``).join(', ')} already`,
      hint: 'choose another folder: reconcile init DIR',
    });
  }
  writeAll(folder, files);
  const kept = addIgnores(join(folder, '.gitignore'));
  if (options.json) {
    out(JSON.stringify({ directory: folder, files: [...files.keys()] }));
    return ExitCode.done;
  }
  const place = relative(options.directory, folder);
  out(`A project in ${place === '' ? 'this folder' : place}:
${[...files.keys()].map((path) => `  ${path}`).join('\n')}
${kept ? '' : '  .gitignore\n'}
Next:
${place === '' ? '' : `  cd ${/^[\w./-]+$/.test(place) ? place : `'${place.replaceAll("'", "'\\''")}'`}\n`}  reconcile plan                 what would change, and whom it touches
  reconcile apply                make it so
  reconcile run newsletter       export now; the files are in out/`);
  return ExitCode.done;
}

/** All files or none: what was written before a failure is removed again. */
function writeAll(folder: string, files: ReadonlyMap<string, string>): void {
  const written: string[] = [];
  try {
    for (const [path, text] of files) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text, { flag: 'wx' });
      written.push(path);
    }
  } catch (error) {
    for (const path of written) rmSync(join(folder, path), { force: true });
    const { message } = error as Error;
    throw new AppError({ code: 'RC9006', message: `the project cannot be written: ${message}`, hint: 'choose a folder that you may write to', cause: error });
  }
}

/** Adds what git must not take. Returns true when an existing file has it all. */
function addIgnores(path: string): boolean {
  const present = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const missing = IGNORED.filter((line) => !present.split('\n').includes(line));
  if (missing.length === 0) return true;
  writeFileSync(path, `${present}${present === '' || present.endsWith('\n') ? '' : '\n'}${missing.join('\n')}\n`);
  return false;
}

/** A Project's name from the folder's. */
function nameOf(folder: string): string {
  const name = basename(folder)
    .normalize('NFD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 63)
    .replace(/-+$/, '');
  return name === '' ? 'audiences' : name;
}
