import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { explainUnknownType, loadCatalogue } from '../../../src/destination/catalogue.ts';
import { BUILT_IN_CARDS } from '../../../src/destination/generated/built-in-cards.ts';
import { parseCard } from '../../../src/destination/parse-card.ts';
import { effectiveLimit, type DestinationCard } from '../../../src/model/destination-card.ts';
import { ROOT } from '../../support/reconcile.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function project(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'catalogue-'));
  folders.push(folder);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

const CARD = (type: string): string => `apiVersion: reconcile/v1
kind: DestinationCard
type: ${type}
displayName: Acme loyalty
category: crm
description: Files for the loyalty platform.
storage: {kinds: [sftp, local]}
details:
  type: object
  required: [program]
  properties:
    program: {type: string, pattern: "^[A-Z]{3}$", patternMessage: three capital letters}
    apiKey: {secret: true}
    limit: {type: integer, minimum: 1, maximum: 9}
example: |
  apiVersion: reconcile/v1
  kind: Destination
  metadata: {name: loyalty}
  spec:
    type: ${type}
    details: {program: ABC}
    storage: {type: local, path: out}
`;

test('every built-in card holds, example included, and the bundle is what the files say', () => {
  const types = readdirSync(join(ROOT, 'destinations'));
  expect(types).toEqual(Object.keys(BUILT_IN_CARDS));
  for (const type of types) {
    const { card, diagnostics } = parseCard({ path: type, type, bytes: readFileSync(join(ROOT, 'destinations', type, 'destination.yaml')) });
    expect(diagnostics).toEqual([]);
    expect(JSON.parse(BUILT_IN_CARDS[type] ?? '')).toEqual(card);
  }
});

test('the documented rules of Campaign stand in its card as data', () => {
  const card = loadCatalogue({}).find('adobe-campaign-managed-services')?.card as DestinationCard;
  expect(effectiveLimit(card, 'segmentsPerInstance', {})).toMatchObject({ value: 25, level: 'error' });
  expect(effectiveLimit(card, 'segmentsPerInstance', { maxSegments: 50 })?.value).toBe(50);
  expect(effectiveLimit(card, 'fieldsPerSegment', undefined)?.value).toBe(20);
  expect(effectiveLimit(card, 'minIntervalHours', {})?.value).toBe(3);
  expect(effectiveLimit(card, 'fileNameCharacters', {})?.value).toBe(255);
  expect(effectiveLimit(card, 'fileBytes', {})).toBeUndefined();
  expect(card.exports).toEqual({ full: ['once', '24h', 'after-evaluation'], incremental: ['3h', '6h', '8h', '12h', '24h'] });
  expect(card.mapping?.statusColumn).toEqual({ name: 'segmentMembershipStatus', required: true, position: 'last', countsAsField: false });
  expect(card.file).toMatchObject({ formats: ['csv'], compressions: ['none', 'gzip'], lineBreaksInValues: 'space' });
});

test('cards of the project and of its packages are found, scoped ones too', () => {
  const folder = project({
    'destinations/acme-loyalty/destination.yaml': CARD('acme-loyalty'),
    'destinations/README.md': 'not a card',
    'node_modules/reconcile-destination-acme-sms/destination.yaml': CARD('acme-sms').replace('storage:', 'connector: connector.js\nstorage:'),
    'node_modules/reconcile-destination-acme-sms/connector.js': '',
    'node_modules/@acme/reconcile-destination-acme-push/destination.yaml': CARD('acme-push'),
    'node_modules/something-else/destination.yaml': 'not: a card',
  });
  const catalogue = loadCatalogue({ projectDirectory: folder });
  expect(catalogue.diagnostics).toEqual([]);
  expect(catalogue.types.filter((type) => type.startsWith('acme-'))).toEqual(['acme-loyalty', 'acme-push', 'acme-sms']);
  expect(catalogue.find('acme-loyalty')).toMatchObject({ origin: 'project', path: 'destinations/acme-loyalty/destination.yaml' });
  expect(catalogue.find('acme-loyalty')?.connectorPath).toBeUndefined();
  expect(catalogue.find('acme-sms')).toMatchObject({
    origin: 'package',
    connectorPath: join(folder, 'node_modules/reconcile-destination-acme-sms/connector.js'),
  });
});

