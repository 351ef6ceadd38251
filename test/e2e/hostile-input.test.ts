import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Diagnostic } from '../../src/model/diagnostic.ts';
import type { Run } from '../../src/model/run.ts';
import { reconcile, type Ended } from '../support/reconcile.ts';
import { createShopProject } from '../support/shop-project.ts';
import type { TempProject } from '../support/temp-project.ts';

const PEOPLE = 'data/people.csv';
const NEVER = /has a bug|Stack Trace|\n\s+at |is not a function|undefined/;
let project: TempProject;
let people: string;
let delivered: Record<string, string>;

const run = (...args: string[]): Promise<Ended> => reconcile(['-C', project.directory, ...args]);
const letter = (...args: string[]): Promise<Ended> =>
  run('run', 'letter', '--segment', 'rich', '--slot', '2026-01-01T08:00:00Z', '--now', '2026-01-01T08:00:00Z', ...args);
/** Files below a folder with their digests. */
const digests = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(join(project.directory, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => [
        join(entry.parentPath, entry.name),
        createHash('sha256')
          .update(readFileSync(join(entry.parentPath, entry.name)))
          .digest('hex'),
      ]),
  );
const promised = (): Record<string, string> => ({ ...digests('out'), ...digests('.reconcile/snapshots') });
const runOf = (ended: Ended): Run => {
  expect(ended.stdout.trim().split('\n')).toHaveLength(1);
  const [first] = (JSON.parse(ended.stdout) as { runs: readonly Run[] }).runs;
  if (first === undefined) throw new Error(ended.stdout);
  return first;
};

beforeAll(async () => {
  project = createShopProject();
  people = project.read(PEOPLE);
  expect(await run('apply', '--auto-approve', '--no-input', '--now', '2026-01-01T00:00:00Z')).toMatchObject({ code: 0 });
  expect(await run('run', 'letter', '--segment', 'rich', '--slot', '2026-01-01T02:00:00Z', '--now', '2026-01-01T02:00:00Z')).toMatchObject({ code: 0 });
  delivered = promised();
});
afterAll(() => project[Symbol.dispose]());

describe('broken data fails or holds the run, names its place, and leaves what was delivered alone', () => {
  beforeEach(() => project.write(PEOPLE, people));

  test.each<[string, string | Buffer | undefined, number, RegExp]>([
    ['no file', undefined, 1, /data file `data\/people\.csv` of dataset `people` does not exist/],
    ['no bytes', '', 1, /no column `id`[^]*the file is empty/],
    ['a header alone', 'id,email,name,income\n', 3, /dataset `people`\) is empty/],
    ['bytes that are not UTF-8', Buffer.from('900,z@x.io,Z\xe9d,99\n', 'latin1'), 1, /line 302 of `data\/people\.csv` holds bytes that are not UTF-8/],
    ['too few values', '900,z@x.io\n', 1, /line 302 of `data\/people\.csv` has 2 of the 4 values/],
    ['too many values', '900,z@x.io,Zed,1,2,3\n', 1, /line 302 of `data\/people\.csv` has more values than the 4 columns/],
    ['an open quote', '900,z@x.io,"Zed,1\n', 1, /line 302 of `data\/people\.csv` opens a quote that is never closed/],
    ['line ends of two kinds', '900,z@x.io,Zed,1\r\n901,y@x.io,Yan,1\n', 1, /`data\/people\.csv` is not CSV as declared: its lines end in different ways/],
    ['a value of another type', '900,z@x.io,Zed,abc\n', 1, /income[^]*abc/],
    ['an identity that occurs twice', '1,z@x.io,Zed,1\n', 1, /occurs more than once in dataset `people`: `1`/],
  ])('%s', async (_name, text, code, message) => {
    if (text === undefined) rmSync(join(project.directory, PEOPLE));
    else if (text === '' || String(text).startsWith('id,')) project.write(PEOPLE, text);
    else project.write(PEOPLE, Buffer.concat([Buffer.from(people), Buffer.from(text)]));

    const ended = await letter('--json');

    expect([ended.code, ended.stderr]).toEqual([code, expect.not.stringMatching(NEVER)]);
    const { status, error, counts, files } = runOf(ended);
    expect([status, files]).toEqual([code === 3 ? 'held' : 'failed', []]);
    expect(counts.received).toBe(counts.activated + counts.excluded + counts.failed);
    expect(`${error?.message ?? ''}\n${error?.hint ?? ''}`).toMatch(message);
    // The line itself is somebody's personal data, and an error is recorded, logged and sent.
    expect(JSON.stringify(error)).not.toContain('z@x.io');
    expect(promised()).toEqual(delivered);
  });

  test('a line break inside a quoted header of a CR LF file hides no rows', async () => {
    project.write(
      PEOPLE,
      people
        .replace('id,email,name,income', 'id,email,name,income,"of\nno use"')
        .replaceAll(/(?<=\d)\n/g, ',x\r\n')
        .replace('no use"\n', 'no use"\r\n'),
    );
    const { stdout } = await run('preview', 'rich', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ members: 200 });
  });
});

