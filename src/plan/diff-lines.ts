export interface DiffLine {
  readonly sign: '-' | '+' | ' ';
  readonly text: string;
}

/** Longer texts are shown whole, old then new. */
const MAX_LINES = 400;
const CONTEXT_LINES = 2;

/** A text's differences line by line, with two lines of context; `…` stands for lines left out. */
export function diffLines(before: string, after: string): readonly DiffLine[] {
  const old = linesOf(before);
  const wanted = linesOf(after);
  if (old.length > MAX_LINES || wanted.length > MAX_LINES) return [...old.map(removed), ...wanted.map(added)];
  return withContext(compareLines(old, wanted));
}

function compareLines(old: readonly string[], wanted: readonly string[]): DiffLine[] {
  // Lengths of the longest common subsequences of the rests.
  const width = wanted.length + 1;
  const table = new Uint16Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = wanted.length - 1; j >= 0; j--) {
      const below = table[(i + 1) * width + j] ?? 0;
      const right = table[i * width + j + 1] ?? 0;
      table[i * width + j] = old[i] === wanted[j] ? (table[(i + 1) * width + j + 1] ?? 0) + 1 : Math.max(below, right);
    }
  }
  const lines: DiffLine[] = [];
  let i = 0;
  let j = 0;
  while (i < old.length || j < wanted.length) {
    const here = old[i];
    const there = wanted[j];
    if (here !== undefined && here === there) {
      lines.push({ sign: ' ', text: here });
      i += 1;
      j += 1;
    } else if (there === undefined || (here !== undefined && (table[(i + 1) * width + j] ?? 0) >= (table[i * width + j + 1] ?? 0))) {
      lines.push(removed(here ?? ''));
      i += 1;
    } else {
      lines.push(added(there));
      j += 1;
    }
  }
  return lines;
}

function withContext(lines: readonly DiffLine[]): DiffLine[] {
  const near = (index: number): boolean => lines.slice(Math.max(0, index - CONTEXT_LINES), index + CONTEXT_LINES + 1).some(({ sign }) => sign !== ' ');
  const shown: DiffLine[] = [];
  let gap = false;
  for (const [index, line] of lines.entries()) {
    if (near(index)) {
      if (gap) shown.push({ sign: ' ', text: '…' });
      gap = false;
      shown.push(line);
    } else gap = true;
  }
  if (gap) shown.push({ sign: ' ', text: '…' });
  return shown;
}

function linesOf(text: string): string[] {
  return text.replace(/\n+$/, '').split('\n');
}

function removed(text: string): DiffLine {
  return { sign: '-', text };
}

function added(text: string): DiffLine {
  return { sign: '+', text };
}
