import { decideClaim } from '../claim-rules.ts';
import { abandonRun, advanceRun, finishRun, newRun, runAgain } from '../run-changes.ts';
import type { Claim, ClaimOutcome, RunFilter, RunLedger, RunRecord, SnapshotPointer } from '../run-ledger.ts';
import { redactRun } from '../redact-run.ts';
import { lostClaim } from '../state-errors.ts';

interface Held {
  readonly run: RunRecord;
  readonly epoch: number;
}

interface MemoryRunLedger {
  readonly ledger: RunLedger;
  readonly runs: () => number;
  readonly snapshots: () => readonly SnapshotPointer[];
}

/** Runs, pointers and delivered files in maps. */
export function createMemoryRunLedger(): MemoryRunLedger {
  const held = new Map<string, Held>();
  const pointers = new Map<string, SnapshotPointer>();
  const deliveries = new Map<string, { readonly runId: string; readonly sha256: string }>();
  const all = (): RunRecord[] => [...held.values()].map(({ run }) => run);

  const claimOf = ({ runId, epoch }: Claim): RunRecord => {
    const found = held.get(runId);
    if (found?.epoch !== epoch || found.run.status !== 'running') throw lostClaim(runId);
    return found.run;
  };
  const save = (run: RunRecord, epoch: number): ClaimOutcome & { readonly outcome: 'claimed' } => {
    held.set(run.id, { run: structuredClone(run), epoch });
    return { outcome: 'claimed', claim: { runId: run.id, epoch }, run };
  };

  const ledger: RunLedger = {
    async claim(request) {
      const ofPair = all().filter((run) => run.activation === request.activation && run.segment === request.segment);
      const { slot, runId } = request;
      const existing = ofPair.find((run) => (runId === undefined ? slot !== null && run.slot === slot : run.id === runId));
      const decision = decideClaim(
        request,
        existing,
        ofPair.filter(({ status }) => status === 'running'),
      );
      if (!('abandoned' in decision)) return decision;
      for (const run of decision.abandoned) save(abandonRun(run, request.now), held.get(run.id)?.epoch ?? 1);
      if (decision.outcome === 'again') return save(runAgain(decision.run, request), (held.get(decision.run.id)?.epoch ?? 0) + 1);
      return save(newRun(request), 1);
    },

    async advance(claim, change) {
      save(advanceRun(claimOf(claim), change), claim.epoch);
    },

    async requestCancel(runId, cancel) {
      const found = held.get(runId);
      if (found?.run.status !== 'running') return false;
      save({ ...found.run, cancel }, found.epoch);
      return true;
    },

    async finish(claim, end) {
      const { run } = save(finishRun(claimOf(claim), end), claim.epoch);
      if (end.snapshot !== undefined) pointers.set(pairKey(end.snapshot), structuredClone(end.snapshot));
      if (end.delivered !== undefined) {
        const { target, put, removed } = end.delivered;
        for (const path of removed) deliveries.delete(JSON.stringify([target, path]));
        for (const { path, sha256 } of put) deliveries.set(JSON.stringify([target, path]), { runId: run.id, sha256 });
      }
      return run;
    },

    async find(filter) {
      const found = all()
        .filter((run) => matches(run, filter))
        .sort(newestFirst);
      return found.slice(0, filter.limit);
    },

    async snapshot(activation, segment) {
      return pointers.get(pairKey({ activation, segment }));
    },

    async delivered(target, paths) {
      const found = new Map<string, { readonly runId: string; readonly sha256: string }>();
      const announced = all()
        .filter((run) => run.status !== 'success' && run.status !== 'skipped' && run.work['target'] === target)
        .sort(newestFirst);
      for (const path of paths) {
        const known = deliveries.get(JSON.stringify([target, path]));
        if (known !== undefined) found.set(path, known);
        for (const run of announced.toReversed()) {
          const file = run.files.find((one) => one.path === path);
          if (file !== undefined && !found.has(path)) found.set(path, { runId: run.id, sha256: file.sha256 });
        }
      }
      return found;
    },

    async redact(values) {
      const naming = all().filter((run) => redactRun(run, values) !== run);
      for (const run of naming) save(redactRun(run, values), held.get(run.id)?.epoch ?? 1);
      return naming.length;
    },

    async prune({ activation, segments, before, keep, dryRun = false }) {
      const dropped = [...pointers.values()]
        .filter((pointer) => pointer.activation === activation && (segments === undefined || segments.includes(pointer.segment)))
        .sort((one, other) => (one.segment < other.segment ? -1 : 1));
      for (const pointer of dryRun ? [] : dropped) pointers.delete(pairKey(pointer));
      const old =
        before === undefined
          ? []
          : all()
              .filter((run) => isForgettable(run, before) && keep?.has(run.id) !== true)
              .sort(newestFirst)
              .toReversed();
      for (const run of dryRun ? [] : old) held.delete(run.id);
      const spools = old.map(({ work }) => work['spool']).filter((spool) => typeof spool === 'string');
      return { snapshots: dropped.map(({ path }) => path), spools, runs: old.length };
    },

    async [Symbol.asyncDispose]() {},
  };

  const isForgettable = (run: RunRecord, before: number): boolean => {
    if (run.status === 'running' || run.endedAt === null || run.endedAt >= before) return false;
    if ([...pointers.values()].some(({ runId }) => runId === run.id)) return false;
    if (run.status !== 'success' || run.slot === null) return true;
    const { activation, segment, slot } = run;
    return all().some((later) => later.activation === activation && later.segment === segment && later.status === 'success' && (later.slot ?? slot) > slot);
  };

  return { ledger, runs: () => held.size, snapshots: () => [...pointers.values()] };
}

function pairKey({ activation, segment }: Pick<SnapshotPointer, 'activation' | 'segment'>): string {
  return JSON.stringify([activation, segment]);
}

function matches(run: RunRecord, filter: RunFilter): boolean {
  return (['id', 'activation', 'segment', 'slot', 'status'] as const).every((key) => filter[key] === undefined || run[key] === filter[key]);
}

function newestFirst(one: RunRecord, other: RunRecord): number {
  return other.startedAt - one.startedAt || (other.id < one.id ? -1 : 1);
}
