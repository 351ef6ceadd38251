/** What Node imports first (`--import`) so that a process has a clock that is so much ahead. */
export function shiftedClock(aheadMs: number): string {
  const clock = `const D = Date; globalThis.Date = class extends D { constructor(...a) { super(...(a.length ? a : [D.now() + ${aheadMs}])); } static now() { return D.now() + ${aheadMs}; } };`;
  return `data:text/javascript,${encodeURIComponent(clock)}`;
}
