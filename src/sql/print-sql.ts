import type { Sql, SqlPart, SqlValue } from './sql.ts';

export type DialectName = 'duckdb' | 'postgres' | 'trino';

/** The SQL text of a tree. Identifiers are always quoted; NUL characters are refused, no engine can hold them in a statement. */
export function printSql(tree: Sql, dialect: DialectName): string {
  const out: string[] = [];
  const walk = (part: SqlPart): void => {
    if (typeof part === 'string') out.push(part);
    else if (part.type === 'ident') out.push(part.names.map(quoteIdentifier).join('.'));
    else if (part.type === 'literal') out.push(printLiteral(part.value, dialect));
    else part.parts.forEach(walk);
  };
  walk(tree);
  return out.join('');
}

function quoteIdentifier(name: string): string {
  refuseNul(name);
  return `"${name.replaceAll('"', '""')}"`;
}

function printLiteral(value: SqlValue, dialect: DialectName): string {
  if (value === null) return 'null';
  if (typeof value === 'string') {
    refuseNul(value);
    // Postgres reads backslashes as they are while standard_conforming_strings is on, which it is by default.
    return `'${value.replaceAll("'", "''")}'`;
  }
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (typeof value === 'bigint') return String(value);
  if (!Number.isFinite(value))
    return dialect === 'trino' ? (Number.isNaN(value) ? 'nan()' : value > 0 ? 'infinity()' : '-infinity()') : `'${value}'::double precision`;
  return String(value);
}

function refuseNul(text: string): void {
  if (text.includes('\0')) throw new TypeError('SQL text cannot hold a NUL character');
}
