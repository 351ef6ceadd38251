import { formatInstant, type Instant } from '../model/instant.ts';
import { REFUSED_REASON } from '../model/run.ts';
import type { RunRecord } from '../state/run-ledger.ts';
import type { RecordedResource } from '../state/state-store.ts';
import { tellAhead } from './read-ahead.ts';

/** One thing that is so of a resource, as Kubernetes tells it: `reason` is stable CamelCase, `message` is for people. */
export interface Condition {
  readonly type: 'Ready' | 'Reconciling' | 'Stalled' | 'Suspended';
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
  /** ISO 8601; the version of the resource that it speaks of. */
  readonly lastTransitionTime: string;
  readonly observedVersion: number;
}

/** A condition before its resource puts version and time to it. */
export type Verdict = Omit<Condition, 'lastTransitionTime' | 'observedVersion'> & { readonly at?: Instant };

interface SegmentJudgement {
  readonly shown: { readonly segment: string };
  readonly last: RunRecord | undefined;
  /** The last run's process is gone. */
  readonly isDead: boolean;
  readonly overdue: Instant | undefined;
  /** A slot delivered ahead of the clock, before which none runs. */
  readonly ahead: Instant | undefined;
}

/** How an activation stands, by the segment that stands worst: somebody is needed, then something is wrong, then work is going on, then all is well. */
export function activationConditions(input: { readonly suspended: boolean; readonly segments: readonly SegmentJudgement[] }): readonly Verdict[] {
  const { suspended, segments } = input;
  const verdicts = segments.map((segment) => judge(segment, suspended)).toSorted((a, b) => a.rank - b.rank);
  const worst = verdicts[0];
  const running = verdicts.find(({ state }) => state === 'RunInProgress');
  const at = worst?.at;
  const isReady = worst === undefined || worst.rank >= RANKS.RunInProgress;
  return [
    {
      type: 'Ready',
      status: isReady && !suspended ? 'True' : 'False',
      reason: suspended ? 'Suspended' : (worst?.state ?? 'NotScheduled'),
      message: suspended ? 'no slot is due while it is suspended' : (worst?.message ?? 'it has no segments'),
      ...(at === undefined ? {} : { at }),
    },
    running === undefined
      ? { type: 'Reconciling', status: 'False', reason: 'Idle', message: 'nothing is running' }
      : { type: 'Reconciling', status: 'True', reason: running.state, message: running.message },
    isReady
      ? { type: 'Stalled', status: 'False', reason: 'NotStalled', message: 'nothing waits for anybody' }
      : { type: 'Stalled', status: 'True', reason: worst.state, message: worst.message, ...(at === undefined ? {} : { at }) },
    suspended
      ? { type: 'Suspended', status: 'True', reason: 'SuspendedBySpec', message: '`suspend: true` is applied' }
      : { type: 'Suspended', status: 'False', reason: 'NotSuspended', message: '' },
  ];
}

/** Puts the resource's version and times to conditions; resources that run nothing are ready once they are applied. */
export function resourceConditions(resource: RecordedResource, own: readonly Verdict[] | undefined, isInterrupted: boolean): readonly Condition[] {
  const applied = formatInstant(resource.appliedAt);
  const verdicts: readonly Verdict[] = own ?? [
    { type: 'Ready', status: 'True', reason: 'Applied', message: `applied ${applied}` },
    { type: 'Reconciling', status: 'False', reason: 'Idle', message: '' },
    { type: 'Stalled', status: 'False', reason: 'NotStalled', message: '' },
    { type: 'Suspended', status: 'False', reason: 'NotSuspended', message: '' },
  ];
  return verdicts.map((verdict): Condition => {
    const { type, status, reason, message, at } =
      isInterrupted && verdict.type === 'Reconciling'
        ? {
            type: verdict.type,
            status: 'True' as const,
            reason: 'ApplyInterrupted',
            message: 'an apply was killed on its way; the next one ends it',
            at: undefined,
          }
        : verdict;
    return { type, status, reason, message, lastTransitionTime: at === undefined ? applied : formatInstant(at), observedVersion: resource.version };
  });
}

/** Lower is worse. */
const RANKS = {
  Held: 0,
  RunFailed: 1,
  RunCancelled: 2,
  RunInterrupted: 3,
  SlotOverdue: 4,
  SlotAhead: 5,
  ImportUnknown: 6,
  RunInProgress: 7,
  Succeeded: 8,
  NotRunYet: 9,
} as const;

function judge(
  { shown, last, isDead, overdue, ahead }: SegmentJudgement,
  suspended: boolean,
): { readonly state: keyof typeof RANKS; readonly rank: number; readonly message: string; readonly at: Instant | undefined } {
  const tell = (state: keyof typeof RANKS, message: string): ReturnType<typeof judge> => ({
    state,
    rank: RANKS[state],
    message: `${shown.segment}: ${message}`,
    at: last?.endedAt ?? last?.startedAt,
  });
  const why = last?.error === undefined ? '' : `: ${last.error.message}`;
  if (last?.status === 'held') return tell('Held', `run ${last.id} is held${why}`);
  if (last?.status === 'failed') return tell('RunFailed', `run ${last.id} failed${why}`);
  if (last?.status === 'cancelled') return tell('RunCancelled', `run ${last.id}${why}`);
  if (isDead)
    return tell(
      'RunInterrupted',
      `the process of run ${last?.id ?? ''} is gone; \`reconcile watch\` or \`reconcile runs retry ${last?.id ?? ''}\` goes on with it`,
    );
  if (overdue !== undefined && !suspended) return tell('SlotOverdue', `the slot ${formatInstant(overdue)} has not run: is \`reconcile watch\` running?`);
  if (ahead !== undefined && !suspended) return tell('SlotAhead', tellAhead(ahead));
  if (last?.status === 'running') return tell('RunInProgress', `run ${last.id}, step ${last.step}`);
  if (last?.status === 'success') {
    if (last.import?.status === 'unknown')
      return tell('ImportUnknown', `run ${last.id} was delivered, and its import is unknown: ${last.import.message ?? ''}`);
    const { [REFUSED_REASON]: refused = 0 } = last.counts.reasons;
    const again =
      refused === 0
        ? ''
        : `; ${refused} ${refused === 1 ? 'row was' : 'rows were'} refused by the destination${last.slot === null ? '' : ' and the next slot sends them again'}`;
    return tell('Succeeded', `run ${last.id} succeeded${again}`);
  }
  return tell('NotRunYet', 'it has not run yet');
}
