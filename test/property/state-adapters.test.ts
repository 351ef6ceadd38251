import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { AppError } from '../../src/model/app-error.ts';
import { openMemoryState } from '../../src/state/memory/open-memory-state.ts';
import type { OpenedState } from '../../src/state/opened-state.ts';
import { currentOwner, type Owner } from '../../src/state/owner.ts';
import type { Claim, FinishRun, RunRecord } from '../../src/state/run-ledger.ts';
import { openSqliteState } from '../../src/state/sqlite/open-sqlite-state.ts';
import type { Lease, StateChange } from '../../src/state/state-store.ts';
import { createWorkspace, segment } from '../support/state-fixture.ts';

const START = Date.UTC(2026, 11, 1);
const OWNERS: readonly Owner[] = [currentOwner(), { ...currentOwner(), pid: 2 ** 22 - 3 }, { host: 'elsewhere', pid: 7, processStart: '1' }];

/** What the callers of a state do, in any order: in a good one, twice, late, and after they were taken over. */
type Step =
  | { readonly type: 'claim'; readonly segment: number; readonly slot: number | null; readonly owner: number }
  | { readonly type: 'advance'; readonly claim: number; readonly file: number }
  | { readonly type: 'finish'; readonly claim: number; readonly status: FinishRun['status']; readonly file: number; readonly snapshot: boolean }
  | { readonly type: 'prune'; readonly segments: readonly number[] | undefined; readonly beforeMs: number | undefined }
  | { readonly type: 'lease'; readonly owner: number }
  | { readonly type: 'release' }
  | { readonly type: 'commit'; readonly changes: readonly { readonly name: number; readonly pql: number | undefined }[]; readonly journal: boolean };

const small = (max: number): fc.Arbitrary<number> => fc.integer({ min: 0, max });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constant('claim' as const), segment: small(1), slot: fc.option(small(2), { nil: null, freq: 3 }), owner: small(2) }),
  },
  fc.record({ type: fc.constant('advance' as const), claim: small(5), file: small(3) }),
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('finish' as const),
      claim: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, small(5)),
      status: fc.constantFrom<FinishRun['status'][]>('success', 'success', 'success', 'failed', 'held', 'skipped'),
      file: small(3),
      snapshot: fc.boolean(),
    }),
  },
  fc.record({
    type: fc.constant('prune' as const),
    segments: fc.option(fc.uniqueArray(small(1)), { nil: undefined }),
    beforeMs: fc.option(small(60_000), { nil: undefined }),
  }),
  fc.record({ type: fc.constant('lease' as const), owner: small(2) }),
  fc.constant<Step>({ type: 'release' }),
  fc.record({
    type: fc.constant('commit' as const),
    changes: fc.array(fc.record({ name: small(3), pql: fc.option(small(2), { nil: undefined }) }), { maxLength: 3 }),
    journal: fc.boolean(),
  }),
);

