import { hostname, userInfo } from 'node:os';

/** Who is at work, for records: `user@host`. */
export function currentActor(): string {
  return `${userName()}@${hostname()}`;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under a number that has no name.
    return String(process.getuid?.() ?? 'unknown');
  }
}
