import { describe, expect, test } from 'vitest';
import { sha256 } from '../../../src/support/digest.ts';
import type { DigestedResource } from '../../../src/model/resource.ts';
import type { CachedFile } from '../../../src/manifest/read-documents.ts';
import { loadTexts, told } from '../../support/load-texts.ts';

const SEGMENT = `apiVersion: reconcile/v1
kind: Segment
metadata: {name: one}
spec: {attributes: customer, pql: 'a = 1'}
`;

describe('resources', () => {
  test('a document becomes a resource with the place where it starts', () => {
    const { resources, diagnostics } = loadTexts({ 'm/a.yaml': `# comment\n${SEGMENT}---\n${SEGMENT.replace('one', 'two')}` });

    expect(diagnostics).toEqual([]);
    const spec = { attributes: 'customer', pql: 'a = 1' };
    const of = (name: string, line: number): DigestedResource => {
      const digest = sha256(`{"metadata":{"name":"${name}"},"spec":{"attributes":"customer","pql":"a = 1"}}`);
      return { kind: 'Segment', metadata: { name }, spec, source: { file: 'm/a.yaml', line, column: 1 }, digest };
    };
    expect(resources).toEqual([of('one', 2), of('two', 7)]);
  });

  test('a second resource of one kind and name names both places', () => {
    const loaded = loadTexts({ 'a.yaml': SEGMENT, 'b.yaml': `\n${SEGMENT}` });

    expect(told(loaded)).toEqual(['RC1301 b.yaml:4:18 `Segment/one` is declared twice']);
    expect(loaded.diagnostics[0]?.hint).toContain('a.yaml:3:18');
  });

  test('a byte order mark is no part of the text', () => {
    const { resources } = loadTexts({ 'a.yaml': `\uFEFF${SEGMENT}` });

    expect(resources[0]?.source).toEqual({ file: 'a.yaml', line: 1, column: 1 });
  });
});

describe('every error of every file in one go', () => {
  test('a head that is no text is told as such', () => {
    const loaded = loadTexts({
      'a.yaml': 'apiVersion: {a: 1}\nkind: [Segment]\nmetadata: {name: x}\nspec: {}\n',
      'b.yaml': 'apiVersion: reconcile/v1\nkind: {}\n',
    });

    expect(told(loaded)).toEqual([
      'RC1103 a.yaml:1:13 `apiVersion` must be a text',
      'RC1107 a.yaml:2:7 `kind` must be a text',
      'RC1107 b.yaml:2:7 `kind` must be a text',
    ]);
  });

  test('unknown keys, kinds, choices and types are told at their token with the nearest right answer', () => {
    const loaded = loadTexts({
      'a.yaml': SEGMENT.replace('Segment', 'Segmnt'),
      'b.yaml': SEGMENT.replace('attributes', 'atributes').replace("'a = 1'", '5'),
      'c.yaml': `${SEGMENT}---\na: {b: 1`,
      'd.yaml': `apiVersion: reconcile/v1
kind: Activation
metadata: {nme: Über}
spec:
  destination: x
  segments: [one, {name: two, exprot: full}, 5]
  mapping: [{source: a, mandatry: true}, {target: b}]
  export: incrmental
  schedule: {every: 24h, at: 2:00}
  file: {maxRows: 9000000, csv: {delimiter: ";;"}}
`,
    });

    expect(told(loaded)).toEqual([
      'RC1107 a.yaml:2:7 unknown kind `Segmnt`',
      'RC1102 b.yaml:4:1 `spec` has no `attributes`',
      'RC1101 b.yaml:4:8 unknown key `atributes` in `spec`',
      'RC1104 b.yaml:4:34 `spec.pql` must be a text, found `5`',
      'RC1003 c.yaml:6:8 a `{` is not closed, or its lines are not indented',
      'RC1102 d.yaml:3:1 `metadata` has no `name`',
      'RC1101 d.yaml:3:12 unknown key `nme` in `metadata`',
      'RC1101 d.yaml:6:31 unknown key `exprot` in `spec.segments[1]`',
      'RC1105 d.yaml:6:46 `spec.segments[2]`: a segment is a name, or {name: …, schedule: …, export: …, file: …}',
      'RC1101 d.yaml:7:25 unknown key `mandatry` in `spec.mapping[0]`',
      'RC1105 d.yaml:7:42 `spec.mapping[1]`: a mapping entry has a source or an expression',
      'RC1103 d.yaml:8:11 `spec.export` cannot be `incrmental`',
      'RC1103 d.yaml:9:30 `spec.schedule.at` cannot be `2:00`',
      'RC1103 d.yaml:10:45 `spec.file.csv.delimiter` cannot be `;;`',
      'RC1106 d.yaml:10:19 `spec.file.maxRows` must be <= 5000000, got `9000000`',
    ]);
    const hints = loaded.diagnostics.map(({ hint }) => hint);
    for (const hint of ['did you mean `Segment`?', 'did you mean `attributes`?', 'did you mean `mandatory`?', 'did you mean `incremental`?'])
      expect(hints).toContain(hint);
  });

  test('a wrong branch is judged by what the writer meant: no noise of the others', () => {
    const loaded = loadTexts({
      'a.yaml': 'apiVersion: reconcile/v1\nkind: Destination\nmetadata: {name: d}\nspec: {type: t, storage: {type: sftp, path: out, host: h, username: u}}\n',
    });

    expect(told(loaded)).toEqual(['RC1102 a.yaml:4:17 `spec.storage` has no `hostKey`']);
  });

  test.each(['', 'just a text', '- a\n- list', '42'])('a document that is %j is no manifest', (text) => {
    const loaded = loadTexts({ 'a.yaml': text });

    expect(loaded.resources).toEqual([]);
    expect(told(loaded)).toEqual(text === '' ? [] : ['RC1104 a.yaml:1:1 a manifest must be a map']);
  });

  test('bytes that are not UTF-8 text are told with their place', () => {
    const latin = Buffer.concat([Buffer.from('a: x\nb: M'), Buffer.from([0xfc]), Buffer.from('ller\n')]);

    expect(told(loadTexts({ 'a.yaml': latin }))).toEqual(['RC1002 a.yaml:2:5 the file is not UTF-8']);
    expect(told(loadTexts({ 'a.yaml': Buffer.from('\uFEFFa: 1', 'utf16le') }))).toEqual(['RC1002 a.yaml:1:1 the file is UTF-16']);
    expect(told(loadTexts({ 'a.yaml': Buffer.from('a: 1\n\0') }))).toEqual(['RC1002 a.yaml:2:1 the file holds a NUL byte']);
  });

  test('keys named like members of every object are keys like others', () => {
    const loaded = loadTexts({ 'a.yaml': SEGMENT.replace('spec: {', 'spec: {constructor: 1, toString: 2, ') });

    expect(told(loaded)).toEqual(['RC1101 a.yaml:4:8 unknown key `constructor` in `spec`', 'RC1101 a.yaml:4:24 unknown key `toString` in `spec`']);
  });
});