/** Plays the steps on one adapter and tells everything that could be seen of each. */
async function play(steps: readonly Step[], open: (clock: () => number) => Promise<OpenedState>): Promise<readonly unknown[]> {
  let now = START;
  const state = await open(() => now);
  const claims: Claim[] = [];
  const leases: Lease[] = [];
  const seen: unknown[] = [];
  try {
    for (const [index, one] of steps.entries()) {
      now += 7_000;
      seen.push(await told(() => doStep(one, index)));
      seen.push(await observe(state));
    }
  } finally {
    await state.close();
  }
  return seen;

  async function doStep(one: Step, index: number): Promise<unknown> {
    const { store, ledger } = state;
    switch (one.type) {
      case 'claim': {
        const outcome = await ledger.claim({
          activation: 'a',
          segment: `s${one.segment}`,
          slot: one.slot === null ? null : START + one.slot,
          mode: index % 2 === 0 ? 'full' : 'incremental',
          owner: OWNERS[one.owner] ?? currentOwner(),
          now,
          newId: `run-${index}`,
          staleAfterMs: 20_000,
        });
        if (outcome.outcome === 'claimed') claims.unshift(outcome.claim);
        return outcome;
      }
      case 'advance': {
        const claim = claims[one.claim];
        if (claim === undefined) return undefined;
        return ledger.advance(claim, { step: 'written', files: [file(one.file, index)], work: { target: 't', spool: claim.runId }, now });
      }
      case 'finish': {
        const claim = claims[one.claim];
        if (claim === undefined) return undefined;
        const snapshot = {
          activation: 'a',
          segment: 's0',
          path: `snapshots/${index}`,
          runId: claim.runId,
          slot: START,
          members: index,
          keys: ['k'],
          target: 't',
        };
        return ledger.finish(claim, {
          status: one.status,
          counts: { received: index, activated: index, excluded: 0, failed: 0, reasons: {} },
          files: [file(one.file, index)],
          endedAt: now,
          work: { target: 't', spool: claim.runId },
          ...(one.snapshot && one.status === 'success' ? { snapshot } : {}),
          ...(one.status === 'success' ? { delivered: { target: 't', put: [file(one.file, index)], removed: [`${(one.file + 1) % 4}.csv`] } } : {}),
        });
      }
      case 'prune':
        return ledger.prune({
          ...(one.segments === undefined ? {} : { activation: 'a', segments: one.segments.map((number) => `s${number}`) }),
          ...(one.beforeMs === undefined ? {} : { before: START + one.beforeMs }),
        });
      case 'lease': {
        const lease = await store.lease(OWNERS[one.owner] ?? currentOwner(), { waitMs: 0, purpose: 'test' });
        leases.unshift(lease);
        return lease.epoch;
      }
      case 'release':
        return leases[0]?.[Symbol.asyncDispose]();
      case 'commit': {
        const [lease] = leases;
        if (lease === undefined) return undefined;
        const changes = one.changes.map(({ name, pql }): StateChange =>
          pql === undefined ? { type: 'delete', key: `Segment/n${name}` } : { type: 'put', resource: segment(`n${name}`, `p${pql}`) },
        );
        const journal = one.journal ? [{ type: 'begin' as const, applyId: `apply-${index}`, at: now, actor: 'ada', planDigest: 'd', operations: 0 }] : [];
        return (await store.commit(lease, changes, journal)).serial;
      }
    }
  }
}

async function observe({ store, ledger }: OpenedState): Promise<unknown> {
  const runs: readonly RunRecord[] = await ledger.find({});
  const { serial, environment, resources, lineage } = await store.read();
  const earlier = await store.at(Math.max(1, serial - 1));
  return {
    runs,
    pointers: [await ledger.snapshot('a', 's0'), await ledger.snapshot('a', 's1')],
    delivered: Object.fromEntries(await ledger.delivered('t', ['0.csv', '1.csv', '2.csv', '3.csv'])),
    latest: (await ledger.find({ segment: 's1', limit: 1 })).map(({ id }) => id),
    state: { serial, environment, hasLineage: lineage !== undefined, resources: plain(resources) },
    earlier: earlier === undefined ? undefined : plain(earlier.resources),
    history: await store.history(5),
    unfinished: await store.unfinished(),
    holder: await store.unlock(),
  };
}

function plain(resources: ReadonlyMap<string, object>): unknown {
  return JSON.parse(JSON.stringify(Object.fromEntries([...resources].sort(([one], [other]) => (one < other ? -1 : 1)))));
}

function file(number: number, index: number): FinishRun['files'][number] {
  return { path: `${number}.csv`, rows: index, bytes: index, sha256: `sum-${index}` };
}

/** A refusal is part of what is seen; the place it names differs. */
async function told(work: () => Promise<unknown>): Promise<unknown> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AppError) return error.code;
    if (error instanceof Error && error.message.includes('twice')) return 'twice';
    throw error;
  }
}

test('SQL and memory do and say the same, whatever is asked of them', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 40 }), async (steps) => {
      using workspace = createWorkspace();
      const memory = await play(steps, async (clock) => openMemoryState(clock));
      const sqlite = await play(steps, (clock) => openSqliteState({ path: workspace.path, clock }));
      expect(sqlite).toEqual(memory);
    }),
    { numRuns: 30 },
  );
});
