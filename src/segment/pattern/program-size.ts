/** An instruction of the port's program: steps that read no character are below `RUNE`. */
export interface Instruction {
  readonly op: number;
  readonly arg: number;
  readonly runes: ArrayLike<number>;
}

/** A range of bytes and what follows it, or a choice between a tree so far and one more range. */
type Node = ByteRange | { readonly first: Node; alternative: ByteRange };
interface ByteRange {
  readonly low: number;
  readonly high: number;
  readonly fold: boolean;
  next: Node | undefined;
}

const [RUNE, RUNE_ANY, RUNE_ANY_NOT_NL] = [8, 10, 11] as const;
const FOLD_CASE = 1;
const LAST = 0x10ffff;
const LAST_OF_LENGTH = [0x7f, 0x7ff, 0xffff];

/**
 * How many instructions the engine's RE2 needs for a program of the port, which reads characters where RE2 reads bytes. It follows RE2's compiler
 * (compile.cc), so that a pattern is refused for its size where the engine refuses it. `foldsOf`: the ranges of a letter without regard to case.
 */
export function programSize(instructions: readonly Instruction[], most: number, foldsOf: (rune: number) => readonly number[]): number {
  const known = new Map<ArrayLike<number>, number>();
  let size = 0;
  for (const instruction of instructions) {
    const { op, arg, runes } = instruction;
    if (op < RUNE) size += 1;
    else if (op === RUNE_ANY) size += ANY;
    else if (op === RUNE_ANY_NOT_NL) size += ANY_NOT_NL;
    else if (runes.length === 1 && (arg & FOLD_CASE) === 0) size += bytesOf(runes[0] ?? 0).length;
    else {
      let one = known.get(runes);
      if (one === undefined) {
        one = classSize(runes.length === 1 ? foldsOf(runes[0] ?? 0) : runes);
        known.set(runes, one);
      }
      size += one;
    }
    if (size > most) break;
  }
  return size;
}

/** A class is a tree of bytes: what begins alike is joined, and endings are shared. */
function classSize(ranges: ArrayLike<number>): number {
  const foldsAscii = isCaseless(ranges);
  const endings = new Map<string, ByteRange>();
  const shared = new Set<ByteRange>();
  const numbers = new Map<Node, number>();
  let root: Node | undefined;
  let size = 0;
  const range = (low: number, high: number, fold: boolean, next: Node | undefined): ByteRange => {
    size += 1;
    return { low, high, fold, next };
  };
  const numberOf = (node: Node | undefined): number => {
    if (node === undefined) return 0;
    const number = numbers.get(node) ?? numbers.size + 1;
    numbers.set(node, number);
    return number;
  };
  const ending = (low: number, high: number, next: Node | undefined): ByteRange => {
    const key = `${low} ${high} ${numberOf(next)}`;
    const found = endings.get(key) ?? range(low, high, false, next);
    endings.set(key, found);
    shared.add(found);
    return found;
  };
  const join = (tree: Node | undefined, added: ByteRange): Node => {
    if (tree === undefined) return added;
    const last = 'first' in tree ? tree.alternative : tree;
    if (last.low !== added.low || last.high !== added.high || last.fold !== added.fold) {
      size += 1;
      return { first: tree, alternative: added };
    }
    let own = last;
    if (shared.has(last)) {
      own = range(last.low, last.high, last.fold, last.next);
      if ('first' in tree) tree.alternative = own;
    }
    if (!shared.has(added)) size -= 1;
    own.next = join(own.next, added.next as ByteRange);
    return 'first' in tree ? tree : own;
  };
  const add = (low: number, high: number, fold: boolean): void => {
    if (low === 0x80 && high === LAST) {
      const one = range(0x80, 0xbf, false, undefined);
      const two = range(0x80, 0xbf, false, one);
      const three = range(0x80, 0xbf, false, two);
      for (const [first, most, next] of [
        [0xc2, 0xdf, one],
        [0xe0, 0xef, two],
        [0xf0, 0xf4, three],
      ] as const)
        root = join(root, range(first, most, false, next));
      return;
    }
    const split = splitOf(low, high);
    if (split !== undefined) {
      add(low, split, fold);
      add(split + 1, high, fold);
      return;
    }
    if (high < 0x80) {
      root = join(root, range(low, high, fold, undefined));
      return;
    }
    const [from, to] = [bytesOf(low), bytesOf(high)];
    let next: ByteRange | undefined;
    for (let index = from.length - 1; index >= 0; index -= 1) {
      const [a = 0, b = 0] = [from[index], to[index]];
      next = index === from.length - 1 || (a < b && index > 0) ? ending(a, b, next) : range(a, b, false, next);
    }
    if (next !== undefined) root = join(root, next);
  };
  for (let index = 0; index < ranges.length; index += 2) {
    const [low = 0, high = 0] = [ranges[index], ranges[index + 1]];
    if (foldsAscii && low >= 65 && high <= 90) continue;
    add(low, high, foldsAscii && !(low <= 65 && high >= 122) && high >= 65 && low <= 122 && !(low > 90 && high < 97));
  }
  return size;
}

/** Where a range of characters is cut so that both parts are one range for each of their bytes. */
function splitOf(low: number, high: number): number | undefined {
  for (const last of LAST_OF_LENGTH) if (low <= last && last < high) return last;
  if (high < 0x80) return undefined;
  for (const mask of [0x3f, 0xfff, 0x3ffff]) {
    if ((low & ~mask) === (high & ~mask)) continue;
    if ((low & mask) !== 0) return low | mask;
    if ((high & mask) !== mask) return (high & ~mask) - 1;
  }
  return undefined;
}

/** Whether a class has of each ASCII letter both cases or none: RE2 reads such letters by a single range. */
function isCaseless(ranges: ArrayLike<number>): boolean {
  const cases = [0, 0];
  for (let index = 0; index < ranges.length; index += 2) {
    for (let letter = 0; letter < 26; letter += 1) {
      for (const [at, start] of [65, 97].entries()) {
        const rune = start + letter;
        if (rune >= (ranges[index] ?? 0) && rune <= (ranges[index + 1] ?? 0)) cases[at] = (cases[at] ?? 0) | (1 << letter);
      }
    }
  }
  return cases[0] === cases[1];
}

function bytesOf(rune: number): readonly number[] {
  if (rune < 0x80) return [rune];
  if (rune < 0x800) return [0xc0 | (rune >> 6), 0x80 | (rune & 63)];
  if (rune < 0x10000) return [0xe0 | (rune >> 12), 0x80 | ((rune >> 6) & 63), 0x80 | (rune & 63)];
  return [0xf0 | (rune >> 18), 0x80 | ((rune >> 12) & 63), 0x80 | ((rune >> 6) & 63), 0x80 | (rune & 63)];
}

const ANY = classSize([0, LAST]);
const ANY_NOT_NL = classSize([0, 9, 11, LAST]);
