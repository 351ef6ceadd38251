/** What Node imports first (`--import`) so that a process has a clock that is so much ahead. */
export function shiftedClock(aheadMs: number): string {
  const clock = `const D = Date; globalThis.Date = class extends D { constructor(...a) { super(...(a.length ? a : [D.now() + ${aheadMs}])); } static now() { return D.now() + ${aheadMs}; } };`;
  return `data:text/javascript,${encodeURIComponent(clock)}`;
}

/** The same, of a process whose clock is set while it runs: `file` says by how many milliseconds it is ahead. */
export function settableClock(file: string): string {
  const clock = `import { readFileSync } from 'node:fs'; const D = Date; const ahead = () => Number(readFileSync(${JSON.stringify(file)}, 'utf8')); globalThis.Date = class extends D { constructor(...a) { super(...(a.length ? a : [D.now() + ahead()])); } static now() { return D.now() + ahead(); } };`;
  return `data:text/javascript,${encodeURIComponent(clock)}`;
}
