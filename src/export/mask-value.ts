import type { Cell } from '../engine/engine.ts';

/** What a labelled value is told as. Its first sign would tell a truth, a sex or the size of a number. NULL stays NULL, the empty text empty. */
export function hideValue(value: Cell): Cell {
  return value === null || value === '' ? value : '***';
}

/** Shows that there is an identity and what it looks like, not what it is: `j***@***.com`, `D***`. */
export function maskIdentity(value: Cell): Cell {
  if (value === null || value === '') return value;
  const text = String(value);
  const email = /^(.)[^@]*@.*(\.[A-Za-z]+)$/u.exec(text);
  if (email) return `${email[1]}***@***${email[2]}`;
  return text.length === 1 ? '***' : `${[...text][0] ?? ''}***`;
}