describe('variables', () => {
  const text = `apiVersion: reconcile/v1
kind: Activation
metadata: {name: a}
spec:
  destination: \${var.destination}
  segments: [one]
  mapping: [{source: a}]
  file: {maxRows: "\${var.rows}", name: "%DESTINATION%_%SEGMENT_ID%_\${var.country}"}
`;

  test('a whole value is typed; inside a text it is its text', () => {
    const { resources, diagnostics } = loadTexts({ 'a.yaml': text }, { destination: 'outbox', rows: '1000', country: 'DE' });

    expect(diagnostics).toEqual([]);
    expect(resources[0]?.spec).toMatchObject({ destination: 'outbox', file: { maxRows: 1000, name: '%DESTINATION%_%SEGMENT_ID%_DE' } });
  });

  test('an unset one is an error with a suggestion, and nothing is said of the value it should have given', () => {
    const loaded = loadTexts({ 'a.yaml': text }, { destinaton: 'outbox', rows: '10', country: 'DE' });

    expect(told(loaded)).toEqual(['RC1401 a.yaml:5:16 variable `destination` is not set']);
    expect(loaded.diagnostics[0]?.hint).toContain('did you mean `destinaton`?');
    expect(loaded.resources).toEqual([]);
  });

  test('a typed value of the wrong type is refused as any value is', () => {
    expect(told(loadTexts({ 'a.yaml': text }, { destination: 'outbox', rows: 'many', country: 'DE' }))).toEqual([
      'RC1104 a.yaml:8:19 `spec.file.maxRows` must be a whole number, found the text `many`',
    ]);
  });

  test('values are never read as YAML again', () => {
    const { resources } = loadTexts({ 'a.yaml': SEGMENT.replace("'a = 1'", '"x = \\"${var.v}\\""') }, { v: '"}, injected: {a: 1}"' });

    expect(resources[0]?.spec).toEqual({ attributes: 'customer', pql: 'x = "}, injected: {a: 1}"' });
  });
});

