import { AppError } from '../model/app-error.ts';
import { ExitCode } from '../model/exit-code.ts';
import type { ActivationSpec, ProjectGuardsSpec } from '../model/generated/kinds.ts';
import type { Instant } from '../model/instant.ts';
import type { Change, Plan } from '../model/plan.ts';
import type { Kind, ResourceKey } from '../model/resource.ts';
import { checkGuards, type GuardVerdict } from '../plan/guards.ts';
import { keyOf } from '../plan/order-changes.ts';
import { failedPreconditions, stalePlan } from '../plan/preconditions.ts';
import type { JournalEntry, Lease, RecordedResource, RecordedState, StateChange } from '../state/state-store.ts';
import { activeFrom, firstAppliedAt, segmentsFrom } from './active-from.ts';
import type { ApplyDeps } from './deps.ts';
import { movedSecrets } from './moved-secrets.ts';
import { preflight, type Preflight } from './preflight.ts';
import { dropSnapshots, recover } from './recover.ts';
import { requireEnvironment } from './require-environment.ts';

export interface ApplyOptions {
  /** What `now` means: from here on slots of new activations may be due. */
  readonly now: Instant;
  readonly guards: ProjectGuardsSpec | undefined;
  /** `--allow-deletes=N`. */
  readonly allowDeletes: number | undefined;
  /** How long to wait for another apply to end. */
  readonly leaseWaitMs: number;
  /** The command that makes this plan anew, and the one that applies it; for messages. */
  readonly planAgain: string;
  readonly applyAgain: string;
  readonly signal: AbortSignal;
}

/** `apply --json` has these under `results`. */
export interface ApplyResult {
  readonly action: Change['action'];
  readonly kind: Kind;
  readonly name: string;
  readonly status: 'done' | 'failed' | 'skipped';
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string };
}

export interface ApplyOutcome {
  readonly digest: string;
  readonly results: readonly ApplyResult[];
  readonly warnings: readonly string[];
  readonly exit: ExitCode;
}

/**
 * Executes exactly a plan: takes the lease, ends what a killed apply left, proves every precondition, writes down what it is going to do, asks the
 * other sides, records all changes in one transaction, and then drops what nobody needs any more. Killed at any instant, the state is the one
 * before or the one after; the next apply does the rest. Throws `AppError`: RC3010 stale (4), RC3018 held by a guard (3), RC3005 locked (5).
 */
export async function applyPlan(plan: Plan, options: ApplyOptions, deps: ApplyDeps): Promise<ApplyOutcome> {
  await using lease = await deps.store.lease(deps.owner, { waitMs: options.leaseWaitMs, purpose: 'apply', signal: options.signal });
  await recover(deps, lease);
  const recorded = await deps.store.read();
  requireEnvironment(recorded, plan.environment ?? undefined);
  const failed = [...failedPreconditions(plan.preconditions, recorded), ...(await movedSecrets(plan.preconditions, plan.changes, deps))];
  if (failed.length > 0) throw stalePlan(failed, options.planAgain);
  requireGuards(checkGuards(plan.changes, recorded.resources.size, options.guards), options);
  if (plan.changes.length === 0) return { digest: plan.digest, results: [], warnings: [], exit: ExitCode.done };
  // Awaited here: the lease must outlive it.
  return await execute(plan, recorded, lease, options, deps);
}

/** RC3018, exit 3: more would be deleted than the project's guards allow, and nobody has said the measured number. */
export function requireGuards({ deletes, exceeded }: GuardVerdict, { allowDeletes, applyAgain }: Pick<ApplyOptions, 'allowDeletes' | 'applyAgain'>): void {
  if (exceeded.length === 0 || allowDeletes === deletes) return;
  const said = allowDeletes === undefined ? '' : ` (--allow-deletes says ${allowDeletes})`;
  throw new AppError({
    code: 'RC3018',
    message: `held: ${exceeded.join('; ')}${said}. Nothing was changed`,
    hint: `if that is meant, accept it this once:  ${applyAgain} --allow-deletes=${deletes}`,
    exit: ExitCode.held,
  });
}

