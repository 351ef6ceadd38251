/** The engine's decimals have at most so many digits, before and behind the point together. */
export const MAX_DECIMAL_DIGITS = 38;

/** A decimal inside an array, a map or an object, where the source's own digits are not known: ten of them stand behind the point. */
export const NESTED_DECIMAL: { readonly precision: number; readonly scale: number } = { precision: MAX_DECIMAL_DIGITS, scale: 10 };

/** Whether the number is the one that was written: no digit lost beyond 2^53 or beyond a double's 15 to 17 digits. */
export function isExactNumber(value: number, source: string): boolean {
  if (/^[-+]?[0-9]+$/.test(source) || /^0[xo]/i.test(source)) return Number.isSafeInteger(value);
  const digits = source
    .replace(/e.*$/i, '')
    .replaceAll(/[-+._]/g, '')
    .replace(/^0+/, '')
    .replace(/0+$/, '');
  if (digits.length <= 15) return true;
  return Number(value.toPrecision(digits.length)) === value && digits.length <= 17 && sameDigits(value, digits);
}

function sameDigits(value: number, digits: string): boolean {
  return String(value).replace(/e.*$/i, '').replaceAll(/[-+.]/g, '').replace(/^0+/, '').replace(/0+$/, '') === digits;
}

/** A decimal number that stands as a text because a number of JavaScript would not hold it; any other number is no text. */
export function isLongNumber(text: string): boolean {
  const digits = /^[-+]?0*([0-9]+(?:[.][0-9]+)?)$/.exec(text)?.[1]?.replace('.', '');
  return digits !== undefined && digits.length <= MAX_DECIMAL_DIGITS && !isExactNumber(Number(text), text);
}
