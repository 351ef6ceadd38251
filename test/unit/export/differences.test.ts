import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { expect, test } from 'vitest';
import { sql } from '../../../src/sql/sql.ts';
import { openExportBench, type ExportBench } from '../../support/export-bench.ts';

const HOUR = 3_600_000;
const SLOTS = 7;

interface Person {
  readonly id: string;
  readonly first: string;
  readonly country: string;
}

/**
 * Slot after slot against a model in memory: who is in the file, the counts with their reasons, and the snapshot. Keyed on the primary identity,
 * selections hold only what differs from the last snapshot; a mapping keyed on an attribute that nobody shares goes the long way.
 */
test.each(
  [1, 2, 3].flatMap((seed) =>
    (['incremental', 'full', 'mixed'] as const).flatMap((mode) => [false, true].map((keyed) => ({ seed, mode, keyed, mandatory: seed !== 2 }))),
  ),
)('seed $seed, $mode, keyed on an attribute: $keyed, mandatory: $mandatory', async ({ seed, mode, keyed, mandatory }) => {
  await using bench = await openExportBench();
  const random = generator(seed);
  let people: Person[] = Array.from({ length: 60 }, (_, id) => person(String(id), random));
  let snapshot = new Map<string, number>();

  for (let slot = 1; slot <= SLOTS; slot += 1) {
    const now = mode === 'mixed' ? (slot % 2 === 0 ? 'full' : 'incremental') : mode;
    // Nothing changes in the third slot.
    if (slot > 1 && slot !== 3) people = people.flatMap((one) => (random() < 0.1 ? [] : [random() < 0.3 ? person(one.id, random) : one]));
    if (slot % 3 === 0) people.push(person(`9${slot}`, random), { ...person('', random), country: 'DE' });
    await bench.writePeople(
      `id,first,last,email,country,income\n${people.map(({ id, first, country }) => `${id},${first},,mail${id},${country},`).join('\n')}\n`,
    );
    const { run } = await bench.run({
      mode: now,
      slot: slot * HOUR,
      name: `s${slot}`,
      mapping: [
        { source: 'identityMap.crmId', target: 'id' },
        { source: 'first', mandatory },
        { source: 'segmentMembership.status', target: 'status' },
        ...(keyed ? [{ source: 'last', target: 'last', expect: { unique: true } } as const] : []),
      ],
      predicate: sql`p."country" = 'DE'`,
      profileColumns: ['country'],
    });

    const members = people.filter(({ country }) => country === 'DE');
    const reason = ({ id, first }: Person): string | undefined => (id === '' ? 'no-identity' : mandatory && first === '' ? 'no first' : undefined);
    const due = now === 'full' || slot === 1 ? members : members.filter(({ id }) => !snapshot.has(id));
    const exits = now === 'full' ? [] : [...snapshot.keys()].filter((id) => members.every((one) => one.id !== id));
    const out = due.filter((one) => reason(one) === undefined);
    const reasons: Record<string, number> = {};
    for (const one of due) {
      const why = reason(one);
      if (why !== undefined) reasons[why] = (reasons[why] ?? 0) + 1;
    }
    const kept = members.filter((one) => one.id !== '' && (reason(one) === undefined || (now === 'incremental' && snapshot.has(one.id))));
    snapshot = new Map(kept.map(({ id }) => [id, snapshot.get(id) ?? slot * HOUR]));

    expect(run.error, `slot ${slot}`).toBeUndefined();
    expect(run.counts, `slot ${slot}`).toEqual({
      received: due.length + exits.length,
      activated: out.length + exits.length,
      excluded: due.length - out.length,
      failed: 0,
      reasons,
    });
    const rows = run.files.length === 0 ? [] : (await bench.read(`s${slot}.csv`)).trimEnd().split('\n').slice(1);
    const firstOf = new Map(people.map(({ id, first }) => [id, first]));
    const tail = keyed ? ',' : '';
    expect(rows.toSorted(), `slot ${slot}`).toEqual(
      [...out.map(({ id, first }) => `${id},${first},realized${tail}`), ...exits.map((id) => `${id},${firstOf.get(id) ?? ''},exited${tail}`)].toSorted(),
    );
    const recorded = await readSnapshot(bench);
    // Where members compete, whoever was left out in between keeps the time of joining: it decides ties.
    if (keyed) expect([...recorded.keys()].toSorted(), `slot ${slot}`).toEqual([...snapshot.keys()].toSorted());
    else expect(recorded, `slot ${slot}`).toEqual(snapshot);
    expect((await bench.state.ledger.snapshot('act', 'all'))?.members).toBe(snapshot.size);
  }
});

test('a primary identity that changes its type compares as text with the snapshot made before', async () => {
  await using bench = await openExportBench();
  const options = {
    mode: 'incremental',
    mapping: [
      { source: 'identityMap.crmId', target: 'id' },
      { source: 'segmentMembership.status', target: 'status' },
    ],
    dataset: 'people.parquet',
  } as const;
  const people = async (type: string, ...ids: readonly number[]): Promise<void> => {
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    await connection.run(
      `copy (select unnest([${ids.join(', ')}])::${type} id, 'x' "first", '' "last", '' email, 'DE' country, 1.5 income) to '${join(bench.folder, 'people.parquet')}' (format parquet)`,
    );
  };

  await people('bigint', 1, 2, 3);
  const first = await bench.run({ ...options, slot: HOUR, name: 's1' });
  await people('varchar', 2, 3, 4);
  const second = await bench.run({ ...options, slot: 2 * HOUR, name: 's2' });
  const third = await bench.run({ ...options, slot: 3 * HOUR, name: 's3' });

  expect(first.run.counts).toMatchObject({ received: 3, activated: 3 });
  expect(second.run.counts).toMatchObject({ received: 2, activated: 2 });
  expect((await bench.read('s2.csv')).split('\n').toSorted()).toEqual(['', '1,exited', '4,realized', 'id,status']);
  expect(third.run).toMatchObject({ status: 'success', files: [] });
  expect(await readSnapshot(bench)).toEqual(
    new Map([
      ['2', HOUR],
      ['3', HOUR],
      ['4', 2 * HOUR],
    ]),
  );
});

async function readSnapshot(bench: ExportBench): Promise<ReadonlyMap<string, number>> {
  const pointer = await bench.state.ledger.snapshot('act', 'all');
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  const path = join(bench.folder, '.reconcile', pointer?.path ?? '');
  const reader = await connection.runAndReadAll(`select id::varchar, since from read_parquet('${path}') where delivered`);
  return new Map(reader.getRows().map(([id, since]) => [String(id), Number(since)]));
}

function person(id: string, random: () => number): Person {
  return { id, first: random() < 0.2 ? '' : `f${Math.floor(random() * 9)}`, country: random() < 0.6 ? 'DE' : 'FR' };
}

/** Numbers in [0, 1) that are the same each time (mulberry32). */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
