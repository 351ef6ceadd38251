import { readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';

/**
 * Waits until the server on `port` of this machine has closed its end of every connection, after the clients have closed theirs. Servers that answer each request in a thread of its
 * own may still write what had come of one that was cut, over what a later one has written; Amazon's and Google's own do not.
 */
export async function workedOff(port: number): Promise<void> {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const isOpen = (line: string): boolean => {
    const [, from, , state = ''] = line.trim().split(/\s+/);
    return from?.endsWith(local) === true && ![LISTEN, TIME_WAIT].includes(state);
  };
  for (let waited = 0; (await readFile('/proc/net/tcp', 'utf8')).split('\n').some(isOpen); waited += 1) {
    if (waited > 1000) throw new Error('the server does not end a request that was cut');
    await setTimeout(10);
  }
}

/** As `/proc/net/tcp` writes them. */
const TIME_WAIT = '06';
const LISTEN = '0A';
