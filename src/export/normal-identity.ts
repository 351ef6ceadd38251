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

/** `mobilePhone.number`, `phone_sha256`, `mobile`; what is only of a mobile app is none: it would lose its letters, and two ids become one. */
const PHONE = /phone|msisdn|mobile([._-]?(number|no|nr|tel))?([._-]?(sha256|e[._]?164))*$/i;

/** Whether a name, of a namespace or a column, is one of phones. */
export function isPhone(name: string): boolean {
  return PHONE.test(name);
}

/** The one spelling of a phone (activation-rules 1.1): no symbols, letters and leading zeros. */
export function normalPhone(text: Expression): Sql {
  return sql`ltrim(regexp_replace(${text}, '[^0-9]', '', 'g'), '0')`;
}

/**
 * The spelling by which somebody is told apart within a namespace, whoever wrote it. What stands among phones and has letters or no digit (a hash, the id
 * of a device) stays as it is: shortened to its digits, it could be somebody else's.
 */
export function normalIdentity(namespace: string, text: Expression): Sql {
  if (isEmail(namespace)) return normalEmail(text);
  if (!isPhone(namespace)) return sql`${text}`;
  return sql`case when regexp_matches(${text}, '\\p{L}') then ${text} else coalesce(nullif(${normalPhone(text)}, ''), ${text}) end`;
}
