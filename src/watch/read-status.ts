import type { DestinationCard } from '../model/destination-card.ts';
import { formatInstant, type Instant } from '../model/instant.ts';
import type { Run } from '../model/run.ts';
import type { Kind, ResourceKey } from '../model/resource.ts';
import { toRun } from '../export/to-run.ts';
import { nextSlots } from '../schedule/slots.ts';
import type { Owner } from '../state/owner.ts';
import type { RunLedger, RunRecord } from '../state/run-ledger.ts';
import type { StateStore } from '../state/state-store.ts';
import { activationConditions, resourceConditions, type Condition, type Verdict } from './conditions.ts';
import { judgePair } from './judge-pair.ts';
import { readAhead } from './read-ahead.ts';
import { listPairs, type ScheduledPair } from './scheduled-pair.ts';

export interface StatusDeps {
  readonly store: Pick<StateStore, 'read' | 'unfinished'>;
  readonly ledger: Pick<RunLedger, 'find' | 'snapshot'>;
  readonly card: (type: string) => DestinationCard | undefined;
  readonly mayBeAlive: (owner: Owner) => boolean;
  /** What `now` means. */
  readonly now: Instant;
  /** The wall clock. */
  readonly wall: Instant;
}

export interface SegmentStatus {
  readonly segment: string;
  readonly lastRun: Run | null;
  readonly lastSuccess: Run | null;
  /** A slot that has passed its grace and has not run. */
  readonly overdueSlot: string | null;
  /** A slot that was delivered ahead of the clock: none before it runs. */
  readonly aheadSlot?: string;
}

export interface ActivationStatus {
  readonly name: string;
  /** Slot of the newest success, else its start; null when there was none. */
  readonly lastSuccess: string | null;
  readonly nextSlots: readonly string[];
  readonly suspended: boolean;
  readonly segments: readonly SegmentStatus[];
}

export interface Status {
  readonly resources: readonly { readonly kind: Kind; readonly name: string; readonly conditions: readonly Condition[] }[];
  readonly activations: readonly ActivationStatus[];
}

const NEXT_SLOTS = 5;
const RECORDS_READ = 20;
/** Beyond a full list of skipped slots. */
const MOST_RECORDS_READ = 150;
const CLOCK_TOLERANCE_MS = 5_000;

/** How everything that is applied stands. Reads the state alone: no manifest, no source, no destination. */
export async function readStatus(deps: StatusDeps): Promise<Status> {
  const { store, now } = deps;
  const [{ resources }, unfinished] = await Promise.all([store.read(), store.unfinished()]);
  const interrupted = new Set<ResourceKey>(unfinished.flatMap((entry) => (entry.type === 'intent' ? [entry.key] : [])));
  const statuses = new Map<string, ActivationStatus>();
  const conditions = new Map<string, readonly Verdict[]>();
  for (const [name, pairs] of Map.groupBy(listPairs(resources, deps.card), ({ activation }) => activation)) {
    const segments: SegmentStatus[] = [];
    const judged: Awaited<ReturnType<typeof readPair>>[] = [];
    for (const pair of pairs) {
      const status = await readPair(pair, deps);
      segments.push(status.shown);
      judged.push(status);
    }
    const suspended = pairs.some((pair) => pair.suspended);
    const slots = pairs.flatMap((pair, index) =>
      pair.schedule === undefined || pair.suspended
        ? []
        : nextSlots(pair.schedule, pair.anchor, Math.max(now, pair.activeFrom - 1, judged[index]?.ahead ?? -Infinity), NEXT_SLOTS),
    );
    const successes = segments.flatMap(({ lastSuccess }) => (lastSuccess === null ? [] : [lastSuccess.slot ?? lastSuccess.startedAt]));
    statuses.set(name, {
      name,
      lastSuccess: successes.toSorted().at(-1) ?? null,
      nextSlots: [...new Set(slots)]
        .toSorted((a, b) => a - b)
        .slice(0, NEXT_SLOTS)
        .map(formatInstant),
      suspended,
      segments,
    });
    conditions.set(name, activationConditions({ suspended, segments: judged }));
  }
  return {
    resources: [...resources.values()].map((resource) => {
      const { kind, metadata } = resource;
      const own = kind === 'Activation' ? conditions.get(metadata.name) : undefined;
      return { kind, name: metadata.name, conditions: resourceConditions(resource, own, interrupted.has(`${kind}/${metadata.name}`)) };
    }),
    activations: [...statuses.values()],
  };
}

async function readPair(
  pair: ScheduledPair,
  deps: StatusDeps,
): Promise<{
  readonly shown: SegmentStatus;
  readonly last: RunRecord | undefined;
  readonly isDead: boolean;
  readonly overdue: Instant | undefined;
  readonly ahead: Instant | undefined;
}> {
  const { activation, segment } = pair;
  const records = await latestRecords(pair, deps);
  const success = records.find(({ status }) => status === 'success') ?? (await deps.ledger.find({ activation, segment, status: 'success', limit: 1 }))[0];
  // What was skipped since something else ran says nothing about how the pair stands.
  const last = records.find(({ status }) => status !== 'skipped') ?? records[0];
  const bound = await readAhead(deps.ledger, pair, deps.now);
  const { run, again, ahead } = judgePair({ pair, records, ahead: bound, now: deps.now, wall: deps.wall, impatient: true, chance: 0 });
  const overdue = run !== undefined && !again && deps.now - run > OVERDUE_AFTER_MS ? run : undefined;
  return {
    shown: {
      segment,
      lastRun: last === undefined ? null : toRun(last),
      lastSuccess: success === undefined ? null : toRun(success),
      overdueSlot: overdue === undefined ? null : formatInstant(overdue),
      ...(ahead === undefined ? {} : { aheadSlot: formatInstant(ahead) }),
    },
    last,
    isDead: last?.status === 'running' && (last.owner === null || !deps.mayBeAlive(last.owner)),
    overdue,
    ahead,
  };
}

/** Newest first. What began while the clock was ahead is no news: it would hide how things stand until the clock has caught up. */
async function latestRecords({ activation, segment }: ScheduledPair, { ledger, wall }: StatusDeps): Promise<readonly RunRecord[]> {
  const latest = await ledger.find({ activation, segment, limit: RECORDS_READ });
  const isAhead = ({ startedAt }: RunRecord): boolean => startedAt > wall + CLOCK_TOLERANCE_MS;
  if (!latest.some(isAhead)) return latest;
  const more = await ledger.find({ activation, segment, limit: MOST_RECORDS_READ });
  return [...more.filter((one) => !isAhead(one)), ...more.filter(isAhead)];
}

/** A slot that nobody has begun so long after its time: is `watch` running at all? */
const OVERDUE_AFTER_MS = 5 * 60_000;