describe('secrets', () => {
  test('a literal is an error that does not repeat it', () => {
    const loaded = loadTexts({
      'a.yaml': `apiVersion: reconcile/v1
kind: Destination
metadata: {name: d}
spec: {type: t, storage: {type: s3, bucket: b, accessKeyId: AKIACANARY, secretAccessKey: {env: S}}}
`,
    });

    expect(told(loaded)).toEqual(['RC1403 a.yaml:4:61 `spec.storage.accessKeyId` must not be a literal secret']);
    expect(JSON.stringify(loaded.diagnostics)).not.toContain('CANARY');
  });
});

test('what stands where a secret’s name or address should may be the secret: it is not repeated', () => {
  const loaded = loadTexts({
    'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: p}\nspec: {state: "postgresql://u:CANARY@h/d"}\n',
    'a.yaml':
      'apiVersion: reconcile/v1\nkind: Destination\nmetadata: {name: d}\nspec: {type: t, storage: {type: gcs, bucket: b, credentials: {env: CANARY!}}}\n',
  });

  expect(loaded.diagnostics.map(({ code }) => code)).toEqual(['RC1403', 'RC1403']);
  expect(JSON.stringify(loaded.diagnostics)).not.toContain('CANARY');
});

describe('places inside texts', () => {
  const styles: readonly (readonly [string, string])[] = [
    ['literal', '|\n    a = 1 and\n    income > 5\n'],
    ['literal with indent and strip', '|2-\n      a = 1 and\n      income > 5\n'],
    ['folded', '>\n    a = 1 and\n\n    income > 5\n'],
    ['double quoted', '"a = \\"x\\" and \\t\n    income > 5"\n'],
    ['single quoted', "'a = ''x'' and\n    income > 5'\n"],
    ['plain', 'a = 1 and\n    income > 5\n'],
  ];

  test.each(styles)('%s', (_, scalar) => {
    const text = `apiVersion: reconcile/v1\nkind: Segment\nmetadata: {name: x}\nspec:\n  attributes: c\n  pql: ${scalar}`;
    const { resources, locator, diagnostics } = loadTexts({ 'a.yaml': text });
    const [resource] = resources;
    const pql = (resource?.spec as { pql: string } | undefined)?.pql ?? '';
    const start = pql.indexOf('income');
    const lines = text.split('\n');
    const line = lines.findIndex((one) => one.includes('income')) + 1;

    expect(diagnostics).toEqual([]);
    expect(resource && locator.textPlace(resource, '/spec/pql', start, start + 6)).toEqual({
      file: 'a.yaml',
      line,
      column: (lines[line - 1]?.indexOf('income') ?? 0) + 1,
      length: 6,
    });
  });

  test('columns count code points, and variables do not shift what follows', () => {
    const text = `apiVersion: reconcile/v1\r\nkind: Segment\r\nmetadata: {name: x}\r\nspec:\r\n  attributes: c\r\n  pql: 'a = "😀\${var.v}" and income > 5'\r\n`;
    const { resources, locator } = loadTexts({ 'a.yaml': text }, { v: 'a much longer value' });
    const [resource] = resources;
    const pql = (resource?.spec as { pql: string } | undefined)?.pql ?? '';

    expect(pql).toContain('a much longer value');
    expect(resource && locator.textPlace(resource, '/spec/pql', pql.indexOf('income'), pql.indexOf('income') + 6)).toMatchObject({
      line: 6,
      column: 29,
      length: 6,
    });
    expect(resource && locator.textPlace(resource, '/spec/pql', pql.indexOf('much'), pql.indexOf('longer'))).toMatchObject({ line: 6, column: 15, length: 8 });
  });
});

describe('the cache of parsed files', () => {
  test('gives the same resources, and only of files without problems', () => {
    const kept = new Map<string, CachedFile>();
    const cache = {
      get: (key: string) => kept.get(key),
      set: (key: string, file: CachedFile) => void kept.set(key, file),
    };
    const texts = { 'a.yaml': SEGMENT, 'b.yaml': SEGMENT.replace('one', '"${var.name}"'), 'c.yaml': 'a: {' };
    const first = loadTexts(texts, { name: 'two' }, cache);

    expect(kept.size).toBe(2);
    expect(loadTexts(texts, { name: 'two' }, cache)).toMatchObject({ resources: first.resources, diagnostics: first.diagnostics });
    expect(loadTexts(texts, { name: 'three' }, cache).resources.map(({ metadata }) => metadata.name)).toEqual(['one', 'three']);
  });
});
