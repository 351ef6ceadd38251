import type { Draw } from './world.ts';

const ATOMS: readonly string[] = [
  ['a', 'b', 'A', 'k', 'K', 's', 'é', 'ß', 'ſ', '\u212a', '😀', '1', '_', '-', ' ', '\n', 'ab', 'aa', ',', '', '{', '}', '{,2}', '(?:)'],
  ['.', '\\d', '\\w', '\\s', '\\D', '\\W', '\\S', '\\b', '\\B', '^', '$', '\\A', '\\z', '\\n', '\\t', '\\v', '\\a', '\\07', '\\x41', '\\x{e9}', '\\.', '\\-'],
  ['[a-c]', '[^a]', '[\\d_]', '[^\\s]', '[[:alpha:]]', '[^[:digit:]]', '[]a]', '[a-]', '[ß-é]', '[^\\n]', '[(?<n>]', '[a&&b]', '[[=a=]]', '[\\]^]', '[^^]'],
  ['\\p{L}', '\\pN', '\\P{Lu}', '\\p{^Lu}', '[\\p{Lu}b]', '[^\\p{L}]', '\\pC', '\\PC', '[\\PCa]', '[^\\p{^C}]', '\\p{Latin}', '\\pZ', '\\p{Any}'],
  ['(?i)', '(?s)', '(?m)', '(?U)', '(?-i)', '(?i-s)', '\\Qa.b\\E', '\\Q*', '\\Q\\B\\E', '\\(?', '\\\\'],
].flat();
const GROUPS = ['', '', '?:', '?i:', '?s:', '?m:', '?P<n>', '?P<m1>', '?P<é>', '?-s:', '?U:', '?im-s:'];
const REPEATS = ['*', '+', '?', '*?', '+?', '??', '{2}', '{1,2}', '{0,1}?', '{0}', '{0,}', '{2,}', '{1}', '{3,5}'];
const BROKEN: readonly string[] = [
  [
    '(?=a)',
    '(?!a)',
    '(?<=a)',
    '(?<!a)',
    '(?>a)',
    '\\1',
    '(?<n>a)',
    '(?P<n m>a)',
    '(?P=n)',
    '(?P<n>',
    '(?#a)',
    '(?x)',
    '(?',
    '\\Z',
    '\\e',
    '\\u0041',
    '\\8',
    '\\E',
  ],
  ['[', '(', ')', '\\', '[z-a]', '[a-\\d]', '[[:x:]]', '\\p{Foo}', '\\p{greek}', '\\p{Letter}', '\\p{Emoji}', '\\p{LC}', '\\p{Garay}', '\\x{110000}', '\\é'],
  ['*', '+', '?', '|', '{1}', 'a{1001}', 'a{2,1}', 'a{1001,}', '(a{100}){11}', 'a++', 'a{2}{2}', 'a**'],
].flat();
const LETTERS = [...'abcABkKsS1x_- ,.*{}éÉßẞſ٣😀\n\r\t\v\u212a\u00a0\u2028\u0085'];

/** A pattern of any kind, now and then one that cannot be read. */
export function drawPattern(draw: Draw, broken = true, depth = 0): string {
  if (broken && draw(60) === 0) return pick(draw, BROKEN);
  const inner = (): string => drawPattern(draw, broken, depth + 1);
  switch (draw(depth > 3 ? 2 : 9)) {
    case 0:
    case 1:
    case 2:
      return pick(draw, ATOMS);
    case 3:
    case 4:
      return `${inner()}${inner()}`;
    case 5:
      return `(${pick(draw, GROUPS)}${inner()}|${inner()})`;
    case 6:
      return `(${pick(draw, GROUPS)}${inner()})${pick(draw, REPEATS)}`;
    case 7:
      return `${inner()}${pick(draw, REPEATS)}`;
    default:
      return `${inner()}|${inner()}`;
  }
}

export function drawText(draw: Draw): string {
  return Array.from({ length: draw(8) }, () => pick(draw, LETTERS)).join('');
}

function pick<T>(draw: Draw, choices: readonly T[]): T {
  return choices[draw(choices.length)] as T;
}
