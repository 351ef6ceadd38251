/** How a YAML scalar is written: `|`, `>`, "…", '…' or plain. */
export type ScalarStyle = 'BLOCK_LITERAL' | 'BLOCK_FOLDED' | 'QUOTE_DOUBLE' | 'QUOTE_SINGLE' | 'PLAIN';

interface Mark {
  readonly at: number;
  /** True for white space that YAML may fold or strip. */
  readonly space: boolean;
}

/**
 * For every UTF-16 unit of a scalar's value, the offset in the file of the character that it came from; one more entry for the end.
 *
 * YAML folds and strips white space only; all other characters stand in the value in the order of the text. So the two are walked side by side,
 * and white space of the text that has none left to match is skipped. This holds for every style, whatever indents and folds it.
 */
export function alignScalar(text: string, start: number, end: number, style: ScalarStyle, value: string): readonly number[] {
  const marks = readMarks(text, start, end, style);
  const offsets: number[] = [];
  let mark = 0;
  for (let index = 0; index < value.length; index += 1) {
    const isSpace = /\s/.test(value[index] ?? '');
    if (!isSpace) while (marks[mark]?.space === true) mark += 1;
    const found = marks[mark];
    offsets.push(found?.at ?? end);
    if (found !== undefined && (!isSpace || found.space || text[found.at] === '\\')) mark += 1;
  }
  offsets.push(marks[mark]?.at ?? end);
  return offsets;
}

function readMarks(text: string, start: number, end: number, style: ScalarStyle): readonly Mark[] {
  const marks: Mark[] = [];
  const quoted = style === 'QUOTE_DOUBLE' || style === 'QUOTE_SINGLE';
  const from = style.startsWith('BLOCK') ? text.indexOf('\n', start) + 1 : start + (quoted ? 1 : 0);
  const to = quoted ? end - 1 : end;
  for (let at = from; at < to; at += 1) {
    const character = text[at] ?? '';
    if (style === 'QUOTE_DOUBLE' && character === '\\') {
      const { units, skip } = readEscape(text, at);
      for (let unit = 0; unit < units; unit += 1) marks.push({ at, space: false });
      at += skip;
    } else {
      marks.push({ at, space: /\s/.test(character) });
      if (style === 'QUOTE_SINGLE' && character === "'") at += 1;
    }
  }
  return marks;
}

/** How many units of the value an escape makes, and how many characters follow its backslash. */
function readEscape(text: string, at: number): { readonly units: number; readonly skip: number } {
  const next = text[at + 1] ?? '';
  if (next === 'x') return { units: 1, skip: 3 };
  if (next === 'u') return { units: 1, skip: 5 };
  if (next === 'U') return { units: Number.parseInt(text.slice(at + 2, at + 10), 16) > 0xffff ? 2 : 1, skip: 9 };
  if (next === '\n') return { units: 0, skip: 1 };
  if (next === '\r') return { units: 0, skip: 2 };
  return { units: 1, skip: 1 };
}
