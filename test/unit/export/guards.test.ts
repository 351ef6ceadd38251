import { describe, expect, test } from 'vitest';
import { judgeGuards, type GuardInput } from '../../../src/export/guards.ts';
import { sql } from '../../../src/sql/sql.ts';
import { openExportBench } from '../../support/export-bench.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const QUIET: GuardInput = {
  segment: 's',
  guards: undefined,
  time: 10 * DAY,
  recorded: 200,
  members: 200,
  removed: 0,
  added: 0,
  source: { rows: 1000, newestEvent: 10 * DAY - HOUR },
  before: { rows: 1000, newestEvent: 9 * DAY },
  rejected: {},
  allow: undefined,
};

function codesOf(change: Partial<GuardInput>): readonly string[] {
  return judgeGuards({ ...QUIET, ...change }).held.map(({ code }) => code);
}

describe('each guard holds beyond its limit, and not at it', () => {
  test.each<[string, Partial<GuardInput>, Partial<GuardInput>]>([
    ['RC4004', { removed: 100 }, { removed: 101 }],
    ['RC4005', { guards: { minMembers: 5 }, members: 5 }, { guards: { minMembers: 5 }, members: 4 }],
    ['RC4028', { guards: { maxAddedPercent: 20 }, added: 40 }, { guards: { maxAddedPercent: 20 }, added: 41 }],
    ['RC4029', { guards: { maxSourceShrinkPercent: 10 }, source: { rows: 900 } }, { guards: { maxSourceShrinkPercent: 10 }, source: { rows: 899 } }],
    [
      'RC4030',
      { guards: { maxSourceAge: '24h' }, source: { rows: 1, newestEvent: 9 * DAY } },
      { guards: { maxSourceAge: '24h' }, source: { rows: 1, newestEvent: 9 * DAY - 1 } },
    ],
  ])('%s', (code, at, beyond) => {
    expect(codesOf(at)).toEqual([]);
    expect(codesOf(beyond)).toEqual([code]);
  });

  test('percentages count from 100 recorded members, and from 100 rows, on', () => {
    expect(codesOf({ recorded: 99, removed: 99, added: 500, guards: { maxAddedPercent: 20 } })).toEqual([]);
    expect(codesOf({ recorded: 100, removed: 51, added: 21, guards: { maxAddedPercent: 20 } })).toEqual(['RC4004', 'RC4028']);
    expect(codesOf({ before: { rows: 99 }, source: { rows: 1 }, guards: { maxSourceShrinkPercent: 10 } })).toEqual([]);
    expect(codesOf({ before: { rows: 100 }, source: { rows: 89 }, guards: { maxSourceShrinkPercent: 10 } })).toEqual(['RC4029']);
  });

  test('what is not set holds nothing: growth, a shrunken source and an old one pass by default', () => {
    expect(codesOf({ added: 100_000, source: { rows: 1, newestEvent: 0 } })).toEqual([]);
  });

  test('events that went back behind what was seen, or of which there is none, are stale', () => {
    const guards = { maxSourceAge: '30d' };
    expect(codesOf({ guards, source: { rows: 1, newestEvent: 9 * DAY - 1 } })).toEqual(['RC4030']);
    expect(codesOf({ guards, source: { rows: 1 } })).toEqual(['RC4030']);
    expect(codesOf({ guards, source: { rows: 1, newestEvent: 9 * DAY } })).toEqual([]);
  });
});

