import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { formatYaml } from '../../../src/manifest/format-yaml.ts';
import { parseYaml } from '../../../src/manifest/parse-yaml.ts';

describe('the canonical form', () => {
  test('keys in the order of the schema, comments where they belong, quotes as they were', () => {
    const text = `# header of the file
kind: Segment   # the kind
# about the version
apiVersion: reconcile/v1

# about the spec
spec:
    # about pql
    pql: |
        a = 1
        # no comment of YAML
    attributes: 'customer'
    tests:
    - member: true   # yes
      name: "x"
      profile: {b: 1.50, a: 2}
metadata: {title: "T", name: x}
# the end
`;

    expect(formatYaml(text)).toBe(`# header of the file
# about the version
apiVersion: reconcile/v1
kind: Segment # the kind
metadata: {name: x, title: "T"}

# about the spec
spec:
  attributes: 'customer'
  # about pql
  pql: |
    a = 1
    # no comment of YAML
  tests:
    - name: "x"
      profile: {b: 1.50, a: 2}
      member: true # yes

# the end
`);
  });

  test('what the writer named keeps its order', () => {
    const text = `apiVersion: reconcile/v1
kind: Source
metadata: {name: s}
spec:
  engine: duckdb
  datasets:
    zebra: {path: z.csv}
    ant: {path: a.csv}
`;

    expect(formatYaml(text)).toBe(text);
  });

  test('a key does not move before the anchor that it needs', () => {
    const text = 'apiVersion: reconcile/v1\nkind: Segment\nspec:\n  pql: &p a = 1\n  attributes: *p\nmetadata: {name: x}\n';

    expect(formatYaml(text)).toBe(text);
  });

  test('CRLF becomes LF; a text that cannot be read is left alone', () => {
    expect(formatYaml('a: 1\r\nb: |\r\n  x\r\n')).toBe('a: 1\nb: |\n  x\n');
    expect(formatYaml('a: {')).toBeUndefined();
    expect(formatYaml('a: 12345678901234567890')).toBeUndefined();
  });

  test('documents stay apart, empty ones go', () => {
    expect(formatYaml('a: 1\n---\n---\nb: 2\n')).toBe('a: 1\n---\nb: 2\n');
  });
});

describe('always', () => {
  const value = fc.letrec((tie) => ({
    any: fc.oneof({ depthSize: 'small' }, fc.string(), fc.string({ unit: 'grapheme' }), fc.integer(), fc.boolean(), fc.constant(null), tie('list'), tie('map')),
    list: fc.array(tie('any'), { maxLength: 4 }),
    map: fc.dictionary(
      fc.string({ minLength: 1, maxLength: 8 }).filter((key) => key !== '__proto__' && key !== '<<'),
      tie('any'),
      { maxKeys: 4 },
    ),
  })).map;

  test('formatting twice is formatting once, and the meaning is the same', () => {
    fc.assert(
      fc.property(value, fc.integer({ min: 20, max: 120 }), fc.constantFrom('BLOCK_LITERAL', 'QUOTE_SINGLE', 'PLAIN'), (manifest, lineWidth, style) => {
        const text = stringify(
          { spec: manifest, kind: 'Segment', apiVersion: 'reconcile/v1' },
          { lineWidth, defaultStringType: style === 'BLOCK_LITERAL' ? 'BLOCK_LITERAL' : style === 'PLAIN' ? 'PLAIN' : 'QUOTE_SINGLE' },
        );
        const before = parseYaml(text);
        fc.pre(before.problems.length === 0);
        const formatted = formatYaml(text);
        if (formatted === undefined) return;

        expect(parseYaml(formatted).documents.map((one) => one.value)).toEqual(before.documents.map((one) => one.value));
        expect(formatYaml(formatted)).toBe(formatted);
      }),
      { numRuns: 300 },
    );
  });
});
