/** How long what ended runs leave behind is kept, in days. */
export interface KeptDays {
  /** Records of runs; the newest success of each pair stays, and slots that left files and have no success since. */
  readonly runs: number;
  /** Files of ended runs, for `runs replay` and for a retry of a slot that a later one has overtaken. */
  readonly spool: number;
  /** Lists of who was left out. */
  readonly rejects: number;
  /** The journal of applies. */
  readonly journal: number;
  /** What is in the cache and was not used. */
  readonly cache: number;
}

/** What `gc` keeps unless it is told otherwise, and what `watch` keeps. */
export const KEPT_DAYS: KeptDays = { runs: 90, spool: 7, rejects: 30, journal: 365, cache: 30 };
