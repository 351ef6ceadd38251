import { sql, type Sql, type SqlPart } from '../sql/sql.ts';
import { isEmail, isPhone, normalEmail, normalPhone } from './normal-identity.ts';

/**
 * SHA-256 of a normalised value (activation-rules 1.1): an email is trimmed and lower-cased; a phone loses symbols, letters and leading zeros;
 * anything else is hashed as it is. What is a SHA-256 already is passed on in lower case, so that hashed sources are not hashed twice.
 */
export function hashedIdentity(text: Exclude<SqlPart, string>, source: string, target: string): Sql {
  const names = `${source} ${target}`;
  const normal = isEmail(names) ? normalEmail(text) : [source, target].some(isPhone) ? normalPhone(text) : text;
  return sql`case when regexp_full_match(${text}, '[0-9a-fA-F]{64}') then lower(${text}) when ${normal} <> '' then sha256(${normal}) end`;
}
