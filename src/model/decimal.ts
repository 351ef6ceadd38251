/** The engine's decimals have at most so many digits, before and behind the point together. */
export const MAX_DECIMAL_DIGITS = 38;

/** A decimal inside an array, a map or an object, where the source's own digits are not known: ten of them stand behind the point. */
export const NESTED_DECIMAL: { readonly precision: number; readonly scale: number } = { precision: MAX_DECIMAL_DIGITS, scale: 10 };