describe('an override', () => {
  const wrong = { ...QUIET, guards: { minMembers: 50, maxSourceAge: '2h' }, removed: 150, members: 40, source: { rows: 1, newestEvent: 10 * DAY - 3 * HOUR } };
  const stale = 10 * DAY - 3 * HOUR;

  test('passes only with the measured number; what is printed holds all that is needed', () => {
    const some = judgeGuards({ ...wrong, allow: { removed: 150, members: 41, stale } });
    expect(some.held).toEqual([
      { code: 'RC4005', message: '`s` has 40 members, fewer than guards.minMembers 50; `--allow-members=41` is not the measured number' },
    ]);
    expect(some.overrides).toEqual(['--allow-removed=150', '--allow-members=40', '--allow-stale=1970-01-10T21:00:00Z']);
  });

  test('is recorded with who and why, once for each guard that it let pass; one that was not needed is not', () => {
    const all = judgeGuards({ ...wrong, allow: { removed: 150, members: 40, stale, added: 7, by: 'jo@host', because: 'as planned' } });
    expect(all.held).toEqual([]);
    expect(all.accepted).toEqual([
      { guard: 'maxRemovedPercent', measured: '150', by: 'jo@host', because: 'as planned' },
      { guard: 'minMembers', measured: '40', by: 'jo@host', because: 'as planned' },
      { guard: 'maxSourceAge', measured: '1970-01-10T21:00:00Z', by: 'jo@host', because: 'as planned' },
    ]);
  });
});

/** Every other one has an address. */
function people(count: number): string {
  return `id,first,last,email,country,income\n${Array.from({ length: count }, (_, id) => `${id},,,${id % 2 === 0 ? `p${id}@x` : ''},DE,`).join('\n')}\n`;
}

test('growth counts who would be delivered first, not who is left out each time; a shrunken source is compared with the last success', async () => {
  await using bench = await openExportBench();
  const options = {
    mode: 'incremental',
    mapping: [{ source: 'identityMap.Email', target: 'email' }],
    predicate: sql`p."country" = 'DE'`,
    profileColumns: ['country'],
    guards: { maxAddedPercent: 10, maxSourceShrinkPercent: 5 },
  } as const;
  await bench.writePeople(people(400));
  const first = await bench.run({ ...options, slot: DAY, name: 's1' });
  await bench.writePeople(people(440));
  const within = await bench.run({ ...options, slot: 2 * DAY, name: 's2' });
  await bench.writePeople(people(500));
  const grown = await bench.run({ ...options, slot: 3 * DAY, name: 's3' });
  await bench.writePeople(people(410));
  const shrunk = await bench.run({ ...options, slot: 3 * DAY, name: 's3' });
  const allowed = await bench.run({ ...options, slot: 3 * DAY, name: 's3', allow: { shrunk: 30, because: 'a purge' } });

  expect([first.run.status, within.run.status]).toEqual(['success', 'success']);
  expect(grown.run).toMatchObject({
    status: 'held',
    error: { code: 'RC4028', hint: 'accept this once: reconcile run act --segment all --allow-added=30' },
    files: [],
  });
  expect(shrunk.run).toMatchObject({ status: 'held', error: { code: 'RC4029', hint: expect.stringContaining('--allow-shrunk=30') } });
  expect(allowed.run).toMatchObject({ status: 'success', work: { accepted: [{ guard: 'maxSourceShrinkPercent', measured: '30', because: 'a purge' }] } });
});

test('of people who share a key one is growth; a slot that is made up for is compared with the last success before it', async () => {
  await using bench = await openExportBench();
  const head = 'id,first,last,email,country,income\n';
  const alone = Array.from({ length: 100 }, (_, id) => `${id},,,p${id}@x,DE,\n`).join('');
  const inPairs = Array.from({ length: 20 }, (_, index) => `n${index},,,n${index % 10}@x,DE,\n`).join('');
  const keyed = { mode: 'incremental', mapping: [{ source: 'identityMap.Email', target: 'email' }], guards: { maxAddedPercent: 10 } } as const;
  await bench.writePeople(head + alone);
  await bench.run({ ...keyed, slot: DAY, name: 's1' });
  await bench.writePeople(head + alone + inPairs);
  const grown = await bench.run({ ...keyed, slot: 2 * DAY, name: 's2' });
  expect(grown.run).toMatchObject({ status: 'success', counts: { received: 20, activated: 10, reasons: { duplicate: 10 } } });

  await using other = await openExportBench();
  const run = async (slot: number, rows: number): Promise<string> => {
    await other.writePeople(people(rows));
    return (await other.run({ mode: 'full', slot: slot * DAY, name: `s${slot}`, guards: { maxSourceShrinkPercent: 5 } })).run.status;
  };
  expect([await run(1, 400), await run(3, 500), await run(2, 390)]).toEqual(['success', 'success', 'success']);
});
