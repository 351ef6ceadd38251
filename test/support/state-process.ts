/** A process of its own that works on a state, for tests of several processes, of other users and of sudden ends. */
import { AppError } from '../../src/model/app-error.ts';
import { currentOwner } from '../../src/state/owner.ts';
import { openSqliteState } from '../../src/state/sqlite/open-sqlite-state.ts';
import { segment } from './state-fixture.ts';

const [task = '', path = '', ...rest] = process.argv.slice(2);
const state = await openSqliteState({ path });
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const TASKS: Readonly<Record<string, () => Promise<void>>> = {
  /** Prints how many resources there are. */
  async count() {
    say(String((await state.store.read()).resources.size));
  },

  /** Commits pairs of resources for ever, and prints the number of each pair once it is durable. */
  async commit() {
    const lease = await state.store.lease(currentOwner(), { waitMs: 10_000, purpose: 'commits' });
    const from = (await state.store.read()).resources.size / 2;
    for (let pair = from; ; pair += 1) {
      const at = Date.now();
      const applyId = `apply-${pair}`;
      await state.store.commit(
        lease,
        [],
        [
          { type: 'begin', applyId, at, actor: 'test', planDigest: 'd', operations: 2 },
          { type: 'intent', applyId, at, action: 'create', key: `Segment/left-${pair}` },
        ],
      );
      await state.store.commit(
        lease,
        [
          { type: 'put', resource: segment(`left-${pair}`) },
          { type: 'put', resource: segment(`right-${pair}`, 'x '.repeat(2000)) },
        ],
        [{ type: 'end', applyId, at, status: 'done' }],
      );
      say(String(pair));
    }
  },

  /** Claims slots one after the other and ends each, with a pointer and a delivered file; prints the slot once it is recorded. */
  async export() {
    for (let slot = Number(rest[0]); ; slot += 1) {
      const outcome = await state.ledger.claim({
        activation: 'a',
        segment: 's',
        slot,
        mode: 'full',
        owner: currentOwner(),
        now: Date.now(),
        newId: `run-${slot}-${process.pid}`,
        staleAfterMs: 60_000,
      });
      if (outcome.outcome !== 'claimed') continue;
      const files = [{ path: `${slot}.csv`, rows: 1, bytes: 1, sha256: `sum-${slot}` }];
      await state.ledger.advance(outcome.claim, { step: 'written', files, work: { target: 't' }, now: Date.now() });
      await state.ledger.finish(outcome.claim, {
        status: 'success',
        counts: { received: 1, activated: 1, excluded: 0, failed: 0, reasons: {} },
        files,
        endedAt: Date.now(),
        work: { target: 't' },
        snapshot: { activation: 'a', segment: 's', path: `snapshots/${slot}.parquet`, runId: outcome.run.id, slot, members: 1, keys: [], target: 't' },
        delivered: { target: 't', put: files, removed: [] },
      });
      say(String(slot));
    }
  },

  /** Takes the lease so many times; while it holds it, it prints when it took it and when it gave it back, in the machine's clock. */
  async contend() {
    for (let turn = 0; turn < Number(rest[0]); turn += 1) {
      const lease = await state.store.lease(currentOwner(), { waitMs: 30_000, purpose: `turn ${turn}` });
      const took = process.hrtime.bigint();
      const before = (await state.store.read()).serial;
      await state.store.commit(lease, [{ type: 'put', resource: segment(`counter`, `${process.pid} ${turn}`) }], []);
      const after = (await state.store.read()).serial;
      if (after !== before + 1) throw new Error(`somebody else wrote: ${before} then ${after}`);
      const gave = process.hrtime.bigint();
      await lease[Symbol.asyncDispose]();
      say(`${lease.epoch} ${took} ${gave}`);
    }
  },

  /** Claims every slot of a range, whoever else does; prints those it got. */
  async race() {
    const [from = 0, to = 0] = rest.map(Number);
    for (let slot = from; slot < to; slot += 1) {
      const outcome = await state.ledger.claim({
        activation: 'a',
        segment: `s${slot}`,
        slot,
        mode: 'full',
        owner: currentOwner(),
        now: Date.now(),
        newId: `run-${slot}-${process.pid}`,
        staleAfterMs: 60_000,
      });
      say(`${slot} ${outcome.outcome} ${outcome.run.id}`);
    }
    // Alive until the other one has seen it.
    process.stdin.resume();
    await new Promise((ended) => process.stdin.once('end', ended));
  },

  /** Takes the lease and keeps it until it is killed. */
  async hold() {
    const lease = await state.store.lease(currentOwner(), { waitMs: 0, purpose: 'held by a test' });
    say(`holds ${lease.epoch}`);
    process.stdin.resume();
    await new Promise((ended) => process.stdin.once('end', ended));
  },
};

try {
  const run = TASKS[task];
  if (run === undefined) throw new Error(`no task ${task}`);
  await run();
  await state.close();
} catch (error) {
  if (!(error instanceof AppError)) throw error;
  say(`${error.code} ${error.message}`);
  process.exitCode = error.exit;
}
