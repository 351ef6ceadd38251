import { STOPPED } from '../export/told-error.ts';
import { ALREADY_RUNNING } from '../export/to-run.ts';
import { formatInstant, type Instant } from '../model/instant.ts';
import type { Run } from '../model/run.ts';
import { asUserError } from '../model/system-refusal.ts';
import { formatSlots } from '../plan/plan-view.ts';
import { BEGIN_ANEW, tellAhead } from '../watch/read-ahead.ts';
import { printableLine } from '../support/printable.ts';
import type { WatchEvent } from '../watch/watch-event.ts';
import { pasteable } from './command-line.ts';
import type { CommandContext } from './context.ts';
import { describeGarbage } from './describe-garbage.ts';
import { formatCount, formatDuration } from './format-amount.ts';
import { tellRetries } from './render-runs.ts';

type Level = 'info' | 'warn' | 'error';

/** One line of the log. `event` is stable, for machines; `text` is for people. */
export interface LogLine {
  readonly level: Level;
  readonly event: string;
  readonly text: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Writes lines to stderr: as text with the time, or one JSON object a line with `--log-format json`. */
export function createWatchLog({ options, clock, say }: CommandContext): (line: LogLine) => void {
  return ({ level, event, text, fields }) => {
    const time = formatInstant(clock());
    say(
      options.logFormat === 'json'
        ? JSON.stringify({ time, level, event, message: text.trim(), ...fields })
        : pasteable(`${time.slice(0, 19)}Z  ${level === 'info' ? '' : `${level}  `}${text}`, options),
    );
  };
}

/** What an event says. One run is one line. Slots go by `now`, what is tried again by the wall clock. */
export function describeEvent(event: WatchEvent, now: Instant, wall: Instant): readonly LogLine[] {
  switch (event.type) {
    case 'slot-started': {
      const { activation, segments, slot } = event;
      return [
        {
          level: 'info',
          event: event.type,
          text: `${activation}  slot ${shown(slot, now)}  started: ${segments.join(', ')}`,
          fields: { activation, segments, slot: formatInstant(slot) },
        },
      ];
    }
    case 'slot-ended':
      return event.runs.map(describeRun);
    case 'slots-skipped': {
      const { activation, segment, runs, before } = event;
      const slots = runs.flatMap(({ slot }) => slot ?? []);
      const many = before + runs.length;
      const last = slots.at(-1) ?? '';
      // Of very many the first ones are counted only.
      const which =
        many === 1 ? `slot ${last}` : before > 0 ? `${formatCount(many)} slots, up to ${last},` : `${formatCount(many)} slots, ${slots[0] ?? ''} to ${last},`;
      return [
        {
          level: 'warn',
          event: event.type,
          text: `${activation}/${segment}  ${which} passed while nothing ran: skipped`,
          fields: { activation, segment, slots, before },
        },
      ];
    }
    case 'slot-refused': {
      const { activation, segments, slot, error, retryAt } = event;
      const { code, message, hint } = told(error);
      const again = retryAt === undefined ? '' : `; again in ${formatDuration(retryAt - wall)}`;
      const fields = { activation, segments, slot: formatInstant(slot), code, hint, ...(retryAt === undefined ? {} : { retryAt: formatInstant(retryAt) }) };
      return [
        {
          level: 'error',
          event: event.type,
          text: `${activation}  slot ${shown(slot, now)}  ${code}  ${message}${hint === undefined ? '' : ` (${hint})`}${again}`,
          fields,
        },
      ];
    }
    case 'slot-stopped': {
      const { activation, segments, slot } = event;
      return [
        {
          level: 'warn',
          event: event.type,
          text: `${activation}  slot ${shown(slot, now)}  stopped; it goes on at the next start`,
          fields: { activation, segments, slot: formatInstant(slot) },
        },
      ];
    }
    case 'slot-ahead': {
      const { activation, segment, slot } = event;
      return [
        {
          level: 'error',
          event: event.type,
          text: `${activation}/${segment}  ${tellAhead(slot)} (${BEGIN_ANEW})`,
          fields: { activation, segment, slot: formatInstant(slot) },
        },
      ];
    }
    case 'files-changed':
      return [{ level: 'info', event: event.type, text: 'manifests changed', fields: {} }];
    case 'clock-jumped':
      return [
        {
          level: 'warn',
          event: event.type,
          text: `the clock ${event.byMs > 0 ? 'went forward' : 'was set back'} by ${formatDuration(Math.abs(event.byMs))}${event.byMs > 0 ? ' (it was set, or the machine slept)' : ''}; slots are looked at anew`,
          fields: { byMs: event.byMs },
        },
      ];
    case 'look-failed': {
      const { code, message, hint } = told(event.error);
      const what = { state: 'the state cannot be read', manifests: 'not reconciled', garbage: 'not cleaned up' }[event.what];
      return [
        {
          level: 'error',
          event: event.type,
          text: `${what}: ${code}  ${message}${hint === undefined ? '' : ` (${hint})`}`,
          fields: { what: event.what, code, hint },
        },
      ];
    }
    case 'garbage-collected':
      return [{ level: 'info', event: event.type, text: `cleaned up: ${describeGarbage(event.collected)}`, fields: { ...event.collected } }];
    case 'git-locked':
      return [
        {
          level: 'warn',
          event: event.type,
          text: 'git holds .git/index.lock; the change is looked at when it is gone. When no git is at work, remove the file',
          fields: { forMs: event.forMs },
        },
      ];
    case 'file-events-limited':
      return [{ level: 'warn', event: event.type, text: event.reason, fields: {} }];
  }
}

function describeRun(run: Run): LogLine {
  if (run.error?.code === ALREADY_RUNNING) return describeElsewhere(run);
  const { id, activation, segment, slot, status, counts, error, retries } = run;
  const rows = `${formatCount(counts.activated)} ${counts.activated === 1 ? 'row' : 'rows'}${counts.excluded === 0 ? '' : `, ${formatCount(counts.excluded)} excluded`}`;
  const why = error === undefined ? '' : `: ${error.code}  ${printableLine(error.message)}${error.hint === undefined ? '' : ` (${printableLine(error.hint)})`}`;
  // Delivered, and nobody knows whether the other side has it.
  const isUnknown = run.import?.status === 'unknown';
  const imported =
    run.import === undefined
      ? ''
      : `, import ${run.import.status}${isUnknown ? `: ${printableLine(run.import.message ?? '')} (ask again: reconcile runs retry ${id})` : ''}`;
  // Stopped by a signal: it goes on at the next start, and nobody has to look.
  const isStopped = status === 'failed' && error?.code === STOPPED;
  return {
    level: status === 'success' ? (isUnknown ? 'warn' : 'info') : status === 'held' || status === 'skipped' || isStopped ? 'warn' : 'error',
    event: isStopped ? 'run-stopped' : `run-${status}`,
    text: `${activation}/${segment}  slot ${slot ?? 'now'}  ${status}${status === 'success' ? `, ${rows}${imported}` : why}${retries === undefined ? '' : `; ${tellRetries(retries, error)}`}   run ${id}`,
    fields: {
      run: id,
      activation,
      segment,
      slot,
      status,
      counts,
      files: run.files.map(({ path }) => path),
      ...(run.import === undefined ? {} : { import: run.import.status }),
      ...(retries === undefined ? {} : { retries }),
      ...(error === undefined ? {} : { code: error.code, hint: error.hint }),
    },
  };
}

/** Several watches beside each other are nothing out of order: whoever was first has the slot. */
function describeElsewhere({ id, activation, segment, slot }: Run): LogLine {
  return {
    level: 'info',
    event: 'run-elsewhere',
    text: `${activation}/${segment}  slot ${slot ?? 'now'}  another process is at it   run ${id}`,
    fields: { run: id, activation, segment, slot },
  };
}

function told(error: unknown): { readonly code: string; readonly message: string; readonly hint?: string | undefined } {
  const known = asUserError(error);
  if (known !== undefined)
    return { code: known.code, message: printableLine(known.message === '' ? (known.diagnostics[0]?.message ?? '') : known.message), hint: known.hint };
  return { code: 'RC4000', message: `a bug: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}` };
}

function shown(slot: Instant, now: Instant): string {
  return formatSlots([slot], now);
}