test.each([
  [
    'an unknown key',
    (card: string) => card.replace('category: crm', 'category: crm\ndispalyName: x'),
    { code: 'RC1101', line: 6, column: 1, hint: 'did you mean `displayName`?' },
  ],
  ['a wrong value', (card: string) => card.replace('category: crm', 'category: crn'), { code: 'RC1103', line: 5, column: 11 }],
  ['a missing key', (card: string) => card.replace('category: crm\n', ''), { code: 'RC1102' }],
  ['broken YAML', (card: string) => card.replace('category: crm', 'category: [crm'), {}],
  ['a pattern that is none', (card: string) => card.replace('^[A-Z]{3}$', '^[A-Z'), { code: 'RC1350', line: 12 }],
  [
    'a required detail that is not described',
    (card: string) => card.replace('required: [program]', 'required: [progam]'),
    { code: 'RC1350', line: 10, hint: 'did you mean `program`?' },
  ],
  [
    'a required detail that only every object has',
    (card: string) => card.replace('required: [program]', 'required: [constructor]'),
    { code: 'RC1350', line: 10, message: '`constructor` is not among `details.properties`' },
  ],
  [
    'an example that does not hold',
    (card: string) => card.replace('program: ABC', 'program: abcd'),
    { code: 'RC1350', message: expect.stringContaining('the example does not hold') as string },
  ],
  ['an example of another kind', (card: string) => card.replace('kind: Destination\n', 'kind: Segment\n'), { code: 'RC1350' }],
  [
    'an example of another type',
    (card: string) => card.replace('    type: acme-loyalty\n', '    type: acme-crm\n'),
    { code: 'RC1350', message: 'the example has another type than `acme-loyalty`' },
  ],
  ['another type than its folder', (card: string) => card.replaceAll('type: acme-loyalty', 'type: acme-loyality'), { code: 'RC1350', line: 3, column: 7 }],
  [
    'a name of files with an unknown token',
    (card: string) => card.replace('storage:', 'file: {defaults: {name: "x_%SEGMNT_ID%"}}\nstorage:'),
    { code: 'RC1330', line: 7, column: 25, hint: 'did you mean `%SEGMENT_ID%`?' },
  ],
  [
    'a name of files without what it must hold',
    (card: string) => card.replace('storage:', 'file: {requiredNameTokens: [DESTINATION], fixed: {name: members}}\nstorage:'),
    { code: 'RC1331', line: 7, column: 57 },
  ],
  [
    'a fixed format that is not among the formats',
    (card: string) => card.replace('storage:', 'file: {formats: [csv], fixed: {format: json}}\nstorage:'),
    { code: 'RC1335', line: 7, column: 40 },
  ],
  [
    'no format of those that are allowed',
    (card: string) => card.replace('storage:', 'file: {formats: [json]}\nstorage:'),
    { code: 'RC1350', line: 7, hint: 'set `file.defaults.format`' },
  ],
  [
    'a default that is fixed otherwise',
    (card: string) => card.replace('storage:', 'file: {defaults: {csv: {delimiter: ","}}, fixed: {csv: {delimiter: ";"}}}\nstorage:'),
    { code: 'RC1337', line: 7, column: 24, message: '`file.fixed` says otherwise about `csv`' },
  ],
  [
    'CSV that nobody could read back',
    (card: string) => card.replace('storage:', "file: {fixed: {csv: {delimiter: '\"'}}}\nstorage:"),
    { code: 'RC1339', line: 7, column: 21 },
  ],
  [
    'a default of a detail that is none',
    (card: string) => card.replace('maximum: 9', 'maximum: 9, default: 10'),
    { code: 'RC1350', line: 14, message: '`default` must be at least 1 and at most 9, got 10' },
  ],
  [
    'an example of a detail that is none',
    (card: string) => card.replace('{type: string,', '{type: string, examples: [ABC, abc],'),
    { code: 'RC1350', line: 12, column: 45, hint: 'three capital letters' },
  ],
  [
    'a status column that is no column',
    (card: string) => card.replace('storage:', 'mapping: {targetPattern: "^[a-z]+$", statusColumn: {name: Status}}\nstorage:'),
    { code: 'RC1350', line: 7, message: '`Status` does not match `mapping.targetPattern`' },
  ],
  ['a secret that has a type', (card: string) => card.replace('{secret: true}', '{type: string, secret: true}'), { code: 'RC1350', line: 13 }],
  ['a detail that is neither', (card: string) => card.replace('{secret: true}', '{title: Key}'), { code: 'RC1350', line: 13 }],
  ...[
    '{type: array, items: {type: string, pattern: "["}}',
    '{type: object, additionalProperties: {type: string, pattern: "["}}',
    '{type: object, properties: {a: {type: string, pattern: "["}}}',
  ].map(
    (inner) =>
      [
        `a pattern that is none in ${inner}`,
        (card: string) => card.replace('{secret: true}', inner),
        { code: 'RC1350', line: 13, message: '`[` is not a regular expression' },
      ] as const,
  ),
  [
    'a pattern of targets that is none',
    (card: string) => card.replace('storage:', 'mapping: {targetPattern: "["}\nstorage:'),
    { code: 'RC1350', line: 7, message: '`[` is not a regular expression' },
  ],
  [
    'a limit that a detail raises which is not described',
    (card: string) => card.replace('storage:', 'limits: {fieldsPerSegment: {value: 9, raisedBy: limt}}\nstorage:'),
    { code: 'RC1350', line: 7, hint: 'did you mean `limit`?' },
  ],
  [
    'a limit over instances that nothing names',
    (card: string) => card.replace('storage:', 'limits: {segmentsPerInstance: {value: 9, instance: instance}}\nstorage:'),
    { code: 'RC1350', line: 7, message: '`instance` is not among `details.properties`' },
  ],
  ...(
    [
      ['limits: {fieldsPerSegment: 20}', 'a limit is a map, such as {value: 20}', 'found `20`'],
      ['limits: {segmentsPerInstance: 25}', 'such as {value: 25, instance: KEY}', 'found `25`'],
      ['limits: {segmentNameCharacters: "<>"}', 'such as {forbidden: "<>"}', 'found the text `<>`'],
      ['file: csv', 'such as {formats: [csv]', 'found the text `csv`'],
    ] as const
  ).map(
    ([written, message, hint]) =>
      [
        `${written}, which is a map,`,
        (card: string) => card.replace('storage:', `${written}\nstorage:`),
        { code: 'RC1104', line: 7, message: expect.stringContaining(message) as string, hint },
      ] as const,
  ),
  [
    'a number in quotes',
    (card: string) => card.replace('storage:', 'limits: {fieldsPerSegment: {value: "20"}}\nstorage:'),
    { code: 'RC1104', line: 7, hint: 'write the number alone, without quotes: 20' },
  ],
  [
    'two manifests as an example',
    (card: string) => `${card}  ---\n${card.slice(card.indexOf('  apiVersion'))}`,
    { code: 'RC1350', message: 'the example is not one Destination manifest' },
  ],
  ['files alone that are to be imported', (card: string) => card.replace('storage:', 'import: {}\nstorage:'), { code: 'RC1350' }],
  ['the type of a built-in', () => CARD('sftp'), { code: 'RC1350' }],
  ['bytes that are no text', () => '\u0000', { code: 'RC1002' }],
  ['nothing', () => '', { code: 'RC1350', message: 'the card is empty' }],
] as const)('%s in a card is told with its place, and the type is not there', (_name, edit, expected) => {
  const folder = project({ 'destinations/acme-loyalty/destination.yaml': edit(CARD('acme-loyalty')) });
  const catalogue = loadCatalogue({ projectDirectory: folder });
  expect(catalogue.diagnostics[0]).toMatchObject({ severity: 'error', file: 'destinations/acme-loyalty/destination.yaml', ...expected });
  expect(catalogue.diagnostics[0]?.line).toBeGreaterThan(0);
  expect(catalogue.find('acme-loyalty')).toBeUndefined();
  const wrong = { code: 'RC1359', message: expect.stringContaining('does not hold') as string };
  expect(explainUnknownType(catalogue, 'acme-loyalty')).toMatchObject({ ...wrong, hint: expect.stringContaining('destinations/acme-loyalty/dest') as string });
});

