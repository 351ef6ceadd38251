import { MAX_DECIMAL_DIGITS } from '../../model/decimal.ts';
import type { Range } from '../ast.ts';
import { numberKind, scalar } from '../type.ts';
import type { Typed } from '../typed.ts';
import type { Checker } from './check-pql.ts';

const MAX_INTEGER = 2n ** 63n - 1n;
const MIN_INTEGER = -(2n ** 63n);

/** A number as written; what no column can hold is refused, for each engine rounds it in its own way. */
export function checkNumber(checker: Checker, text: string, place: Range): Typed {
  const kind = numberKind(text);
  const refuse = (message: string, hint: string): void => checker.report({ code: 'RC1208', severity: 'error', message, ...place, hint });
  if (kind === 'integer' && (BigInt(text) > MAX_INTEGER || BigInt(text) < MIN_INTEGER))
    refuse('a whole number has 64 bits, up to 9223372036854775807', 'with a point it is a decimal: `12345678901234567890.0`');
  if (kind === 'decimal' && text.replace(/^-?0*/, '').replace('.', '').length > MAX_DECIMAL_DIGITS)
    refuse(`a decimal has at most ${MAX_DECIMAL_DIGITS} digits`, 'with an exponent it is a double: `1.5e40`');
  if (kind === 'double' && !Number.isFinite(Number(text))) refuse('a double goes up to 1.8e308', 'leave the comparison out');
  return { kind: 'number', text, type: scalar(kind), ...place };
}

/** U+0000 and halves of surrogate pairs are in no text of an engine. */
export function checkText(checker: Checker, text: string, place: Range): void {
  if (!text.includes('\0') && text.isWellFormed()) return;
  checker.report({
    code: 'RC1208',
    severity: 'error',
    message: text.includes('\0') ? 'no text holds the character U+0000' : 'half of a surrogate pair is no character',
    ...place,
    hint: text.includes('\0') ? 'leave it out' : 'write both halves, `\\ud83d\\ude00`, or the character itself',
  });
}
