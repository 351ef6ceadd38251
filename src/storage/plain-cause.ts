const QUERY = /(https?:\/\/[^\s?"'`]+)\?[^\s"'`]*/g;

/**
 * A vendor's error cut down to its name, message and code. The whole ones carry requests: signed addresses, tokens, headers; whoever prints or logs an
 * error with all it holds would print those.
 */
export function plainCause(cause: unknown): Error {
  if (!(cause instanceof Error)) return new Error(String(cause).replace(QUERY, '$1?…'));
  const code = 'code' in cause && (typeof cause.code === 'string' || typeof cause.code === 'number') ? ` (${cause.code})` : '';
  const plain = new Error(`${cause.message}${code}`.replace(QUERY, '$1?…'), cause.cause === undefined ? {} : { cause: plainCause(cause.cause) });
  plain.name = cause.name;
  return plain;
}
