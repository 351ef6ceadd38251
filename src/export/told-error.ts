import { AppError } from '../model/app-error.ts';
import type { Run } from '../model/run.ts';
import type { ExportPaths } from './deps.ts';

type Told = NonNullable<Run['error']>;

/**
 * An error as it may be recorded: places inside the project are told from there, whoever named them (the engine, the file system, a library). The
 * record stays true when the folder is copied elsewhere, and says nothing of whose machine it was (contract section 6).
 */
export function recordable({ code, message, hint }: Told, paths: Pick<ExportPaths, 'project'>): Told {
  const tell = (text: string): string => fromProject(text, paths.project);
  return { code, message: tell(message), ...(hint === undefined ? {} : { hint: tell(hint) }) };
}

function fromProject(text: string, project: string): string {
  if (project === '/' || project === '') return text;
  // A neighbour whose name only begins like the project's stays as it is.
  return text.replaceAll(new RegExp(`${escape(project)}(/+|(?![\\w.-]))`, 'g'), (_whole, slash: string) => (slash === '' ? '.' : ''));
}

function escape(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

/** A signal or its deadline stopped the run: it goes on where it stands. */
export const STOPPED = 'RC4013';

/** Of a run that a signal or its deadline ended. */
export function stopped(reason: unknown, deadlineMs: number): Told {
  const isDeadline = reason instanceof DOMException && reason.name === 'TimeoutError';
  const after = isDeadline ? ` after ${deadlineMs / 3_600_000} hours` : '';
  return { code: STOPPED, message: `the run was stopped${after}`, hint: 'start it again: it goes on where it stands' };
}

/** What a run ended with; anything that is not meant for people is a bug of ours. */
export function tellError(error: unknown): Told {
  if (!(error instanceof AppError)) return { code: 'RC4000', message: `a bug: ${error instanceof Error ? error.message : String(error)}` };
  const { code, message, hint } = error;
  return { code, message, ...(hint === undefined ? {} : { hint }) };
}
