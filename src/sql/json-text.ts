/** A text in JSON with its quotes, as a pattern of the engine (RE2). */
export const JSON_TEXT = '"(?:[^"\\\\]|\\\\.)*"';
