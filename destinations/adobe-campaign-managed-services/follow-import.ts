import type { ConnectorContext, Receipt } from '../../src/destination/connector.ts';
import { AppError } from '../../src/model/app-error.ts';
import { CampaignError } from './explain-failure.ts';
import { TokenRefusal } from './ims-token.ts';
import { parseMarker } from './marker.ts';
import type { CampaignSession } from './session.ts';
import { findWorkflow, isRightsProblem, judgeWorkflow, LOG_PAGE, LOG_RIGHTS, reachesBack, readLog, type LogPosition, type LogRow } from './workflow.ts';

/** Campaign counts and throttles calls: look often at first, for quick imports, then every half minute. */
const POLL_MS: readonly number[] = [1_000, 2_000, 4_000, 8_000, 15_000, 30_000];
/** Refused login, refused address, a session that is over and not ours to renew: waiting changes nothing. */
const LOCKED_OUT: ReadonlySet<string> = new Set(['RC6005', 'RC6006', 'RC6007']);
/** How long a trace of an event that may never have arrived is waited for. */
const TRACE_MS = 60_000;

export interface FollowRequest extends Pick<ConnectorContext, 'clock' | 'sleep'> {
  readonly session: CampaignSession;
  readonly workflow: { readonly id: string; readonly internalName: string };
  readonly runId: string;
  /** Undefined: the log could not be read then, and what stands in it may be older than the signal. */
  readonly after: LogPosition | undefined;
  readonly waitMs: number;
  /** False: nobody knows whether the event arrived. */
  readonly signalled: boolean;
  readonly signal?: AbortSignal | undefined;
}

interface Seen {
  position: LogPosition;
  /** The workflow has written anything since. */
  active: boolean;
  started: boolean;
  /** The first error row, with how many looks ago it was seen. */
  error: { readonly row: LogRow; looks: number } | undefined;
  /** Why the workflow could not go on when it was last looked at, and what to do. */
  blocked: { readonly why: string; readonly hint: string } | undefined;
}

/**
 * Follows the workflow's log for our run's marker. The state does not say that an import is done: a workflow that waits for signals stays started
 * (`domain/campaign.md` 5.1). Without a marker, an error row in the log or a stopped workflow means that it failed.
 */
export async function followImport(request: FollowRequest): Promise<Receipt> {
  const { session, clock, sleep, signal, waitMs, signalled } = request;
  const startedAt = clock();
  const seen: Seen = { position: request.after ?? { lastId: null, lastDate: null }, active: false, started: false, error: undefined, blocked: undefined };
  for (let look = 0; ; look += 1) {
    let end: Receipt | undefined;
    try {
      end = await session.within(signal, () => lookOnce(request, seen));
    } catch (error) {
      if (error instanceof CampaignError && (isRightsProblem(error) || (!signalled && isRefusal(error)))) return unreadable(request, error);
      if (!(error instanceof AppError) || !signalled || signal?.aborted === true) throw error;
      // Campaign was told: that it cannot be asked does not undo it. Asking again and again with a login that is refused may lock the operator out.
      if (LOCKED_OUT.has(error.code) || error instanceof TokenRefusal || clock() - startedAt >= waitMs)
        return unknown(`Campaign took the signal and then could not be asked: ${error.message}`);
    }
    if (end !== undefined) return end;
    const limitMs = signalled || seen.active ? waitMs : Math.min(waitMs, TRACE_MS);
    const leftMs = startedAt + limitMs - clock();
    if (leftMs <= 0) return await giveUp(request, seen);
    await sleep(Math.min(leftMs, POLL_MS[Math.min(look, POLL_MS.length - 1)] ?? 30_000), signal);
  }
}

