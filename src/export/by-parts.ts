import { FIRST_PARTS, type Engine, type ProfilePart } from '../engine/engine.ts';
import { OutOfMemoryError } from '../engine/out-of-memory.ts';

const SPLIT = 4;
/** So many parts at most are all made smaller when one of them is too large; beyond that it is a few people with very many events, and only theirs are. */
const MOST_OF_ALL = 1024;
const MOST = 65_536;

/** Engines whose memory did not suffice once: their next statements need not try in vain. */
const short = new WeakSet<Engine>();

/**
 * Lists and sets of values per profile cannot go to disk: does the work on all profiles and, when memory does not suffice for that, in the way that is made
 * of parts of them.
 */
export async function withinMemory<T>(engine: Engine, whole: () => Promise<T>, inParts: () => Promise<T>): Promise<T> {
  if (!short.has(engine)) {
    try {
      return await engine.givingUp(whole);
    } catch (error) {
      if (!(error instanceof OutOfMemoryError)) throw error;
      short.add(engine);
    }
  }
  return inParts();
}

/** Does the work on one part after the other of what was opened last, each so small that it fits in memory. Afterwards a part is still open. */
export async function byParts<T>(engine: Engine, work: () => Promise<T>): Promise<readonly T[]> {
  const results: T[] = [];
  const fitting = new Set<number>();
  let left: readonly ProfilePart[] = Array.from({ length: FIRST_PARTS }, (_, number) => ({ number, of: FIRST_PARTS }));
  for (let [part] = left; part !== undefined; [part] = left) {
    const { of } = part;
    await engine.openPart(part);
    try {
      results.push(await (of < MOST ? engine.givingUp(work) : work()));
      fitting.add(of);
      left = left.slice(1);
    } catch (error) {
      if (!(error instanceof OutOfMemoryError)) throw error;
      if (of >= MOST) throw new OutOfMemoryError(error, 'the events of one person do not fit in memory');
      const all = of < MOST_OF_ALL && !fitting.has(of);
      left = left.flatMap((one, index) => (index === 0 || (all && one.of === of) ? divided(one) : [one]));
    }
  }
  return results;
}

function divided({ number, of }: ProfilePart): readonly ProfilePart[] {
  return Array.from({ length: SPLIT }, (_, index) => ({ number: number + index * of, of: of * SPLIT }));
}
