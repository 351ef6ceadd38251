import { formatDecimal, isDecimal, isMoment, type Value } from './value.ts';

const MAX_ITEMS = 5;
const MAX_CHARACTERS = 60;

/** A value as messages and `explain` show it, in PQL's own way of writing; long ones are cut. */
export function showValue(value: Value): string {
  if (value === null) return 'unknown';
  if (typeof value === 'string') return JSON.stringify(value.length > MAX_CHARACTERS ? `${value.slice(0, MAX_CHARACTERS)}…` : value);
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (isDecimal(value)) return formatDecimal(value);
  if (isMoment(value)) return showMoment(value.micros);
  if (value instanceof Map) return `{${cut([...value].map(([key, one]) => `${key}: ${showValue(one)}`))}}`;
  if (Array.isArray(value)) return value.length === 0 ? '[]' : `[${cut(value.map((item: Value) => showValue(item)))}]`;
  if ('members' in value) return `{${cut([...value.members].map(([key, one]) => `${key}: ${showValue(one)}`))}}`;
  return '…';
}

function cut(items: readonly string[]): string {
  return items.length > MAX_ITEMS ? `${items.slice(0, MAX_ITEMS).join(', ')}, … ${items.length - MAX_ITEMS} more` : items.join(', ');
}

function showMoment(micros: bigint): string {
  const millis = micros / 1000n - (micros % 1000n < 0n ? 1n : 0n);
  const text = new Date(Number(millis)).toISOString();
  const rest = micros - millis * 1000n;
  const exact = rest === 0n ? text : text.replace('Z', `${String(rest).padStart(3, '0')}Z`);
  return exact.replace('.000Z', 'Z').replace('T00:00:00Z', '');
}
