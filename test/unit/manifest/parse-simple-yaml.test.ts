import * as fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { SCHEMAS } from '../../../src/manifest/generated/schemas.ts';
import { parseSimpleYaml } from '../../../src/manifest/parse-simple-yaml.ts';
import { parseFullYaml } from '../../../src/manifest/parse-yaml.ts';
import { createStarterProject } from '../../../src/cli/starter-project.ts';
import { stringify } from 'yaml';

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 4000);

/** Manifests as people write them: the starter project, the schemas' examples in several styles, and corners. */
const CORPUS: readonly string[] = [
  ...[...createStarterProject('x', 0)].filter(([path]) => path.endsWith('.yaml')).map(([, text]) => text),
  ...Object.values(SCHEMAS).flatMap((schema) =>
    ((schema['examples'] ?? []) as unknown[]).flatMap((example) => [
      stringify(example),
      stringify(example, { indentSeq: false }),
      stringify(example, { defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN' }),
    ]),
  ),
  readFileSync(new URL('../../../README.md', import.meta.url), 'utf8').slice(0, 2000),
  `# head
a: 1
b:
- x
- y: 2
  z: [1, -2, "q, r", 'it''s', true, ~, 2026-01-02T03:04:05Z]
- - nested
c: |
  line one
    deeper

  after a blank # no comment

d: |-
  stripped
e: {f: {g: [], h: {}}, i: "x"}   # comment
j:
    k: text with: colon
    l: http://example.com/a#b
    m: - dash
---
---
# second
n: 010
o: 0x1F
p: 1e3
q: null
r:
s: "esc\\n"
t: >
  folded
  text
`,
];

function agree(text: string): boolean {
  const simple = parseSimpleYaml(text);
  if (simple === undefined) return false;
  const full = parseFullYaml(text);
  expect(full.problems, text).toEqual([]);
  expect(simple, text).toEqual(full.documents);
  return true;
}

describe('the reader of simple manifests', () => {
  test('reads nearly all of what people write', () => {
    const read = CORPUS.slice(0, -2).filter(agree).length;

    expect(read / (CORPUS.length - 2)).toBeGreaterThan(0.8);
  });

  test.each([
    'a: 1\n',
    'a:\n- 1\nb: 2\n',
    'a:\n  - 1\n  - 2\n',
    'a:\n  - b: 1\n    c: 2\n  - d\n',
    'a: |\n  x\n\n  y\n\n\nb: 1\n',
    'a: |\n  x\n# c\nb: 1\n',
    'a: {b: c, d: [e, f]}\n',
    'a: x y  # c\n',
    '---\na: 1\n---\nb: 2\n',
    '# c\n---\na: 1\n',
    'a: 1\n---\n# c\n---\nb: 1\n',
    "a: 'it''s'\n",
    'a:\n\nb:\n  c:\n',
    'a:   {b:   1 ,  c: 2 }  \n',
    'a: -x\n',
    'a: 12345678901234567890\n',
    'a: ${var.x}\n',
    'a: 2:30\n',
    'a: [a:b, c]\n',
    'a:\n  b: 1\n c: 2\n',
    'a: x\n  y\n',
    'a: 1\na: 2\n',
    'a: "x" y\n',
    'a: [1, 2\n',
    'a: {b}\n',
    'a: {b: }\n',
    'a: [1,]\n',
    'a: *x\n',
    'a: &x 1\n',
    'a: !t 1\n',
    '- a\n',
    'a\n',
    ' a: 1\n',
    'a: |2\n    x\n',
    'a: |\n   \n  x\n',
    'a: |\nb: 1\n',
    'a:\n  - x\n b: 1\n',
    'a:\n- b: 1\n c: 2\n',
    'a: - b\n',
    'a: ? b\n',
    'a: b:\n',
    'a: [b: c]\n',
    'a: {b: c: d}\n',
    'a: # c\n  b: 1\n',
    'a: "x" # c\n',
    'a: [x] # c\n',
    'a: x#y\n',
    'a: {b: x#y}\n',
    'a: {b: x #y}\n',
    'a: [x]y\n',
    'a: {b: "c"d}\n',
    'a: TRUE\n',
    'a: Null\n',
    'a: .5\n',
    'a: +1\n',
    'a: -0\n',
    'a: 00\n',
    'a: .inf\n',
    'a: |\n  x',
    'a: |\n  x\n  \n',
    'a: |\n  x\n   \n',
    'a: |\n  x\n y\n',
    'a:\n  - |\n    x\n  - y\n',
    'a:\n  -   b: 1\n      c: 2\n',
    'a:\n  - b:\n    - c\n    d: 1\n',
    'a:\n  - b:\n      c: 1\n    d: 1\n',
    'a: [{b: 1}, {c: [2]}]\n',
    'a: {"b": 1}\n',
    'a: {b: "x":y}\n',
    'a: [a, , b]\n',
    'true: 1\n',
    'a: {null: 1}\n',
    'a:\n  - \n',
    'a:\n  -\n',
    'a: \n  - x\n',
    'a:b\n',
    'a: {b:1}\n',
    'a: [-]\n',
    'a: [- x]\n',
    'a: [-1]\n',
    'a: [?x]\n',
    'a: [:x]\n',
    'a: {b: :x}\n',
    "a: ''\n",
    'a: ""\n',
    'a: "\'"\n',
    'a: |\n  x\n---\nb: 1\n',
    'a: |\n  ---\n',
    'a: |\n    x\n  y\n',
    'a: |\n  x\n    # y\n',
    'a:\n  # c\n  b: 1\n',
    'a:\n# c\n  b: 1\n',
    'a: x\n# c\n  y\n',
    'a: x\n\n  y\n',
    'a: {b: 1}\n  c\n',
    'a: |  # c\n  x\n',
    'a: |-\n  x\n\n',
    'a: x: y\n',
    'a: http://x:80/\n',
    "a: 'x'y'\n",
    'a: "x"y"\n',
    'a: [a\\b]\n',
    'a: @x\n',
    'a: `x\n',
    'a: %x\n',
    'a: [%x]\n',
    'a: |x\n',
    'a: >x\n',
    'a: x,y\n',
    'a: x]y\n',
    'a: x}y\n',
    'a: [x y , z]\n',
  ])('%j: agrees with the library or leaves it to it', (text) => {
    agree(text);
  });

  test('of mutated manifests it accepts none that the library reads otherwise', () => {
    let accepted = 0;
    const piece = fc.constantFrom(
      ' ',
      '  ',
      '\n',
      '\n  ',
      ':',
      ': ',
      '-',
      '- ',
      '#',
      ' #',
      '"',
      "'",
      '{',
      '}',
      '[',
      ']',
      ',',
      '|',
      '|-\n',
      '>',
      '&a ',
      '*a',
      '!',
      '%',
      '@',
      '`',
      '?',
      '? ',
      '~',
      'null',
      'true',
      '0',
      '.',
      '1e3',
      '0x1',
      '\\',
      '---\n',
      '...\n',
      '<<',
      '=',
      'x',
      'é',
      '\t',
      '\r',
    );
    const edit = fc.record({ at: fc.nat(), remove: fc.integer({ min: 0, max: 4 }), insert: fc.oneof(fc.constant(''), piece) });
    fc.assert(
      fc.property(fc.constantFrom(...CORPUS), fc.array(edit, { minLength: 1, maxLength: 4 }), fc.nat(), fc.nat(), (source, edits, cut, length) => {
        // A window of the manifest keeps the edits close to each other.
        const start = source.lastIndexOf('\n', cut % source.length) + 1;
        let text = cut % 3 === 0 ? source : source.slice(start, start + 20 + (length % 200));
        for (const { at, remove, insert } of edits) {
          const place = at % (text.length + 1);
          text = text.slice(0, place) + insert + text.slice(place + remove);
        }
        if (agree(text.endsWith('\n') ? text : `${text}\n`)) accepted += 1;
      }),
      { numRuns: RUNS },
    );

    expect(accepted).toBeGreaterThan(RUNS / 20);
  });
});
