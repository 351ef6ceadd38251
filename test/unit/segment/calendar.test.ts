import { expect, test } from 'vitest';
import { UNITS } from '../../../src/segment/ast.ts';
import { periodOf, shift, spanOf, truncate } from '../../../src/segment/calendar.ts';
import { openDatabase } from '../../support/segment-database.ts';

const at = (text: string): number => Date.parse(`${text}Z`);
const text = (instant: number | undefined): string => (instant === undefined ? '' : new Date(instant).toISOString().replace('.000Z', ''));

test.each([
  ['2024-03-31T10:00:00', -1, 'month', '2024-02-29T10:00:00'],
  ['2023-03-31T10:00:00', -1, 'month', '2023-02-28T10:00:00'],
  ['2024-02-29T00:00:00', 1, 'year', '2025-02-28T00:00:00'],
  ['2024-02-29T00:00:00', -4, 'year', '2020-02-29T00:00:00'],
  ['2024-02-29T00:00:00', 1, 'decade', '2034-02-28T00:00:00'],
  ['2024-01-01T00:00:00', -1, 'millisecond', '2023-12-31T23:59:59.999Z'],
  ['2024-01-01T00:00:00', -13, 'month', '2022-12-01T00:00:00'],
] as const)('%s moved by %d %s', (from, count, unit, expected) => {
  expect(text(shift(at(from), count, unit))).toBe(expected);
});

test('weeks begin on Monday, decades with 0, centuries and millennia with 1', () => {
  const now = at('2024-03-03T12:00:00');
  expect(text(truncate(now, 'week'))).toBe('2024-02-26T00:00:00');
  expect(text(truncate(at('2024-03-04T00:00:00'), 'week'))).toBe('2024-03-04T00:00:00');
  expect(text(truncate(at('1969-12-31T23:00:00'), 'week'))).toBe('1969-12-29T00:00:00');
  expect(text(spanOf(now, 'decade').start)).toBe('2020-01-01T00:00:00');
  expect(text(spanOf(now, 'century').start)).toBe('2001-01-01T00:00:00');
  expect(text(spanOf(at('2000-12-31T00:00:00'), 'century').start)).toBe('1901-01-01T00:00:00');
  expect(text(spanOf(now, 'millennium').end)).toBe('3001-01-01T00:00:00');
  expect(text(periodOf(now, 'last', 'month').start)).toBe('2024-02-01T00:00:00');
  expect(text(periodOf(now, 'next', 'year').end)).toBe('2026-01-01T00:00:00');
});

test('times leave the years of the calendar, up to where the engine could not follow', () => {
  expect(shift(at('9999-12-31T23:59:59'), 3, 'month')).toBe(Date.UTC(10_000, 2, 31, 23, 59, 59));
  expect(new Date(shift(at('0001-01-01T00:00:00'), -3, 'day')).toISOString()).toBe('0000-12-29T00:00:00.000Z');
  expect(new Date(shift(at('2024-01-01T00:00:00'), 1e12, 'millennium')).getUTCFullYear()).toBe(30_000);
  expect(new Date(shift(at('2024-01-01T00:00:00'), -1e12, 'day')).getUTCFullYear()).toBe(-20_000);
});

test('DuckDB shifts and truncates likewise, but for centuries, which it lets begin with 2000', async () => {
  const connection = await openDatabase([]);
  for (const moment of [
    '2024-03-31 10:00:00',
    '2000-01-01 00:00:00',
    '1999-12-31 23:59:59.999',
    '2024-02-29 12:30:00',
    '1970-01-01 00:00:00',
    '1901-05-05 05:05:05',
  ]) {
    for (const unit of UNITS) {
      const months = { month: 1, year: 12, decade: 120, century: 1200, millennium: 12_000 }[unit as string];
      const query = `select epoch_ms(date_trunc('${unit}', timestamp '${moment}')), epoch_ms(timestamp '${moment}' + ${months === undefined ? `interval 3 ${unit}` : `to_months(${3 * months})`})`;
      const [row] = (await connection.runAndReadAll(query)).getRows();
      const instant = at(moment.replace(' ', 'T'));
      expect([unit, moment, shift(instant, 3, unit)]).toEqual([unit, moment, Number(row?.[1])]);
      if (unit !== 'century' && unit !== 'millennium') expect([unit, moment, truncate(instant, unit)]).toEqual([unit, moment, Number(row?.[0])]);
    }
  }
  connection.closeSync();
});
