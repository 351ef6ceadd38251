/** Wakes up one who waits. Rings that come while nobody waits are not lost; many are one. */
export interface Bell {
  ring(): void;
  /** Until it rings, or `mostMs` are over. */
  wait(mostMs: number): Promise<void>;
}

export function createBell(): Bell {
  let rung = false;
  let wake: (() => void) | undefined;
  return {
    ring() {
      rung = true;
      wake?.();
    },
    async wait(mostMs) {
      if (!rung) {
        await new Promise<void>((done) => {
          const timer = setTimeout(done, mostMs);
          wake = () => {
            clearTimeout(timer);
            done();
          };
        });
      }
      rung = false;
      wake = undefined;
    },
  };
}
