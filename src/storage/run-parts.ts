/**
 * Runs `work` for each part, at most `most` at a time, and stops at the first failure: no further part starts, the running ones are awaited, so that
 * nothing writes any more when this returns.
 */
export async function runParts<T>(parts: readonly T[], most: number, work: (part: T) => Promise<void>): Promise<void> {
  let next = 0;
  let failure: { readonly reason: unknown } | undefined;
  const lane = async (): Promise<void> => {
    for (;;) {
      const part = parts[next];
      next += 1;
      if (part === undefined || failure) return;
      try {
        await work(part);
      } catch (reason) {
        failure ??= { reason };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(most, parts.length) }, lane));
  if (failure) throw failure.reason;
}

/** A part of a file: its number from 1, and where it stands. */
export interface Part {
  readonly number: number;
  readonly start: number;
  readonly bytes: number;
}

/** Cuts a file into parts of `partBytes`, larger where there would be more than `mostParts`, whole MiB then. */
export function cutParts(bytes: number, partBytes: number, mostParts: number): readonly Part[] {
  const mebibyte = 2 ** 20;
  const size = bytes <= partBytes * mostParts ? partBytes : Math.ceil(bytes / mostParts / mebibyte) * mebibyte;
  return Array.from({ length: Math.max(1, Math.ceil(bytes / size)) }, (_, index) => ({
    number: index + 1,
    start: index * size,
    bytes: Math.min(size, bytes - index * size),
  }));
}
