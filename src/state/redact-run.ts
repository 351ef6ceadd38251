import type { RunRecord } from './run-ledger.ts';

const FORGOTTEN = '[forgotten]';

/** A run whose errors no longer name these values: as they are quoted in messages, so that a short id does not change numbers. The same run when they do not. */
export function redactRun(run: RunRecord, values: readonly string[]): RunRecord {
  const quoted = values.flatMap((value) => [[`\`${value}\``, `\`${FORGOTTEN}\``] as const, [JSON.stringify(value), JSON.stringify(FORGOTTEN)] as const]);
  const clean = (text: string): string => quoted.reduce((so, [from, to]) => so.replaceAll(from, to), text);
  const tell = <T extends { readonly error?: RunRecord['error'] }>(one: T): T =>
    one.error === undefined || clean(one.error.message) === one.error.message ? one : { ...one, error: { ...one.error, message: clean(one.error.message) } };
  const earlier = run.earlier?.map(tell);
  const changed = tell(run);
  if (earlier === undefined || earlier.every((attempt, index) => attempt === run.earlier?.[index])) return changed;
  return { ...changed, earlier };
}
