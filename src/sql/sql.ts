/**
 * SQL as an immutable tree of text, identifiers and literals, printed per dialect by `printSql`.
 * Text comes only from template literals in our own source; whatever comes from outside is an `ident` or a `literal`,
 * so that quoting and escaping happen in one place.
 */
export interface Sql {
  readonly type: 'sql';
  readonly parts: readonly SqlPart[];
}

export type SqlValue = string | number | bigint | boolean | null;

export type SqlPart = string | { readonly type: 'ident'; readonly names: readonly string[] } | { readonly type: 'literal'; readonly value: SqlValue } | Sql;

/** `` sql`select ${ident('a')} from t where x = ${literal(1)}` ``: holes take other fragments, identifiers or literals, never bare text. */
export function sql(strings: TemplateStringsArray, ...holes: readonly Exclude<SqlPart, string>[]): Sql {
  const parts: SqlPart[] = [];
  strings.forEach((text, index) => {
    if (text !== '') parts.push(text);
    const hole = holes[index];
    if (hole !== undefined) parts.push(hole);
  });
  return { type: 'sql', parts };
}

/** A quoted name; several are joined with dots (`schema.table`). */
export function ident(...names: readonly string[]): Exclude<SqlPart, string> {
  return { type: 'ident', names };
}

/** A value, escaped for the dialect. Strings may hold anything but NUL, which `printSql` refuses. */
export function literal(value: SqlValue): Exclude<SqlPart, string> {
  return { type: 'literal', value };
}

/** Fragments with a separator between them; `separator` is our own text. */
export function joinSql(
  fragments: readonly Exclude<SqlPart, string>[],
  separator: ', ' | ' and ' | ' or ' | '\n' | ' union all ' | ' union all by name ' | ' ',
): Sql {
  return { type: 'sql', parts: fragments.flatMap((fragment, index) => (index === 0 ? [fragment] : [separator, fragment])) };
}

/** The empty fragment. */
export const noSql: Sql = { type: 'sql', parts: [] };