describe('trouble around the project', () => {
  test('an archive that is cut off never means that half of the people left', async () => {
    using other = createShopProject();
    const text = `id,email,name,income\n${Array.from({ length: 20_000 }, (_, index) => `${index},p${index}@x.io,Name ${index},60`).join('\n')}\n`;
    for (const [name, packed] of [
      ['gz', gzipSync(text)],
      ['zst', zstdCompressSync(text)],
    ] as const) {
      other.write(`data/people.csv.${name}`, packed.subarray(0, packed.length / 2));
      other.write('manifests/all.yaml', other.read('manifests/all.yaml').replace(/people\.csv[.a-z]*/, `people.csv.${name}`));
      const ended = await reconcile(['-C', other.directory, 'preview', 'rich', '--json']);
      expect([name, ended.code, ended.stdout]).toEqual([name, 1, expect.stringMatching(/RC2003[^]*cannot be unpacked: unexpected end of file/)]);
    }
  });

  beforeEach(() => project.write(PEOPLE, people));

  test('a file where the output folder should be: the run fails, the file stays', async () => {
    const other = createShopProject();
    using _other = other;
    other.write('out', 'mine');
    await reconcile(['-C', other.directory, 'apply', '--auto-approve', '--no-input', '--now', '2026-01-01T00:00:00Z']);
    const ended = await reconcile(['-C', other.directory, 'run', 'letter', '--now', '2026-01-01T02:00:00Z']);
    expect([ended.code, `${ended.stdout}${ended.stderr}`]).toEqual([1, expect.stringContaining('a part of the path is a file, not a folder') as string]);
    expect(other.read('out')).toBe('mine');
  });

  test.each<[string, (state: string) => void, RegExp]>([
    ['garbage', (state) => writeFileSync(state, 'x'.repeat(5000)), /it is not a database of SQLite/],
    ['no bytes', (state) => writeFileSync(state, ''), /the file is empty/],
    ['a folder', (state) => mkdirSync(state), /is a folder; it must be a file/],
  ])('a state that is %s: exit 1 for every command, and nothing is made over it', async (_name, spoil, message) => {
    const state = join(project.directory, '.reconcile', 'spoiled.db');
    spoil(state);
    for (const command of [['plan'], ['status'], ['apply', '--auto-approve']]) {
      const ended = await run('--state', 'sqlite:.reconcile/spoiled.db', ...command, '--json');
      expect([ended.code, ended.stderr]).toEqual([1, expect.stringMatching(message)]);
      expect((JSON.parse(ended.stdout) as { diagnostics: readonly Diagnostic[] }).diagnostics[0]?.hint).toContain('spec.state');
    }
    rmSync(state, { recursive: true });
    expect(promised()).toEqual(delivered);
  });

  test('a file called .reconcile is told as what is in the way', async () => {
    using other = createShopProject();
    other.write('.reconcile', 'mine');
    for (const command of [['plan'], ['apply', '--auto-approve']]) {
      const ended = await reconcile(['-C', other.directory, ...command, '--json']);
      expect([ended.code, ended.stderr]).toEqual([1, expect.not.stringMatching(NEVER)]);
      expect((JSON.parse(ended.stdout.trim().split('\n').at(-1) ?? '') as { ok: boolean }).ok).toBe(false);
    }
    expect(other.read('.reconcile')).toBe('mine');
  });
});

test('bad usage is 64, and with --json one document with diagnostics', async () => {
  for (const args of [
    ['run'],
    ['plan', '--bogus'],
    ['frobnicate'],
    ['run', 'nope'],
    ['run', 'letter', '--slot', 'yesterday'],
    ['run', 'letter', '--allow-removed=x'],
  ]) {
    const ended = await run(...args, '--json');
    expect([args, ended.code]).toEqual([args, 64]);
    const { ok, diagnostics } = JSON.parse(ended.stdout) as { ok: boolean; diagnostics: readonly Diagnostic[] };
    expect([ok, diagnostics[0]?.severity, diagnostics[0]?.hint === undefined]).toEqual([false, 'error', false]);
  }
  expect(existsSync(join(project.directory, 'frobnicate'))).toBe(false);
});
