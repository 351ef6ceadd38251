import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** The process that holds a lease or a run's claim. */
export interface Owner {
  readonly host: string;
  readonly pid: number;
  /**
   * When that process started, in the kernel's own clock ticks, and in which boot and pid namespace: a pid is used again, all together are not.
   * Opaque, and empty where the system does not tell.
   */
  readonly processStart: string;
}

export function currentOwner(): Owner {
  const start = processStart(process.pid);
  return { host: hostname(), pid: process.pid, processStart: start === undefined || start === '' ? '' : `${start}${worldSuffix()}` };
}

/**
 * True when the kernel of this process can be asked about the owner. Containers may share a host's name and not its processes
 * (`docker run --network host`), and two machines may have one name: there only time can tell who is alive.
 */
export function isNear(owner: Owner): boolean {
  if (owner.host !== hostname()) return false;
  const at = owner.processStart.indexOf('@');
  return at < 0 || owner.processStart.slice(at) === worldSuffix();
}

/**
 * False only when the owner is proved dead: its process was one of this kernel's, and is gone, is a zombie, or its pid belongs to a younger process.
 * An owner that cannot be asked about counts as alive until its time runs out.
 */
export function mayBeAlive(owner: Owner): boolean {
  if (!isNear(owner)) return true;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const start = processStart(owner.pid);
  if (start === undefined) return true;
  const [started = ''] = owner.processStart.split('@', 1);
  return start !== '' && (started === '' || start === started);
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

let knownWorld: string | undefined;

/** `@BOOT.NAMESPACE`, empty where the system does not tell. */
function worldSuffix(): string {
  if (knownWorld !== undefined) return knownWorld;
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8);
    const namespace = /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '';
    knownWorld = `@${boot}.${namespace}`;
  } catch {
    knownWorld = '';
  }
  return knownWorld;
}
