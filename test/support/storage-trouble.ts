import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect } from 'vitest';
import type { StorageSpec } from '../../src/model/generated/kinds.ts';
import { createStorage } from '../../src/storage/create-storage.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { createMemoryJournal } from '../../src/storage/upload-journal.ts';
import { reconcile } from './reconcile.ts';
import { SMALL_DELIVERY_APPLIED, SMALL_DELIVERY_NOW, SMALL_DELIVERY_SLOT, smallDelivery } from './small-delivery.ts';
import { bytesOf, patternedBytes, spoolFile } from './spool-file.ts';
import { createTempProject, type TempProject } from './temp-project.ts';

export interface Trouble {
  readonly type: string;
  /** As the manifest has it; secrets are files of the project. */
  readonly spec: StorageSpec;
  readonly secrets?: Readonly<Record<string, string>>;
  /** What the user is told, and what to do. */
  readonly says: RegExp;
  readonly hint: RegExp;
  /** Takes the reason away; a new spec is applied. */
  fix(project: TempProject): Promise<StorageSpec | undefined> | StorageSpec | undefined;
}

const FILLER = 'filler.bin';

async function open(spec: StorageSpec, project: TempProject): Promise<Storage> {
  const secret = async (ref: object): Promise<string> => ('file' in ref ? readFile(resolve(project.directory, String(ref.file)), 'utf8') : '');
  return createStorage(spec, { root: project.directory, secret, journal: createMemoryJournal(), retry: { attempts: 2, baseMs: 1, maxMs: 2 } });
}

/** Takes up so many bytes of the storage with one object. */
export async function fillStorage(spec: StorageSpec, bytes: number, secrets: Readonly<Record<string, string>> = {}): Promise<void> {
  using project = createTempProject(secrets);
  await using storage = await open(spec, project);
  await storage.publish(FILLER, await spoolFile(project.directory, patternedBytes(bytes)), { replace: false, token: 'filler' });
}

/** Takes that object away again. */
export async function makeRoom(spec: StorageSpec, project: TempProject): Promise<undefined> {
  await using storage = await open(spec, project);
  await storage.remove(FILLER);
}

/** Fails, is recorded, is mended, and delivers; `again` is how the user goes on. */
export async function expectTold(trouble: Trouble, again: 'retry' | 'slot' | 'watch'): Promise<void> {
  using project = createTempProject({ ...smallDelivery(trouble.type, trouble.spec), ...trouble.secrets });
  const command = (now: string, ...args: readonly string[]) => reconcile(['-C', project.directory, '--now', now, ...args]);
  expect(await command(SMALL_DELIVERY_APPLIED, 'apply', '--auto-approve')).toMatchObject({ code: 0 });
  const now = SMALL_DELIVERY_NOW;

  const failed = await command(now, 'run', 'remote', '--slot', SMALL_DELIVERY_SLOT, '--json');

  const said = failed.stdout + failed.stderr;
  expect(failed, said).toMatchObject({ code: 1 });
  expect(said, said.slice(said.indexOf('"error"'))).toMatch(trouble.says);
  expect(said).toMatch(trouble.hint);
  const [run] = (JSON.parse(failed.stdout) as { runs: { id: string; status: string }[] }).runs;
  expect(run).toMatchObject({ status: 'failed' });
  const shown = await command(now, 'runs', 'show', run?.id ?? '');
  expect(shown.stdout).toContain('failed');
  expect(shown.stdout).toMatch(trouble.says);
  for (const secret of Object.values(trouble.secrets ?? {})) expect(said + shown.stdout).not.toContain(secret.trim().split('\n')[1] ?? secret);

  const mended = (await trouble.fix(project)) ?? trouble.spec;
  {
    await using storage = await open(mended, project);
    const visible: string[] = [];
    for await (const one of storage.list('')) visible.push(one.key);
    expect(visible).toEqual([]);
  }
  if (mended !== trouble.spec) {
    project.write('manifests/all.yaml', smallDelivery(trouble.type, mended)['manifests/all.yaml'] ?? '');
    expect(await command(now, 'apply', '--auto-approve')).toMatchObject({ code: 0 });
  }
  const slot = ['--slot', SMALL_DELIVERY_SLOT];
  const goOn = { retry: ['runs', 'retry', run?.id ?? ''], slot: ['run', 'remote', ...slot], watch: ['watch', '--once'] }[again];
  // The watch comes by a minute after the slot, before the next one is due.
  const ended = await command(again === 'watch' ? SMALL_DELIVERY_SLOT.replace(':00Z', ':59Z') : now, ...goOn);
  expect(ended, ended.stdout + ended.stderr).toMatchObject({ code: 0 });

  const local = await command(now, 'run', 'local', '--slot', SMALL_DELIVERY_SLOT);
  expect(local, local.stderr).toMatchObject({ code: 0 });
  await using storage = await open(mended, project);
  expect((await bytesOf(await storage.read('everyone_all.csv'))).equals(await readFile(join(project.directory, 'out', 'everyone_all.csv')))).toBe(true);
}
