import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resourceKey } from '../../src/model/resource.ts';
import { currentOwner } from '../../src/state/owner.ts';
import type { OpenedState } from '../../src/state/opened-state.ts';
import type { ClaimRequest, FinishRun, RunLedger } from '../../src/state/run-ledger.ts';
import type { JournalEntry, RecordedResource, StateStore } from '../../src/state/state-store.ts';

export interface StateUnderTest {
  readonly store: StateStore;
  readonly ledger: RunLedger;
  inspect: OpenedState['inspect'];
  /** Moves the adapter's clock. */
  advance(ms: number): void;
  close(): Promise<void>;
}

const DEAD = { ...currentOwner(), pid: 2 ** 22 - 3, processStart: '1' };
const ELSEWHERE = { host: 'another-host', pid: 1, processStart: '1' };
const NOW = Date.UTC(2026, 11, 1);

function resource(name: string, spec: unknown = { pql: 'true' }): Omit<RecordedResource, 'version'> {
  return {
    kind: 'Segment',
    metadata: { name },
    spec,
    digest: JSON.stringify(spec),
    source: { file: 'manifests/a.yaml', line: 3 },
    appliedAt: NOW,
    fingerprints: {},
  };
}

function begin(applyId: string): JournalEntry {
  return { type: 'begin', applyId, at: NOW, actor: 'ada', planDigest: 'd', operations: 1 };
}

function request(change: Partial<ClaimRequest> = {}): ClaimRequest {
  return {
    activation: 'a',
    segment: 's',
    slot: NOW,
    mode: 'full',
    owner: currentOwner(),
    now: NOW,
    newId: `run-${Math.random()}`,
    staleAfterMs: 60_000,
    ...change,
  };
}

const SUCCESS: FinishRun = {
  status: 'success',
  counts: { received: 2, activated: 2, excluded: 0, failed: 0, reasons: {} },
  files: [{ path: 'x.csv', rows: 2, bytes: 10, sha256: 'aa' }],
  endedAt: NOW + 5,
  work: { target: 't' },
};

