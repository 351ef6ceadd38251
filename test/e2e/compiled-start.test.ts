import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { reconcile, type Ended } from '../support/reconcile.ts';

const folder = mkdtempSync(join(tmpdir(), 'compiled-'));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('what a command compiled is kept for its next start, and does no harm when it is damaged', async () => {
  const first = await printSchema();
  expect(first).toMatchObject({ code: 0, stderr: '' });
  expect(first.stdout).toContain('bought last week');
  const place = onlyKept();
  const whole = readFileSync(place);
  expect(statSync(place).mode & 0o077).toBe(0);

  const { mtimeMs } = statSync(place);
  expect(await printSchema()).toEqual(first);
  expect(statSync(onlyKept()).mtimeMs).toBe(mtimeMs);

  for (const damaged of [whole.subarray(0, whole.length / 2), Buffer.from(whole).fill(0xff, 4000, 5000), Buffer.alloc(0)]) {
    writeFileSync(place, damaged);
    expect(await printSchema()).toEqual(first);
    // Made anew, so that the start after it is fast again.
    expect(readFileSync(onlyKept()).equals(damaged)).toBe(false);
  }

  rmSync(place);
  expect(await printSchema({ NODE_DISABLE_COMPILE_CACHE: '1' })).toEqual(first);
  expect(kept()).toEqual([]);
}, 60_000);

function printSchema(env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return reconcile(['schema', 'Segment'], { env: { NODE_COMPILE_CACHE: folder, ...env } });
}

function kept(): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /reconcile-schema-[0-9a-f]+$/.test(name));
}

function onlyKept(): string {
  const [name, ...more] = kept();
  expect(more).toEqual([]);
  return join(folder, name ?? 'none');
}
