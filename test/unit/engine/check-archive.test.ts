import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkArchive } from '../../../src/engine/duckdb/check-archive.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'archives-'));
});
afterAll(() => rm(folder, { recursive: true }));

const LONG = `[${Array.from({ length: 20_000 }, (_, id) => `{"id":${id}}`).join(',\n')}`;

test.each<[string, string | Buffer, 'csv' | 'json', string | undefined]>([
  ['whole.json', `\uFEFF\n ${LONG}]\n\n`, 'json', undefined],
  ['lines.json', '{"id":1}\n{"id":[1]}\n', 'json', undefined],
  ['empty.json', ' \n', 'json', undefined],
  ['none.json', '[]', 'json', undefined],
  ['cut.json', `${LONG},\n`, 'json', 'begins a JSON array and does not end it'],
  ['cut.json.gz', gzipSync(`${LONG},`), 'json', 'begins a JSON array and does not end it'],
  ['whole.json.gz', gzipSync(`${LONG}]\n`), 'json', undefined],
  ['whole.json.zst', zstdCompressSync(`${LONG} ]`), 'json', undefined],
  ['torn.csv.gz', gzipSync(LONG).subarray(0, 500), 'csv', 'cannot be unpacked'],
  ['like.csv', '[a,b\n', 'csv', undefined],
])('%s', async (name, content, format, problem) => {
  const path = join(folder, name);
  await writeFile(path, content);
  const checked = checkArchive(path, format);
  if (problem === undefined) await expect(checked).resolves.toBeUndefined();
  else await expect(checked).rejects.toMatchObject({ code: 'RC2003', message: expect.stringContaining(problem) });
});