/** What every adapter of the state keeps to. */
export function stateSuite(name: string, open: () => Promise<StateUnderTest>): void {
  describe(`${name}: StateStore`, () => {
    let state: StateUnderTest;
    beforeEach(async () => void (state = await open()));
    afterEach(() => state.close());

    it('is empty before the first commit', async () => {
      const read = await state.store.read();
      expect(read.lineage).toBeUndefined();
      expect(read.resources.size).toBe(0);
    });

    it('tells the digests that reading everything tells', async () => {
      expect(await state.store.digests()).toEqual({ lineage: undefined, serial: 0, environment: undefined, digests: new Map() });
      await using lease = await state.store.lease(currentOwner(), { waitMs: 0, purpose: 'test' });
      await state.store.commit(
        lease,
        [
          { type: 'put', resource: resource('one') },
          { type: 'put', resource: resource('two', { pql: 'false' }) },
          { type: 'environment', environment: 'prod' },
        ],
        [],
      );
      await state.store.commit(lease, [{ type: 'delete', key: 'Segment/one' }], []);

      const { resources, ...meta } = await state.store.read();

      expect(await state.store.digests()).toEqual({ ...meta, digests: new Map([...resources].map(([key, { digest }]) => [key, digest])) });
    });

    it('counts versions and serials, and keeps earlier generations', async () => {
      await using lease = await state.store.lease(currentOwner(), { waitMs: 0, purpose: 'test' });
      const first = await state.store.commit(
        lease,
        [
          { type: 'put', resource: resource('one') },
          { type: 'environment', environment: 'prod' },
        ],
        [begin('a1')],
      );
      expect(first).toMatchObject({ serial: 1, environment: 'prod' });
      const second = await state.store.commit(
        lease,
        [
          { type: 'put', resource: resource('one', { pql: 'false' }) },
          { type: 'put', resource: resource('two') },
        ],
        [],
      );
      expect(second.lineage).toBe(first.lineage);
      expect(second.resources.get(resourceKey('Segment', 'one'))).toMatchObject({ version: 2, spec: { pql: 'false' } });
      const third = await state.store.commit(lease, [{ type: 'delete', key: 'Segment/one' }], []);
      expect([...third.resources.keys()]).toEqual(['Segment/two']);
      const earlier = await state.store.at(1);
      expect(earlier?.resources.get('Segment/one')?.spec).toEqual({ pql: 'true' });
      expect((await state.store.history(10)).map(({ serial, changes }) => [serial, changes.length])).toEqual([
        [3, 1],
        [2, 2],
        [1, 1],
      ]);
      expect(await state.store.fingerprintKey()).toMatch(/^[0-9a-f]{64}$/);
    });

    it('stays empty while an apply is only announced, with a key for fingerprints', async () => {
      await using lease = await state.store.lease(currentOwner(), { waitMs: 0, purpose: 'test' });
      expect(await state.store.fingerprintKey()).toBeUndefined();
      expect(await state.store.commit(lease, [], [begin('a1')])).toMatchObject({ lineage: undefined, serial: 0 });
      const key = await state.store.fingerprintKey();
      expect(key).toMatch(/^[0-9a-f]{64}$/);
      await state.store.commit(lease, [{ type: 'put', resource: resource('one') }], []);
      expect((await state.store.read()).lineage).toMatch(/^[0-9a-f-]{36}$/);
      expect(await state.store.fingerprintKey()).toBe(key);
    });

    it('takes in an exported state, versions and all, where nothing was applied', async () => {
      await using lease = await state.store.lease(currentOwner(), { waitMs: 0, purpose: 'import' });
      const { fingerprints: _, ...plain } = { ...resource('one'), version: 7 };
      const restore = { type: 'restore' as const, lineage: 'from-elsewhere', serial: 41, environment: 'prod', resources: [plain] };
      const restored = await state.store.commit(lease, [restore], []);
      expect(restored).toMatchObject({ lineage: 'from-elsewhere', serial: 41, environment: 'prod' });
      expect((await state.store.read()).resources.get('Segment/one')).toMatchObject({ version: 7, fingerprints: {}, spec: { pql: 'true' } });
      expect((await state.store.at(41))?.resources.size).toBe(1);
      await expect(state.store.commit(lease, [restore], [])).rejects.toMatchObject({ code: 'RC3007' });
      expect(await state.store.commit(lease, [{ type: 'put', resource: resource('one', { pql: 'false' }) }], [])).toMatchObject({ serial: 42 });
      expect((await state.store.read()).resources.get('Segment/one')?.version).toBe(8);
    });

    it('refuses places outside the project, and writes nothing of such a commit', async () => {
      await using lease = await state.store.lease(currentOwner(), { waitMs: 0, purpose: 'test' });
      const outside = { ...resource('two'), source: { file: '/home/ada/a.yaml', line: 1 } };
      const changes = [
        { type: 'put' as const, resource: resource('one') },
        { type: 'put' as const, resource: outside },
      ];
      await expect(state.store.commit(lease, changes, [begin('a1')])).rejects.toThrow(/relative/);
      expect((await state.store.read()).resources.size).toBe(0);
      expect(await state.store.unfinished()).toEqual([]);
    });

    it('gives each reader the state of its instant, whatever is written later', async () => {
      await using lease = await state.store.lease(currentOwner(), { waitMs: 0, purpose: 'test' });
      await state.store.commit(lease, [{ type: 'put', resource: resource('one') }], []);
      const before = await state.store.read();
      await state.store.commit(lease, [{ type: 'delete', key: 'Segment/one' }], []);
      expect([...before.resources.keys()]).toEqual(['Segment/one']);
      expect((await state.store.read()).resources.size).toBe(0);
    });

    it('waits for the holder, until it gives back or the wait is called off', async () => {
      const held = await state.store.lease(currentOwner(), { waitMs: 0, purpose: 'apply' });
      const waiting = state.store.lease(currentOwner(), { waitMs: 20_000, purpose: 'test' });
      const stop = new AbortController();
      const stopped = state.store.lease(currentOwner(), { waitMs: 20_000, purpose: 'test', signal: stop.signal });
      stop.abort();
      await expect(stopped).rejects.toThrow(/abort/i);
      await held[Symbol.asyncDispose]();
      await using taken = await waiting;
      expect(taken.epoch).toBeGreaterThan(held.epoch);
    });

    it('tells which applies began and did not end', async () => {
      await using lease = await state.store.lease(currentOwner(), { waitMs: 0, purpose: 'test' });
      await state.store.commit(lease, [], [begin('a1'), { type: 'end', applyId: 'a1', at: NOW, status: 'done' }]);
      await state.store.commit(lease, [], [begin('a2'), { type: 'intent', applyId: 'a2', at: NOW, action: 'create', key: 'Segment/one' }]);
      expect((await state.store.unfinished()).map(({ type, applyId }) => `${applyId} ${type}`)).toEqual(['a2 begin', 'a2 intent']);
    });

    it('drops whole old applies from the start of the journal, and what stays is still proved unchanged', async () => {
      await using lease = await state.store.lease(currentOwner(), { waitMs: 0, purpose: 'test' });
      const apply = (applyId: string, at: number): Promise<unknown> =>
        state.store.commit(
          lease,
          [],
          [
            { ...begin(applyId), at },
            { type: 'end', applyId, at: at + 1, status: 'done' },
          ],
        );
      await apply('a1', NOW);
      await apply('a2', NOW + 10);
      await state.store.commit(lease, [], [{ ...begin('a3'), at: NOW + 20 }]);
      await apply('a4', NOW + 30);
      expect(await state.store.pruneJournal({ before: NOW + 11 })).toBe(2);
      expect(await state.store.pruneJournal({ before: NOW + 100, dryRun: true })).toBe(2);
      // An apply that has not ended stays, and all after it.
      expect(await state.store.pruneJournal({ before: NOW + 100 })).toBe(2);
      await apply('a5', NOW + 40);
      const { journalEntries, problems } = await state.inspect();
      expect([journalEntries, problems.map(({ code }) => code).filter((code) => code === 'RC3032')]).toEqual([5, []]);
      expect((await state.store.unfinished()).map(({ applyId }) => applyId)).toEqual(['a3']);
    });

    it('changes everything of a commit or nothing', async () => {
      await using lease = await state.store.lease(currentOwner(), { waitMs: 0, purpose: 'test' });
      await expect(
        state.store.commit(
          lease,
          [
            { type: 'put', resource: resource('one') },
            { type: 'put', resource: resource('one') },
          ],
          [],
        ),
      ).rejects.toThrow(/twice/);
      expect((await state.store.read()).resources.size).toBe(0);
    });

    it('lets one holder in, names it to others, and takes over from the dead', async () => {
      const held = await state.store.lease(currentOwner(), { waitMs: 0, purpose: 'apply' });
      await expect(state.store.lease(currentOwner(), { waitMs: 0, purpose: 'test' })).rejects.toMatchObject({
        code: 'RC3005',
        exit: 5,
        message: expect.stringContaining(String(process.pid)),
      });
      await held[Symbol.asyncDispose]();
      await state.store.lease(DEAD, { waitMs: 0, purpose: 'killed' });
      await using taken = await state.store.lease(currentOwner(), { waitMs: 0, purpose: 'test' });
      expect(taken.epoch).toBeGreaterThan(held.epoch);
      await expect(state.store.commit(held, [{ type: 'put', resource: resource('late') }], [])).rejects.toMatchObject({ code: 'RC3006' });
      expect((await state.store.read()).resources.size).toBe(0);
    });

    it('waits out a holder on another host, and unlocks by its epoch only', async () => {
      const other = await state.store.lease(ELSEWHERE, { waitMs: 0, purpose: 'apply' });
      await expect(state.store.lease(currentOwner(), { waitMs: 0, purpose: 'test' })).rejects.toMatchObject({ code: 'RC3005' });
      await state.store.unlock({ epoch: other.epoch + 7 });
      expect(await state.store.unlock()).toMatchObject({ epoch: other.epoch, alive: true });
      await state.store.unlock({ epoch: other.epoch });
      expect(await state.store.unlock()).toBeUndefined();
      await expect(state.store.commit(other, [{ type: 'put', resource: resource('late') }], [])).rejects.toMatchObject({ code: 'RC3006' });
    });

    it('is not written by who has given the lease back, nor lost by a holder on another host whose time is not over', async () => {
      const held = await state.store.lease(currentOwner(), { waitMs: 0, purpose: 'apply' });
      await held[Symbol.asyncDispose]();
      await expect(state.store.commit(held, [{ type: 'put', resource: resource('late') }], [])).rejects.toMatchObject({ code: 'RC3006' });
      const other = await state.store.lease(ELSEWHERE, { waitMs: 0, purpose: 'apply' });
      state.advance(61_000);
      expect(await state.store.unlock()).toMatchObject({ alive: false });
      await using mine = await state.store.lease(currentOwner(), { waitMs: 0, purpose: 'test' });
      expect(mine.epoch).toBeGreaterThan(other.epoch);
    });
  });

  describe(`${name}: RunLedger`, () => {
    let state: StateUnderTest;
    beforeEach(async () => void (state = await open()));
    afterEach(() => state.close());

    it('gives a slot one id for ever, and returns a success as done', async () => {
      const first = await state.ledger.claim(request({ newId: 'r1' }));
      if (first.outcome !== 'claimed') throw new Error(first.outcome);
      await state.ledger.finish(first.claim, { ...SUCCESS, status: 'failed', error: { code: 'RC1', message: 'no' } });
      const second = await state.ledger.claim(request({ newId: 'r2' }));
      if (second.outcome !== 'claimed') throw new Error(second.outcome);
      expect(second.run).toMatchObject({ id: 'r1', attempt: 2, status: 'running', step: 'claimed' });
      const snapshot = { activation: 'a', segment: 's', path: 'snapshots/r1.parquet', runId: 'r1', slot: NOW, members: 2, keys: ['Email'], target: 't' };
      await state.ledger.finish(second.claim, { ...SUCCESS, snapshot, delivered: { target: 't', put: SUCCESS.files, removed: [] } });
      expect(await state.ledger.snapshot('a', 's')).toEqual(snapshot);
      expect((await state.ledger.delivered('t', ['x.csv', 'y.csv'])).get('x.csv')).toEqual({ runId: 'r1', sha256: 'aa' });
      expect((await state.ledger.delivered('elsewhere', ['x.csv'])).size).toBe(0);
      expect(await state.ledger.claim(request())).toMatchObject({ outcome: 'done', run: { id: 'r1', status: 'success', step: 'recorded' } });
    });

    it('lets one living run of a pair work at a time, and fences who was taken over', async () => {
      const dead = await state.ledger.claim(request({ owner: DEAD, newId: 'r1' }));
      if (dead.outcome !== 'claimed') throw new Error(dead.outcome);
      await state.ledger.advance(dead.claim, { step: 'written', work: { target: 't' }, files: SUCCESS.files, now: NOW + 1 });
      expect((await state.ledger.delivered('t', ['x.csv'])).get('x.csv')?.runId).toBe('r1');
      const mine = await state.ledger.claim(request());
      if (mine.outcome !== 'claimed') throw new Error(mine.outcome);
      expect(mine.run).toMatchObject({ id: 'r1', step: 'written', work: { target: 't' }, files: SUCCESS.files });
      await expect(state.ledger.advance(dead.claim, { now: NOW })).rejects.toMatchObject({ code: 'RC4006' });
      await expect(state.ledger.finish(dead.claim, SUCCESS)).rejects.toMatchObject({ code: 'RC4006' });
      expect(await state.ledger.claim(request({ slot: null }))).toMatchObject({ outcome: 'busy', run: { id: 'r1' } });
      expect(await state.ledger.claim(request({ segment: 'other' }))).toMatchObject({ outcome: 'claimed' });
    });

    it('asks a process on this machine whether it lives, however long it is silent; of another one only time can tell, be the clock set back', async () => {
      await state.ledger.claim(request({ newId: 'r1' }));
      expect(await state.ledger.claim(request({ now: NOW + 600_000 }))).toMatchObject({ outcome: 'busy' });
      await state.ledger.claim(request({ newId: 'r2', segment: 'far', owner: ELSEWHERE }));
      expect(await state.ledger.claim(request({ segment: 'far', now: NOW + 59_000 }))).toMatchObject({ outcome: 'busy' });
      expect(await state.ledger.claim(request({ segment: 'far', now: NOW - 60_000 }))).toMatchObject({ outcome: 'claimed', run: { id: 'r2' } });
      await state.ledger.claim(request({ newId: 'r3', segment: 'farther', owner: ELSEWHERE }));
      expect(await state.ledger.claim(request({ segment: 'farther', now: NOW + 60_000 }))).toMatchObject({ outcome: 'claimed', run: { id: 'r3' } });
    });

    it('knows files as ours until they are removed: delivered ones, and those of a run that was cancelled or held on the way', async () => {
      for (const status of ['cancelled', 'held', 'success'] as const) {
        const claimed = await state.ledger.claim(request({ newId: status, segment: status }));
        if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
        const files = [{ path: `${status}.csv`, rows: 2, bytes: 10, sha256: 'aa' }];
        await state.ledger.finish(claimed.claim, {
          ...SUCCESS,
          status,
          files,
          ...(status === 'success' ? { delivered: { target: 't', put: files, removed: [] } } : {}),
        });
      }
      const paths = ['cancelled.csv', 'held.csv', 'success.csv'];
      expect([...(await state.ledger.delivered('t', paths)).keys()].toSorted()).toEqual(paths);
      const shorter = await state.ledger.claim(request({ newId: 'next', segment: 'success', slot: NOW + 1 }));
      if (shorter.outcome !== 'claimed') throw new Error(shorter.outcome);
      await state.ledger.finish(shorter.claim, { ...SUCCESS, files: [], delivered: { target: 't', put: [], removed: ['success.csv'] } });
      expect([...(await state.ledger.delivered('t', paths)).keys()].toSorted()).toEqual(['cancelled.csv', 'held.csv']);
    });

    it('ends an export now that was killed, and starts each one anew', async () => {
      await state.ledger.claim(request({ slot: null, owner: DEAD, newId: 'r1' }));
      expect(await state.ledger.claim(request({ slot: null, newId: 'r2' }))).toMatchObject({ outcome: 'claimed', run: { id: 'r2' } });
      expect(await state.ledger.find({ id: 'r1' })).toMatchObject([{ status: 'failed', error: { code: 'RC4007' } }]);
    });

    it('takes a run up again by its id, a successful one too, and remembers how earlier attempts ended', async () => {
      const first = await state.ledger.claim(request({ newId: 'r1', slot: null }));
      if (first.outcome !== 'claimed') throw new Error(first.outcome);
      await state.ledger.finish(first.claim, SUCCESS);
      const again = await state.ledger.claim(request({ newId: 'r2', slot: null, runId: 'r1', now: NOW + 10 }));
      if (again.outcome !== 'claimed') throw new Error(again.outcome);
      expect(again.run).toMatchObject({ id: 'r1', attempt: 2, status: 'running', startedAt: NOW + 10 });
      const earlier = [{ attempt: 1, status: 'success', startedAt: NOW, endedAt: NOW + 5 }];
      expect(again.run.earlier).toEqual(earlier);
      await state.ledger.finish(again.claim, { ...SUCCESS, endedAt: NOW + 15 });
      const third = await state.ledger.claim(request({ newId: 'r3', slot: null, runId: 'r1', now: NOW + 20 }));
      expect(third.run.earlier).toEqual([...earlier, { attempt: 2, status: 'success', startedAt: NOW + 10, endedAt: NOW + 15 }]);
      await expect(state.ledger.claim(request({ segment: 'other', runId: 'unknown' }))).rejects.toThrow(/unknown/);
      expect(await state.ledger.find({ segment: 'other' })).toEqual([]);
    });

    it('takes a person out of the errors on record, as they are quoted there and nowhere else', async () => {
      for (const message of ['row 7 holds "7"', 'twice: `7`, `17`']) {
        const claimed = await state.ledger.claim(request({ newId: 'r1', slot: NOW }));
        if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
        await state.ledger.finish(claimed.claim, { ...SUCCESS, status: 'failed', error: { code: 'RC1', message } });
      }
      expect(await state.ledger.redact(['8'])).toBe(0);
      expect(await state.ledger.redact(['7'])).toBe(1);
      const [run] = await state.ledger.find({ id: 'r1' });
      expect([run?.error?.message, run?.earlier?.[0]?.error?.message]).toEqual(['twice: `[forgotten]`, `17`', 'row 7 holds "[forgotten]"']);
    });

    it('carries the wish that a run may end to its holder, and only while it runs', async () => {
      const claimed = await state.ledger.claim(request({ newId: 'r1', slot: NOW }));
      if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
      const wish = { by: 'jo@host', at: NOW, because: 'wrong segment' };
      expect(await state.ledger.requestCancel('r1', wish)).toBe(true);
      await state.ledger.advance(claimed.claim, { now: NOW + 1 });
      expect((await state.ledger.find({ id: 'r1' }))[0]?.cancel).toEqual(wish);
      await state.ledger.finish(claimed.claim, { ...SUCCESS, status: 'cancelled', endedAt: NOW + 2 });
      expect(await state.ledger.requestCancel('r1', wish)).toBe(false);
      expect(await state.ledger.requestCancel('none', wish)).toBe(false);
      const again = await state.ledger.claim(request({ newId: 'r1', slot: NOW, now: NOW + 3 }));
      expect([again.outcome, again.run.status, again.run.cancel]).toEqual(['claimed', 'running', undefined]);
    });

    it('finds runs newest first and prunes what nobody needs', async () => {
      for (const [index, id] of ['r1', 'r2', 'r3'].entries()) {
        const claimed = await state.ledger.claim(request({ newId: id, slot: NOW + index, now: NOW + index }));
        if (claimed.outcome !== 'claimed') throw new Error(claimed.outcome);
        const snapshot = { activation: 'a', segment: 's', path: `snapshots/${id}.parquet`, runId: id, slot: NOW + index, members: 2, keys: [], target: 't' };
        await state.ledger.finish(claimed.claim, { ...SUCCESS, endedAt: NOW + index, work: { spool: `spool/${id}` }, ...(id === 'r2' ? { snapshot } : {}) });
      }
      expect((await state.ledger.find({ activation: 'a', limit: 2 })).map(({ id }) => id)).toEqual(['r3', 'r2']);
      // r2 has the pointer, r3 is the newest success: it says which slots are decided.
      expect(await state.ledger.prune({ before: NOW + 100, dryRun: true })).toEqual({ snapshots: [], spools: ['spool/r1'], runs: 1 });
      expect(await state.ledger.prune({ before: NOW + 100, keep: new Set(['r1']) })).toEqual({ snapshots: [], spools: [], runs: 0 });
      expect(await state.ledger.find({})).toHaveLength(3);
      expect(await state.ledger.prune({ before: NOW + 100 })).toEqual({ snapshots: [], spools: ['spool/r1'], runs: 1 });
      expect((await state.ledger.find({})).map(({ id }) => id)).toEqual(['r3', 'r2']);
      expect(await state.ledger.prune({ activation: 'a' })).toEqual({ snapshots: ['snapshots/r2.parquet'], spools: [], runs: 0 });
      expect(await state.ledger.snapshot('a', 's')).toBeUndefined();
    });
  });
}
