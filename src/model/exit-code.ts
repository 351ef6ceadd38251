/** Exit codes of the command, as contract section 3 fixes them. */
export const ExitCode = {
  done: 0,
  failed: 1,
  changesPending: 2,
  held: 3,
  planStale: 4,
  locked: 5,
  partlyDone: 6,
  driftFound: 7,
  invalidManifests: 8,
  badUsage: 64,
  interrupted: 130,
  terminated: 143,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];
