import { sql, type Sql, type SqlPart } from '../sql/sql.ts';
import { isEmail, isPhone, normalEmail, normalPhone } from './normal-identity.ts';

/**
 * SHA-256 of a normalised value (activation-rules 1.1): an email is trimmed and lower-cased; a phone loses symbols, letters and leading zeros;
 * anything else is hashed as it is. What is a SHA-256 already is passed on in lower case, so that hashed sources are not hashed twice.
 */
export function hashedIdentity(text: Exclude<SqlPart, string>, source: string, target: string): Sql {
  const spelling = joinedSpellings(source, target);
  const normal = spelling === undefined ? text : spelling(text);
  return sql`case when regexp_full_match(${text}, '[0-9a-fA-F]{64}') then lower(${text}) when ${normal} <> '' then sha256(${normal}) end`;
}

/** Whether two different values can have one hash: what is normalised before, and is told by the names of what is read and written. */
export function joinsSpellings(source: string, target: string): boolean {
  return joinedSpellings(source, target) !== undefined;
}

function joinedSpellings(source: string, target: string): typeof normalEmail | undefined {
  if (isEmail(`${source} ${target}`)) return normalEmail;
  return [source, target].some(isPhone) ? normalPhone : undefined;
}
