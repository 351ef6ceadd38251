const LETTERS: readonly (readonly [RegExp, string])[] = [
  [/^YYYY|^yyyy/, '%Y'],
  [/^MM/, '%m'],
  [/^DD|^dd/, '%d'],
  [/^HH/, '%H'],
  [/^mm/, '%M'],
  [/^SSS/, '%g'],
  [/^ss/, '%S'],
];

/** `YYYY-MM-DDTHH:mm:ssZ` as the engines' strftime has it. Letters: YYYY MM DD (or dd) HH mm ss SSS; anything else stands for itself, in single quotes too. */
export function strftimeOf(format: string): string {
  let out = '';
  let rest = format;
  while (rest !== '') {
    const quoted = /^'([^']*)'/.exec(rest);
    const hit = LETTERS.find(([pattern]) => pattern.test(rest));
    if (quoted) {
      out += (quoted[1] === '' ? "'" : (quoted[1] ?? '')).replaceAll('%', '%%');
      rest = rest.slice(quoted[0].length);
    } else if (hit) {
      out += hit[1];
      rest = rest.slice(hit[0].exec(rest)?.[0].length ?? 1);
    } else {
      out += rest.charAt(0) === '%' ? '%%' : rest.charAt(0);
      rest = rest.slice(1);
    }
  }
  return out;
}
