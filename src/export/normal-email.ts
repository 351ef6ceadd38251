import { sql, type Sql, type SqlPart } from '../sql/sql.ts';

type Expression = Exclude<SqlPart, string>;

/** Whether a name, of a namespace or a column, is one of emails. */
export function isEmail(name: string): boolean {
  return /e-?mail/i.test(name);
}

/**
 * The one spelling of an email (activation-rules 1.1): no white space around it, lower case. Always asked of the engine, because JavaScript takes other
 * characters for white space and knows a sigma at the end of a word. The engine's `trim` knows spaces only; a tab or a line break is rare and looked for first.
 */
export function normalEmail(text: Expression): Sql {
  const trimmed = sql`regexp_replace(${text}, '^[\\s\\p{Z}]+|[\\s\\p{Z}]+$', '', 'g')`;
  return sql`lower(case when contains(${text}, chr(9)) or contains(${text}, chr(10)) or contains(${text}, chr(13)) then ${trimmed} else trim(${text}) end)`;
}
