import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { OpenedProject } from '../compose.ts';
import { AppError } from '../model/app-error.ts';
import { whyRefused } from '../model/system-refusal.ts';
import { ExitCode } from '../model/exit-code.ts';
import { exportState, parseExport } from '../state/exported-state.ts';
import { currentActor } from '../state/actor.ts';
import { currentOwner } from '../state/owner.ts';
import type { CommandContext } from './context.ts';

/** `state export`: to stdout, or into a file that appears whole. */
export async function writeExport(context: CommandContext, { store }: OpenedProject, file: string | undefined): Promise<ExitCode> {
  const exported = exportState(await store.read());
  if (exported === undefined) {
    throw new AppError({ code: 'RC3026', message: 'there is nothing to export: nothing was ever applied', hint: 'reconcile apply' });
  }
  const text = `${JSON.stringify(exported, null, 2)}\n`;
  if (file === undefined) {
    context.out(text);
    return ExitCode.done;
  }
  const path = resolve(context.options.directory, file);
  const draft = `${path}.${process.pid}.new`;
  try {
    await writeFile(draft, text, { mode: 0o600, flag: 'wx' });
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw fileError(error, file, 'written');
  }
  const count = exported.resources.length;
  if (context.options.json)
    context.out(JSON.stringify({ file, serial: exported.serial, lineage: exported.lineage, resources: count, digest: exported.digest }));
  else context.say(`${count} ${count === 1 ? 'resource' : 'resources'}, serial ${exported.serial}, in ${file}`);
  return ExitCode.done;
}

/** `state import`: into a state where nothing was applied; journaled like an apply. */
export async function readExport(context: CommandContext, { store }: OpenedProject, file: string): Promise<ExitCode> {
  const { options, clock, signal } = context;
  const restore = parseExport(await readText(file, options.directory), file);
  await using lease = await store.lease(currentOwner(), { waitMs: 0, purpose: 'state import', signal });
  const applyId = randomUUID();
  const at = clock();
  const { serial, lineage } = await store.commit(
    lease,
    [restore],
    [
      { type: 'begin', applyId, at, actor: currentActor(), planDigest: '', operations: restore.resources.length },
      { type: 'end', applyId, at, status: 'done' },
    ],
  );
  const count = restore.resources.length;
  if (options.json) context.out(JSON.stringify({ resources: count, serial, lineage }));
  else context.out(`Imported ${count} ${count === 1 ? 'resource' : 'resources'}, serial ${serial}. Runs and membership snapshots stay where they were made.`);
  return ExitCode.done;
}

async function readText(file: string, directory: string): Promise<string> {
  try {
    return await readFile(file === '-' ? '/dev/stdin' : resolve(directory, file), 'utf8');
  } catch (error) {
    throw fileError(error, file, 'read');
  }
}

function fileError(error: unknown, file: string, what: 'read' | 'written'): AppError {
  return new AppError({
    code: 'RC3027',
    message: `\`${file}\` cannot be ${what}: ${whyRefused(error)}`,
    hint: what === 'read' ? 'paths are relative to the project' : 'check the folder and its permissions; paths are relative to the project',
    cause: error,
  });
}
