import { Gate } from './gate.ts';
import type { Storage } from './storage.ts';

/** At most `concurrent` uploads at a time on this storage; the others wait their turn, in order. Everything else passes through. */
export function withLimit(storage: Storage, concurrent: number): Storage {
  const gate = new Gate(concurrent);
  return { ...storage, publish: (key, file, options) => gate.use(() => storage.publish(key, file, options)) };
}
