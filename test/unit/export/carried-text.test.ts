import { expect, test } from 'vitest';
import { carriedText, outputColumns, type OutputColumn } from '../../../src/export/output-columns.ts';
import { printSql } from '../../../src/sql/print-sql.ts';
import { sql } from '../../../src/sql/sql.ts';

const columnOf = (transform?: 'sha256'): OutputColumn => {
  const entry = { source: 'identityMap.Email', ...(transform === undefined ? {} : { transform }) };
  const [column] = outputColumns([{ entry, target: 'mail' }], new Map(), 'crmId', new Map(), false);
  if (column === undefined) throw new Error('no column');
  return column;
};
const textFrom = (column: OutputColumn, ...names: readonly string[]): string => printSql(carriedText(column, names, sql`s."id"`), 'duckdb');

test('a snapshot of an earlier version carries a value by the target of its column', () => {
  expect(textFrom(columnOf(), 'mail')).toBe('s."k_mail"');
  expect(textFrom(columnOf(), 'mail', 'of identityMap.Email')).toBe('s."k_of identityMap.Email"');
  expect(textFrom(columnOf('sha256'), 'mail')).toContain('sha256');
});

test('what only the hash is known of does not come back in plain text', () => {
  expect(textFrom(columnOf('sha256'), 'of identityMap.Email sha256')).toBe('s."k_of identityMap.Email sha256"');
  expect(textFrom(columnOf(), 'of identityMap.Email sha256')).toBe('cast(null as varchar)');
});
