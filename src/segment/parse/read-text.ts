const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '"': '"', "'": "'", '\\': '\\', '/': '/' };

/** The value of a text literal with its quotes. `\\` `\"` `\n` `\t` `\r` `\uXXXX` are read; any other backslash stays as it is, as in `"\w"`. */
export function readText(image: string): string {
  return image.slice(1, -1).replace(/\\(?:u([0-9a-fA-F]{4})|([^]))/g, (whole: string, code: string | undefined, letter: string | undefined) => {
    if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16));
    return ESCAPES[letter ?? ''] ?? whole;
  });
}
