import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** The process that holds a lease or a run's claim. */
export interface Owner {
  readonly host: string;
  readonly pid: number;
  /** When that process started, in the kernel's own clock ticks: a pid is used again, a pair of both is not. Empty where unknown. */
  readonly processStart: string;
}

export function currentOwner(): Owner {
  return { host: hostname(), pid: process.pid, processStart: processStart(process.pid) ?? '' };
}

/**
 * False only when the owner is proved dead: on this host, its process is gone, is a zombie, or its pid belongs to a younger process.
 * On another host it counts as alive until its time runs out.
 */
export function mayBeAlive(owner: Owner): boolean {
  if (owner.host !== hostname()) return true;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const start = processStart(owner.pid);
  return start === undefined ? true : start !== '' && (owner.processStart === '' || start === owner.processStart);
}

/** The start time of a process; an empty text for a zombie, undefined where the system does not tell. */
function processStart(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field, the command in brackets, may itself hold spaces and brackets.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? '' : fields[19];
  } catch {
    return undefined;
  }
}
