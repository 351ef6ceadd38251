import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eraseRejects } from '../../../src/export/erase-rejects.ts';

test('rows go by their first cell, as CSV means it: quotes, commas and line breaks inside', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'rejects-'));
  const list = join(folder, 'rejects', 'act', 'seg', 'r1.csv');
  await mkdir(join(list, '..'), { recursive: true });
  await writeFile(list, 'id,reason\n1,a\n11,a\n"a,b",x\n"say ""hi""",x\n"two\nlines",x\nlast,1\n');
  expect(await eraseRejects(folder, new Set(['1', 'say "hi"', 'two\nlines', 'a']))).toBe(1);
  expect(await readFile(list, 'utf8')).toBe('id,reason\n11,a\n"a,b",x\nlast,1\n');
  expect(await eraseRejects(folder, new Set(['id', 'nobody']))).toBe(0);
  await rm(folder, { recursive: true });
});
