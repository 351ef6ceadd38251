/** A place in a text: line and column from 1, columns in code points. */
export interface TextPlace {
  readonly line: number;
  readonly column: number;
}

/** Turns offsets of a text (UTF-16 units, as parsers count) into places as people count. */
export interface LineIndex {
  place(offset: number): TextPlace;
  /** Code points from `start` to `end`, at most to the end of `start`'s line, at least 1. */
  length(start: number, end: number): number;
}

export function createLineIndex(text: string): LineIndex {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  const lineOf = (offset: number): number => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  };
  return {
    place(offset) {
      const line = lineOf(Math.min(offset, text.length));
      return { line: line + 1, column: countCodePoints(text.slice(starts[line], offset)) + 1 };
    },
    length(start, end) {
      const lineEnd = starts[lineOf(start) + 1] ?? text.length;
      const token = text.slice(start, Math.min(end, lineEnd)).replace(/\s+$/, '');
      return Math.max(1, countCodePoints(token));
    },
  };
}

function countCodePoints(text: string): number {
  let count = 0;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    // The second half of a pair does not count again.
    if (unit < 0xdc00 || unit > 0xdfff) count += 1;
  }
  return count;
}
