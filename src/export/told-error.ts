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