test('a connector that is not there, or that Node.js does not run there, is told at its line', () => {
  const folder = project({
    'destinations/acme-push/destination.yaml': CARD('acme-push').replace('storage:', 'connector: push.js\nstorage:'),
    'node_modules/reconcile-destination-acme-sms/destination.yaml': CARD('acme-sms').replace('storage:', 'connector: sms.ts\nstorage:'),
    'node_modules/reconcile-destination-acme-sms/sms.ts': 'export default 1',
    'destinations/acme-crm/destination.yaml': CARD('acme-crm').replace('storage:', 'connector: ../acme-push/push.js\nstorage:'),
  });
  const catalogue = loadCatalogue({ projectDirectory: folder });
  expect(catalogue.diagnostics).toMatchObject([
    { code: 'RC1103', file: 'destinations/acme-crm/destination.yaml', line: 7 },
    { code: 'RC1360', file: 'destinations/acme-push/destination.yaml', line: 7, message: expect.stringContaining('is not there') as string },
    { code: 'RC1360', line: 7, message: expect.stringContaining('is TypeScript') as string },
  ]);
  expect(catalogue.types.filter((type) => type.startsWith('acme-'))).toEqual([]);
});

test('what cannot be read as a card is told, and everything else is there', () => {
  const folder = project({
    'destinations/folder/destination.yaml/x': '',
    'destinations/huge/destination.yaml': '#'.repeat(2_000_000),
    'destinations/acme-loyalty/destination.yaml': CARD('acme-loyalty'),
    'node_modules/reconcile-destination-file': 'no folder',
    'node_modules/@acme': 'no folder',
  });
  symlinkSync('.', join(folder, 'destinations/loop'));
  symlinkSync('nowhere', join(folder, 'destinations/dangling'));
  const { diagnostics, types } = loadCatalogue({ projectDirectory: folder });
  expect(diagnostics.map(({ message, file }) => [file, message])).toEqual([
    ['destinations/folder/destination.yaml', 'the card cannot be read: it is a folder'],
    ['destinations/huge/destination.yaml', 'the card cannot be read: it has 2000000 bytes, at most 1048576 go'],
    ['node_modules/reconcile-destination-file/destination.yaml', 'the package has no card'],
  ]);
  expect(types).toContain('acme-loyalty');
});

