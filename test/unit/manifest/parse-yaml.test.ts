import { describe, expect, test } from 'vitest';
import { parseYaml } from '../../../src/manifest/parse-yaml.ts';

function problemsOf(text: string): string[] {
  return parseYaml(text).problems.map(({ code, message }) => `${code} ${message}`);
}

describe('what a stream of documents holds', () => {
  test('documents, without the empty ones, with their index and place', () => {
    const { documents } = parseYaml('# only a comment\n---\na: 1\n---\n---\nb: [x, "y"]\n');

    expect(documents).toEqual([
      { index: 0, value: { a: 1 }, place: { line: 3, column: 1 } },
      { index: 2, value: { b: ['x', 'y'] }, place: { line: 6, column: 1 } },
    ]);
  });

  test.each(['', '\n\n', '# nothing\n', '---\n', '---\n---\n...\n'])('%j holds no document and is no error', (text) => {
    expect(parseYaml(text)).toEqual({ documents: [], problems: [] });
  });

  test('YAML 1.2: yes, no, on and off are texts, dates too', () => {
    const { documents } = parseYaml('{a: yes, b: on, c: no, d: 2026-12-01, e: 02:00, f: true, g: ~}');

    expect(documents[0]?.value).toEqual({ a: 'yes', b: 'on', c: 'no', d: '2026-12-01', e: '02:00', f: true, g: null });
  });

  test('CRLF files read like LF files', () => {
    const text = 'a: |\n  one\n  two\nb: >\n  x\n  y\n';

    expect(parseYaml(text.replaceAll('\n', '\r\n')).documents[0]?.value).toEqual(parseYaml(text).documents[0]?.value);
  });
});

describe('what cannot be held exactly is an error, never a rounded value', () => {
  test.each(['9007199254740993', '-9007199254740993', '12345678901234567890', '0.12345678901234567891', '1e400', '.nan', '.inf'])('%s', (number) => {
    expect(problemsOf(`a: ${number}`)).toHaveLength(1);
    expect(problemsOf(`a: ${number}`)[0]).toMatch(/^RC1006 /);
  });

  test.each(['9007199254740991', '0.1', '1.50', '-0', '1e3', '0x1F', '0o17', '123456789012345.5', '0.30000000000000004'])('%s is exact', (number) => {
    expect(problemsOf(`a: ${number}`)).toEqual([]);
  });

  test('in quotes it is a text', () => {
    expect(parseYaml('a: "12345678901234567890"').documents[0]?.value).toEqual({ a: '12345678901234567890' });
  });
});

describe('aliases and merge keys', () => {
  test('an alias gives the value of its anchor; the map’s own keys win over merged ones, the first merged over the later', () => {
    const { documents } = parseYaml('a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], x: 9}\nd: *a\n');

    expect(documents[0]?.value).toMatchObject({ c: { x: 9, y: 1, z: 2 }, d: { x: 1, y: 1 } });
  });

  test('an alias means the last anchor of that name before it', () => {
    expect(parseYaml('- &a 1\n- *a\n- &a 2\n- *a\n').documents[0]?.value).toEqual([1, 1, 2, 2]);
  });

  test('a bomb of aliases is refused at once', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
    for (let level = 1; level < 12; level += 1)
      lines.push(
        `a${level}: &a${level} [${Array(9)
          .fill(`*a${level - 1}`)
          .join(', ')}]`,
      );

    expect(problemsOf(lines.join('\n'))).toEqual([expect.stringMatching(/^RC1007 aliases expand to more than/)]);
  });

  test('a bomb of merge keys is refused at once', () => {
    const lines = ['a0: &a0 {k0: v}'];
    for (let level = 1; level < 40; level += 1) lines.push(`a${level}: &a${level} {<<: [*a${level - 1}, *a${level - 1}, *a${level - 1}], k${level}: v}`);

    expect(problemsOf(lines.join('\n'))).toEqual([expect.stringMatching(/^RC1007 /)]);
  });

  test('an alias of itself, of nothing, a merge of a text', () => {
    expect(problemsOf('a: &a [*a]')).toEqual(['RC1007 alias `*a` contains itself']);
    expect(problemsOf('a: *nope')).toEqual(['RC1008 alias `*nope` names no anchor before it']);
    expect(problemsOf('a: &a x\nb: {<<: *a}')).toEqual(['RC1008 `<<` merges maps only']);
  });
});

describe('hostile and broken texts', () => {
  test.each([
    ['a: {b: 1', 'RC1003 a `{` is not closed, or its lines are not indented'],
    ['kind: Segment\n  broken: [', 'RC1003 this line stands deeper than line 1, which has a value already'],
    ['a: 1\na: 2\n', 'RC1004 key `a` stands twice in one map'],
    ['{"a": 1, a: 2}', 'RC1004 key `a` stands twice in one map'],
    ['a:\n\tb: 1\n', 'RC1003 a tab indents this line'],
    ['a: "x\\q"', 'RC1003 `\\q` is no escape of a double-quoted text'],
    ['a: "x\nb: 1\n', 'RC1003 the closing " is missing'],
    ['? [a]\n: 1\n', 'RC1008 a key must be a text'],
    ['~: 1\n', 'RC1008 a key must not be empty'],
    ['a: !foo bar\n', 'RC1008 tag `!foo` is not supported'],
    ['a: !!binary aGk=\n', 'RC1008 tag `!!binary` is not supported'],
    ['%YAML 1.1\n---\na: yes\n', 'RC1005 YAML 1.1 is not supported'],
    ['a: "x\\0y"\n', 'RC1008 a text with the character U+0000 cannot be used'],
    ['"x\\x00y": 1\n', 'RC1008 a text with the character U+0000 cannot be used'],
    ['a: ["\\ud83d"]\n', 'RC1008 half of a surrogate pair is no character'],
    ['__proto__: {polluted: true}\n', 'RC1008 key `__proto__` is not allowed'],
    ['a: @x', 'RC1003 a plain text cannot begin with `@`'],
    ['a: b: c', 'RC1003 a map cannot begin inside this line'],
    ['a: ${var.X', undefined],
    ['a: {b: ${var.X}, c: 1}', 'RC1402 `${var.X}` must be quoted inside { } and [ ]'],
    ['a: [1, ${var.X}]', 'RC1402 `${var.X}` must be quoted inside { } and [ ]'],
  ])('%j', (text, first) => {
    expect(problemsOf(text)[0]).toBe(first);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  test('an unquoted variable in flow style is told once, without what follows from it', () => {
    expect(problemsOf('a: {b: ${var.X}, c: 1}\n')).toHaveLength(1);
  });

  test('deep nesting ends in a diagnostic, in any style', () => {
    expect(problemsOf('['.repeat(20_000))[0]).toMatch(/^RC1007 |^RC1003 /);
    expect(problemsOf(`a: ${'['.repeat(300)}${']'.repeat(300)}`)[0]).toMatch(/^RC1007 /);
  });

  test('a problem in one document does not hide another document', () => {
    const { documents, problems } = parseYaml('a: 1\na: 2\n---\nb: 1\n');

    expect(problems).toHaveLength(1);
    expect(documents).toMatchObject([{ index: 1, value: { b: 1 } }]);
  });

  test('half a megabyte of one list takes seconds at most', () => {
    const started = performance.now();

    expect(parseYaml(`a: [${'x, '.repeat(170_000)}x]`).problems).toEqual([]);
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