async function execute(plan: Plan, recorded: RecordedState, lease: Lease, options: ApplyOptions, deps: ApplyDeps): Promise<ApplyOutcome> {
  const { store, crashPoint } = deps;
  const applyId = deps.newId();
  const at = deps.clock();
  const intents = plan.changes.map((change): JournalEntry => ({ type: 'intent', applyId, at, action: change.action, key: keyOf(change) }));
  const end = (status: Extract<JournalEntry, { type: 'end' }>['status']): JournalEntry => ({ type: 'end', applyId, at: deps.clock(), status });
  crashPoint('apply-leased');
  await store.commit(lease, [], [{ type: 'begin', applyId, at, actor: deps.actor, planDigest: plan.digest, operations: intents.length }, ...intents]);
  crashPoint('apply-announced');

  let checked: Preflight;
  try {
    checked = await preflight(plan.changes, recorded, (await store.fingerprintKey()) ?? '', deps);
    throwIfStopped(options.signal, lease);
  } catch (error) {
    // A bug or an interruption: nothing has been recorded, and the journal says so.
    await store.commit(lease, [], [end('interrupted')]).catch(() => {});
    throw error;
  }
  crashPoint('apply-checked');

  const results = plan.changes.map((change) => resultOf(change, checked));
  const changes = checked.done.map((change) => toStateChange(change, recorded.resources, checked, options, deps));
  const environment = plan.environment ?? undefined;
  if (recorded.environment !== environment) changes.push({ type: 'environment', environment });
  const outcomes = results.map(({ kind, name, status, error }): JournalEntry => ({
    type: 'outcome',
    applyId,
    at: deps.clock(),
    key: keyOf({ kind, name }),
    status,
    ...(error === undefined ? {} : { error: error.message }),
  }));
  const after = await store.commit(lease, checked.done.length === 0 ? [] : changes, outcomes);
  crashPoint('apply-recorded');
  await dropSnapshots(checked.done.map(keyOf), recorded.resources, after.resources, deps);
  crashPoint('apply-pruned');
  const exit = exitOf(results);
  await store.commit(lease, [], [end(exit === ExitCode.done ? 'done' : exit === ExitCode.partlyDone ? 'partly' : 'failed')]);
  crashPoint('apply-ended');
  return { digest: plan.digest, results, warnings: checked.warnings, exit };
}

function resultOf(change: Change, { failed, skipped }: Preflight): ApplyResult {
  const { action, kind, name } = change;
  const error = failed.get(keyOf(change));
  const reason = skipped.get(keyOf(change));
  if (error !== undefined) {
    const { code, message, hint } = error;
    return { action, kind, name, status: 'failed', error: { code, message, ...(hint === undefined ? {} : { hint }) } };
  }
  if (reason !== undefined) return { action, kind, name, status: 'skipped', error: { code: 'RC3019', message: reason } };
  return { action, kind, name, status: 'done' };
}

function toStateChange(
  change: Change,
  recorded: ReadonlyMap<ResourceKey, RecordedResource>,
  { fingerprints }: Preflight,
  options: ApplyOptions,
  deps: ApplyDeps,
): StateChange {
  const key = keyOf(change);
  if (change.action === 'delete') return { type: 'delete', key };
  const { kind, source, digest, after } = change;
  const before = recorded.get(key);
  const activation =
    kind === 'Activation'
      ? {
          activeFrom: activeFrom(before, after.spec as ActivationSpec, options.now),
          firstAppliedAt: firstAppliedAt(before, options.now),
          ...segmentsFrom(before, after.spec as ActivationSpec, options.now),
        }
      : {};
  const commit = deps.commit === undefined ? {} : { commit: deps.commit };
  const resource = { kind, ...after, digest, source, appliedAt: deps.clock(), ...commit, fingerprints: fingerprints.get(key) ?? {}, ...activation };
  return { type: 'put', resource };
}

function exitOf(results: readonly ApplyResult[]): ExitCode {
  const done = results.filter(({ status }) => status === 'done').length;
  return done === results.length ? ExitCode.done : done === 0 ? ExitCode.failed : ExitCode.partlyDone;
}

function throwIfStopped(signal: AbortSignal, lease: Lease): void {
  if (lease.lost.aborted)
    throw new AppError({ code: 'RC3006', message: 'the lock on the state was lost; nothing was changed', hint: 'apply again', cause: lease.lost.reason });
  if (!signal.aborted) return;
  const { code } = signal.reason as { readonly code?: number };
  const exit = code === ExitCode.terminated ? ExitCode.terminated : ExitCode.interrupted;
  throw new AppError({ code: 'RC3023', message: 'interrupted before anything was recorded', hint: 'apply again', exit });
}