test('a name that is taken is refused: it must never change whose rules hold', () => {
  const folder = project({
    'destinations/sftp/destination.yaml': CARD('sftp'),
    'destinations/acme-sms/destination.yaml': CARD('acme-sms'),
    'node_modules/reconcile-destination-acme-sms/destination.yaml': CARD('acme-sms'),
    'node_modules/reconcile-destination-empty/package.json': '{}',
  });
  const catalogue = loadCatalogue({ projectDirectory: folder });
  expect(catalogue.diagnostics.map(({ code, file }) => [code, file])).toEqual([
    ['RC1351', 'destinations/sftp/destination.yaml'],
    ['RC1351', 'node_modules/reconcile-destination-acme-sms/destination.yaml'],
    ['RC1350', 'node_modules/reconcile-destination-empty/destination.yaml'],
  ]);
  expect(catalogue.find('sftp')?.origin).toBe('built-in');
});

test('an unknown type: the nearest, or all; names of Object are none', () => {
  const catalogue = loadCatalogue({});
  expect(explainUnknownType(catalogue, 'adobe-campain').hint).toContain('adobe-campaign');
  expect(explainUnknownType(catalogue, 'zzzzzzzz').hint).toContain('one of adobe-campaign');
  expect(catalogue.find('constructor')).toBeUndefined();
  expect(catalogue.find('__proto__')).toBeUndefined();
});

test('finding a built-in card costs next to nothing', () => {
  const started = performance.now();
  for (let round = 0; round < 50; round += 1) loadCatalogue({}).find('adobe-campaign-managed-services');
  expect((performance.now() - started) / 50).toBeLessThan(3);
});
