import type { Storage } from './storage.ts';

/** At most `concurrent` uploads at a time on this storage; the others wait their turn, in order. Everything else passes through. */
export function withLimit(storage: Storage, concurrent: number): Storage {
  let running = 0;
  const waiting: (() => void)[] = [];

  const take = async (): Promise<void> => {
    if (running < concurrent) running += 1;
    else await new Promise<void>((go) => waiting.push(go));
  };
  const give = (): void => {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  };

  return {
    ...storage,
    async publish(key, file, options) {
      await take();
      try {
        return await storage.publish(key, file, options);
      } finally {
        give();
      }
    },
  };
}
