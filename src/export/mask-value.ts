import type { Cell } from '../engine/engine.ts';

/** Shows that there is a value and what it looks like, not what it is: `j***@***.com`, `D***`. NULL stays NULL, the empty text empty. */
export function maskValue(value: Cell): Cell {
  if (value === null || value === '') return value;
  const text = String(value);
  const email = /^(.)[^@]*@.*(\.[A-Za-z]+)$/u.exec(text);
  if (email) return `${email[1]}***@***${email[2]}`;
  return text.length === 1 || typeof value !== 'string' ? '***' : `${[...text][0] ?? ''}***`;
}
