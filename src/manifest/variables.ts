/** Values for `${var.NAME}`, and where a writer can set them. */
export interface Variables {
  readonly values: ReadonlyMap<string, unknown>;
  /** `environments/prod.yaml` with `--env prod`; undefined without. */
  readonly file: string | undefined;
}

export const NO_VARIABLES: Variables = { values: new Map(), file: undefined };

/** What `text` became: a value, or a text with the pieces that came from variables. */
export interface Expanded {
  readonly value: unknown;
  /** Ranges of the result that replace ranges of the original, in order. Empty when the whole was replaced. */
  readonly pieces: readonly Piece[];
  readonly problems: readonly VariableProblem[];
}

export interface Piece {
  readonly from: number;
  readonly to: number;
  readonly sourceFrom: number;
  readonly sourceTo: number;
}

export interface VariableProblem {
  readonly kind: 'unset' | 'not-scalar' | 'syntax';
  readonly name: string;
  /** Offsets in the original text. */
  readonly start: number;
  readonly end: number;
}

const REFERENCE = /\$\{var\.([^}]*)\}?/g;
const NAME = /^[A-Za-z_][A-Za-z0-9_-]*$/;

/** True when a text may hold a variable; spares the rest a walk. */
export function mayHoldVariables(text: string): boolean {
  return text.includes('${var.');
}

/** A text whose whole is one reference becomes the typed value; references inside a text become its text and must be scalars. */
export function expandText(text: string, variables: Variables): Expanded {
  const problems: VariableProblem[] = [];
  const pieces: Piece[] = [];
  let result = '';
  let last = 0;
  for (const match of text.matchAll(REFERENCE)) {
    const [reference, name = ''] = match;
    const start = match.index;
    const end = start + reference.length;
    const complain = (kind: VariableProblem['kind']): void => void problems.push({ kind, name, start, end });
    if (!reference.endsWith('}') || !NAME.test(name)) {
      complain('syntax');
      continue;
    }
    if (!variables.values.has(name)) {
      complain('unset');
      continue;
    }
    const value = variables.values.get(name);
    if (start === 0 && end === text.length) return { value, pieces: [], problems };
    if (value !== null && typeof value === 'object') {
      complain('not-scalar');
      continue;
    }
    result += text.slice(last, start);
    const from = result.length;
    result += value === null ? '' : String(value as string | number | boolean);
    pieces.push({ from, to: result.length, sourceFrom: start, sourceTo: end });
    last = end;
  }
  return { value: result + text.slice(last), pieces, problems };
}

/** Expands every text of a value. `report` gets each problem with the JSON pointer of its text. */
export function expandValue(value: unknown, variables: Variables, pointer: string, report: (pointer: string, problem: VariableProblem) => void): unknown {
  if (typeof value === 'string') {
    if (!mayHoldVariables(value)) return value;
    const expanded = expandText(value, variables);
    for (const problem of expanded.problems) report(pointer, problem);
    return expanded.value;
  }
  if (Array.isArray(value)) return value.map((item, index) => expandValue(item, variables, `${pointer}/${index}`, report));
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, expandValue(child, variables, `${pointer}/${escapePointer(key)}`, report)]));
}

/** The offset in the original text of an offset in the expanded one; inside a replaced piece, its first (or last) character. */
export function originalOffset(offset: number, pieces: readonly Piece[], side: 'first' | 'last'): number {
  let shift = 0;
  for (const piece of pieces) {
    if (offset < piece.from) break;
    if (offset < piece.to) return side === 'first' ? piece.sourceFrom : piece.sourceTo - 1;
    shift = piece.sourceTo - piece.to;
  }
  return offset + shift;
}

/** A key as it stands in a JSON pointer (RFC 6901). */
export function escapePointer(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** The keys of a JSON pointer. */
export function splitPointer(pointer: string): string[] {
  if (pointer === '') return [];
  return pointer
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}