async function giveUp({ session, workflow, after, signal, signalled, waitMs }: FollowRequest, seen: Seen): Promise<Receipt> {
  const waited = `within ${Math.round(waitMs / 1000)} s`;
  const { blocked } = seen;
  if (signalled && blocked !== undefined) {
    return unknown(`workflow \`${workflow.internalName}\` did not say ${waited} how the import ended, and cannot by now: ${blocked.why}; ${blocked.hint}`);
  }
  if (seen.started) {
    const message = `the import began but did not say its end ${waited}`;
    return signalled ? unknown(message) : { status: 'signalled', message };
  }
  if (!signalled) {
    if (after === undefined || (await session.within(signal, () => reachesBack(session, workflow, after)))) {
      return unknown('Campaign’s log has no trace of the signal');
    }
    return {
      ...unknown(
        `the log of workflow \`${workflow.internalName}\` does not reach back to this run any more: Campaign keeps it for the workflow’s history only`,
      ),
      looked: false,
    };
  }
  return unknown(`the workflow’s log holds no marker of this run ${waited}: see \`reconcile setup\` for the line that writes it`);
}

/** Campaign answered, and will not show the log whatever the login: asked again it would say the same. */
function isRefusal({ code, failure }: CampaignError): boolean {
  return failure.transport === undefined && !LOCKED_OUT.has(code);
}

/** Not the same as a log without a trace: the event may be there. */
function unreadable({ workflow }: FollowRequest, { failure }: CampaignError): Receipt {
  const why = failure.text === '' ? failure.code : failure.text;
  return { ...unknown(`the log of workflow \`${workflow.internalName}\` could not be read: Campaign refused it: ${why}; ${LOG_RIGHTS}`), looked: false };
}

function unknown(message: string): Receipt {
  return { status: 'unknown', message };
}

async function lookOnce(request: FollowRequest, seen: Seen): Promise<Receipt | undefined> {
  const { session, workflow, runId, after } = request;
  let end: Receipt | undefined;
  for (let rows: readonly LogRow[] = []; ;) {
    rows = await readLog(session, workflow, seen.position);
    for (const row of rows) {
      seen.position = { lastId: row.id, lastDate: row.date };
      const isOurs = after !== undefined || seen.started;
      if (isOurs) seen.active = true;
      const marker = parseMarker(row.message);
      if (marker?.runId === runId && marker.status === 'started') seen.started = true;
      // The last one counts: somebody may have imported the files by hand after a failure.
      else if (marker?.runId === runId) end = endOf(marker.status === 'ok', marker.rows);
      // Another run's marker says nothing about ours, whatever its type; that it failed explains the error before it.
      else if (marker?.status === 'failed') seen.error = undefined;
      else if (marker === undefined && row.type === 0 && isOurs) seen.error ??= { row, looks: 0 };
    }
    if (rows.length < LOG_PAGE) break;
  }
  if (end !== undefined) return end;
  const found = await findWorkflow(session, workflow.internalName);
  const judged = found === undefined ? undefined : judgeWorkflow(found);
  seen.blocked = judged?.kind === 'blocked' ? judged : undefined;
  if (seen.error !== undefined) {
    // One more look: the branch for errors may be about to write the marker.
    if (seen.error.looks > 0 || seen.blocked !== undefined) return failed(session.clean(describeRow(seen.error.row)));
    seen.error.looks += 1;
  } else if (found?.failed === true) {
    return failed(`workflow ${workflow.internalName} was stopped by an error`);
  }
  return undefined;
}

function endOf(ok: boolean, rows: number | undefined): Receipt {
  const counted = rows === undefined ? {} : { rows };
  return ok ? { status: 'imported', ...counted } : { status: 'import-failed', message: 'the workflow’s marker says that the import failed', ...counted };
}

function failed(message: string): Receipt {
  return { status: 'import-failed', message };
}

/** Campaign’s own words, in its language; enough to find the row there. */
function describeRow({ activity, message }: LogRow): string {
  const words = message.replaceAll(/\s+/g, ' ').trim();
  return `the workflow logged an error${activity === '' ? '' : ` in ${activity}`}: ${words.length > 200 ? `${words.slice(0, 200)}…` : words}`;
}
