import { AppError } from '../model/app-error.ts';
import { HOUR_MS } from '../model/instant.ts';
import type { Run } from '../model/run.ts';
import type { RunStep } from '../state/run-ledger.ts';
import type { ExportPaths } from './deps.ts';

type Told = NonNullable<Run['error']>;

/**
 * An error as it may be recorded: places inside the project are told from there, whoever named them (the engine, the file system, a library). The
 * record stays true when the folder is copied elsewhere, and says nothing of whose machine it was (contract section 6).
 */
export function recordable({ code, message, hint }: Told, paths: Pick<ExportPaths, 'project'>): Told {
  const tell = (text: string): string => fromProject(text, paths);
  return { code, message: tell(message), ...(hint === undefined ? {} : { hint: tell(hint) }) };
}

/** The same of one text. */
export function fromProject(text: string, { project }: Pick<ExportPaths, 'project'>): string {
  if (project === '/' || project === '') return text;
  // A neighbour whose name only begins like the project's stays as it is.
  return text.replaceAll(new RegExp(`${escape(project)}(/+|(?![\\w.-]))`, 'g'), (_whole, slash: string) => (slash === '' ? '.' : ''));
}

function escape(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

/** A signal stopped the run: it goes on where it stands. */
export const STOPPED = 'RC4013';

const AT_WORK: Readonly<Record<RunStep, string>> = {
  claimed: 'its rows were selected and written',
  selected: 'its rows were written',
  written: 'its files were sent',
  published: 'its files were read back',
  verified: 'the other side was told',
  delivered: 'its end was recorded',
  recorded: 'its end was recorded',
};

/**
 * Of a run that a signal or its deadline ended, `reached` being the last step that is done. Whoever hung until the deadline has failed: begun again at
 * once, like one that was interrupted, it would only hang for as long again.
 */
export function stopped(reason: unknown, deadlineMs: number, reached: RunStep): Told {
  const isDeadline = reason instanceof DOMException && reason.name === 'TimeoutError';
  if (!isDeadline) return { code: STOPPED, message: 'the run was stopped', hint: 'start it again: it goes on where it stands' };
  return {
    code: 'RC4034',
    message: `the run did not end within ${deadlineMs / HOUR_MS} hours: it was stopped while ${AT_WORK[reached]}`,
    hint: 'find out what hangs (`reconcile doctor` tries every connection), then start it again: it goes on where it stands',
  };
}

/** What a run ended with; anything that is not meant for people is a bug of ours. */
export function tellError(error: unknown): Told {
  if (!(error instanceof AppError)) return { code: 'RC4000', message: `a bug: ${error instanceof Error ? error.message : String(error)}` };
  const { code, message, hint } = error;
  return { code, message, ...(hint === undefined ? {} : { hint }) };
}
