import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { PlannedFile } from '../../../src/export/run-work.ts';
import { withdrawFiles } from '../../../src/export/withdraw-files.ts';
import { createLocalStorage } from '../../../src/storage/local/local-storage.ts';
import { unfinishedName } from '../../../src/storage/unfinished-name.ts';
import { sha256Of } from '../../support/spool-file.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'withdraw-files-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function planned(key: string, replace: boolean): PlannedFile {
  const bytes = Buffer.from(`of the run: ${key}`);
  return { key, file: key, rows: 1, bytes: bytes.length, sha256: sha256Of(bytes), replace };
}

async function land({ key }: PlannedFile): Promise<void> {
  await writeFile(join(folder, key), `of the run: ${key}`);
}

test('what the run made visible is taken back; what somebody else put under its names stays, and what had replaced a file of ours stays and is told', async () => {
  const [first, foreign, missing, replaced] = [
    planned('first.csv', false),
    planned('foreign.csv', false),
    planned('missing.csv', false),
    planned('same.csv', true),
  ];
  const [checksums, manifest] = [planned('r-1.sha256', true), planned('r-1.json', true)];
  for (const file of [first, replaced, checksums, manifest]) await land(file);
  // As long as ours, and not ours.
  await writeFile(join(folder, foreign.key), 'x'.repeat(foreign.bytes));
  const unfinished = join(folder, unfinishedName(missing.key, 'r-1'));
  const ofAnother = join(folder, unfinishedName(missing.key, 'r-2'));
  for (const path of [unfinished, ofAnother]) await writeFile(path, 'half');

  const { replaced: stay, stuck } = await withdrawFiles(
    createLocalStorage({ root: folder }),
    { parts: [first, foreign, missing, replaced], checksums, manifest },
    'r-1',
  );

  expect([stay, stuck]).toEqual([[replaced], []]);
  expect((await readdir(folder)).filter((name) => !name.startsWith('.')).toSorted()).toEqual(['foreign.csv', 'same.csv']);
  expect(await readFile(join(folder, foreign.key), 'utf8')).toBe('x'.repeat(foreign.bytes));
  expect([unfinished, ofAnother].map((path) => existsSync(path))).toEqual([false, true]);
});
