import { array, assert, constantFrom, nat, property, tuple, type Arbitrary } from 'fast-check';
import { cpSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { affectedPairs } from '../../../src/apply/affected-pairs.ts';
import { segmentReferences } from '../../../src/apply/segment-references.ts';
import { createStarterProject } from '../../../src/cli/starter-project.ts';
import type { Change } from '../../../src/model/plan.ts';
import { sha256 } from '../../../src/support/digest.ts';
import { recallOutcome, type Outcome } from '../../../src/validate/outcome.ts';
import { openProjectCache } from '../../../src/validate/project-cache.ts';
import { readManifestFiles } from '../../../src/validate/read-files.ts';
import { validateProject, type ValidatedProject } from '../../../src/validate/validate-project.ts';
import { createTempProject, type TempProject } from '../../support/temp-project.ts';

const SEGMENTS = 300;

function bigProject(): TempProject {
  const project = createTempProject(Object.fromEntries(createStarterProject('big', 0)));
  for (let number = 0; number < SEGMENTS; number += 1) project.write(`manifests/many/s${number}.yaml`, segment(number, 'income > 5'));
  return project;
}

function segment(number: number, pql: string): string {
  return `apiVersion: reconcile/v1\nkind: Segment\nmetadata:\n  name: s-${number}\n  description: ${'what it is for '.repeat(20)}\nspec: {attributes: customer, pql: '${pql}'}\n`;
}

function validate({ directory }: TempProject): ValidatedProject {
  return validateProject({ directory, environment: undefined, variables: {} });
}

function recall({ directory }: TempProject): Outcome | undefined {
  return recallOutcome({ directory, environment: undefined, variables: {} }, openProjectCache(directory));
}

/** As if the manifests had been written long ago: only then are their times believed. */
function laterBy(ms: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms });
}

/** Two writes within one tick of the file system's clock could not be told apart; what is that young is otherwise not believed. */
function waitForTick(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 12);
}

afterEach(() => void vi.useRealTimers());

test('a second run finds the same, and the folder of the cache is private and ignored', () => {
  using project = bigProject();
  const first = validate(project);
  const second = validate(project);

  expect(first.diagnostics).toEqual([]);
  expect(second.resources).toEqual(first.resources);
  expect(second.diagnostics).toEqual([]);
  expect(statSync(join(project.directory, '.reconcile')).mode & 0o777).toBe(0o700);
  expect(project.read('.reconcile/.gitignore')).toBe('*\n');
  for (const path of CACHES) expect(project.read(path)).not.toContain(project.directory);
});

test('a changed file is read again, and an error in it is told each time', () => {
  using project = bigProject();
  validate(project);
  project.write('manifests/many/s7.yaml', segment(7, 'income > 6'));

  expect(validate(project).index.find('Segment', 's-7')?.spec.pql).toBe('income > 6');

  project.write('manifests/many/s7.yaml', segment(7, 'x').replace('pql', 'pqll'));

  for (const _ of [1, 2]) expect(validate(project).diagnostics.map(({ file }) => file)).toEqual(['manifests/many/s7.yaml', 'manifests/many/s7.yaml']);
});

const CACHES = ['.reconcile/cache/outcome', '.reconcile/cache/manifests'];

test.each(CACHES)('%s that is cut, changed by a bit or of another program is no cache', (path) => {
  using project = bigProject();
  const first = validate(project);
  const bytes = readFileSync(join(project.directory, path));
  const flipped = Buffer.from(bytes);
  flipped.writeUInt8(flipped.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1);
  const content = bytes.subarray(64);
  const other = Buffer.concat([Buffer.from(sha256(`another ${sha256(content)}`)), content]);
  for (const damaged of ['', '{', 'null', bytes.subarray(0, bytes.length - 9), flipped, other]) {
    project.write(path, damaged);
    expect(validate(project).resources).toEqual(first.resources);
    expect(readFileSync(join(project.directory, path)).equals(Buffer.from(damaged))).toBe(false);
  }
});

test('a copy of the project uses the copied cache; a folder that cannot be written works without', () => {
  using project = bigProject();
  using copy = createTempProject();
  const first = validate(project);
  cpSync(project.directory, copy.directory, { recursive: true });
  expect(validate(copy).resources).toEqual(first.resources);
  expect(recall(copy)).toMatchObject({ resourceCount: first.resources.length });

  rmSync(join(copy.directory, '.reconcile'), { recursive: true });
  // Not even root can make a folder where a file is.
  copy.write('.reconcile', 'a file');
  expect(validate(copy)).toMatchObject({ ok: true });
  expect(copy.read('.reconcile')).toBe('a file');
});

test('a project file that has become a folder is told as it is without a cache', () => {
  using project = bigProject();
  validate(project);
  rmSync(join(project.directory, 'reconcile.yaml'));
  project.write('reconcile.yaml/inside', '');

  expect(() => recall(project)).toThrow(expect.objectContaining({ code: 'RC1001', exit: 8 }));
});

test('an edit of the same length whose time was set back is noticed', () => {
  using project = bigProject();
  laterBy(60_000);
  validate(project);
  const file = join(project.directory, 'manifests/many/s7.yaml');
  expect(validate(project).index.find('Segment', 's-7')?.spec.pql).toBe('income > 5');
  const { atime, mtime, size } = statSync(file);
  waitForTick();
  project.write('manifests/many/s7.yaml', segment(7, 'income > 6'));
  utimesSync(file, atime, mtime);

  expect(statSync(file).size).toBe(size);
  expect(recall(project)).toBeUndefined();
  expect(validate(project).index.find('Segment', 's-7')?.spec.pql).toBe('income > 6');
});

test('a file that has not changed is read only when its bytes are asked for', () => {
  using project = createTempProject({ 'm/a.yaml': 'a: 1\n', 'm/b.yaml': 'b: 1\n' });
  const remembered: string[] = [];
  const { files } = readManifestFiles(project.directory, ['m'], {
    digestOfUnchanged: (path) => (path === 'm/a.yaml' ? 'known' : undefined),
    remember: (path) => void remembered.push(path),
  });

  expect(files.map(({ path, sha256 }) => `${path} ${sha256.slice(0, 5)}`)).toEqual(['m/a.yaml known', expect.stringMatching(/^m\/b.yaml [0-9a-f]{5}$/)]);
  expect(remembered).toEqual(['m/b.yaml']);
  expect(Buffer.from(files[0]?.bytes ?? []).toString()).toBe('a: 1\n');
  expect(files[0]?.sha256).toBe(sha256('a: 1\n'));
});

const head = (kind: string, name: string): string => `apiVersion: reconcile/v1\nkind: ${kind}\nmetadata: {name: ${name}}\n`;
const people = (fields: string, title = 'People'): string =>
  `apiVersion: reconcile/v1\nkind: Attributes\nmetadata: {name: person, title: ${title}}\nspec: {source: shop, dataset: people, identities: {crmId: {column: id, primary: true}}, fields: {${fields}}}\n`;
const pql = (name: string, text: string, attributes = 'person'): string => `${head('Segment', name)}spec: {attributes: ${attributes}, pql: '${text}'}\n`;
const activation = (name: string, segments: string, more = '', destination = 'outbox'): string =>
  `${head('Activation', name)}spec: {destination: ${destination}, segments: [${segments}], mapping: [{source: identityMap.crmId, target: id}], schedule: {every: 6h, start: 2026-12-01}${more}}\n`;
const outbox = (type: string, name = 'outbox'): string => `${head('Destination', name)}spec: {type: ${type}, storage: {type: local, path: out}}\n`;
const INCOME = 'income: {column: income, type: integer}';

/** What each file may say, or not be there: names that others need, errors of every kind, the same length with another meaning. */
const VARIANTS: Readonly<Record<string, readonly (string | undefined)[]>> = {
  'a.yaml': [people(INCOME), people(INCOME, 'Folks!'), people('income: {column: income, type: string}'), people('wage: {column: income, type: integer}')],
  'b.yaml': [
    pql('rich', 'income > 5'),
    pql('rich', 'income > 6'),
    pql('rich', 'incomes > 6'),
    pql('rich', 'income > ${var.limit}'),
    pql('rich', 'inSegment("poor")'),
    pql('richer', 'income > 5'),
    undefined,
  ],
  'c.yaml': [pql('poor', 'income < 5'), pql('poor', 'not inSegment("rich")'), pql('rich', 'income > 5'), 'kind: [', pql('poor', 'income < 5', 'nobody')],
  'd.yaml': [activation('letter', 'rich'), activation('letter', 'rich, poor'), activation('letter', 'rich', ', file: {name: all_%TIMESTAMP%}'), undefined],
  'e.yaml': [
    activation('mail', 'poor', ', file: {name: "%SEGMENT_ID%_x_%TIMESTAMP%"}'),
    activation('mail', 'rich', ', file: {name: all_%TIMESTAMP%}'),
    activation('mail', 'poor', '', 'inbox'),
    `${head('Activation', 'mail')}spec: {destination: outbox}\n`,
  ],
  'f.yaml': [outbox('local-directory'), outbox('sftp'), outbox('unheard-of'), outbox('local-directory', 'inbox'), undefined],
};
const FILES = Object.keys(VARIANTS);

type Edit = readonly [what: 'write' | 'swap' | 'touch' | 'limit', file: number, other: number];

const edits: Arbitrary<readonly Edit[]> = array(
  tuple(constantFrom('write', 'write', 'write', 'write', 'swap', 'touch', 'limit'), nat(FILES.length - 1), nat(6)),
  { minLength: 4, maxLength: 12 },
);

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 25);

test('whatever is edited, the cache never changes what is found', { timeout: 4_800 * RUNS }, () => {
  laterBy(60_000);
  assert(
    property(edits, (sequence) => {
      using project = createTempProject({
        'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: tiny}\nspec: {}\n',
        'manifests/source.yaml': `${head('Source', 'shop')}spec: {engine: duckdb, datasets: {people: {path: people.csv}}}\n`,
      });
      // Enough to be worth a cache, and few enough that single edits are worth writing.
      for (let number = 0; number < 30; number += 1)
        project.write(`manifests/z${number}.yaml`, `${pql(`z-${number}`, 'income > 1')}${`# ${'padding '.repeat(30)}\n`.repeat(11)}`);
      const texts = new Map<string, string | undefined>();
      const put = (file: string, text: string | undefined): void => {
        texts.set(file, text);
        if (text === undefined) rmSync(join(project.directory, 'manifests', file), { force: true });
        else project.write(`manifests/${file}`, text);
      };
      for (const file of FILES) put(file, VARIANTS[file]?.[0]);
      let limit = '1';
      compareWithUncached(project, limit);
      for (const [what, index, other] of sequence) {
        const file = FILES[index] ?? '';
        const second = FILES[other % FILES.length] ?? '';
        waitForTick();
        if (what === 'write') put(file, VARIANTS[file]?.[other % (VARIANTS[file].length || 1)]);
        else if (what === 'limit') limit = limit === '1' ? '22' : '1';
        else if (what === 'swap') {
          const [one, two] = [texts.get(file), texts.get(second)];
          put(file, two);
          put(second, one);
        } else if (texts.get(file) !== undefined) utimesSync(join(project.directory, 'manifests', file), 1, 1);
        compareWithUncached(project, limit);
      }
    }),
    { numRuns: RUNS },
  );
});

function compareWithUncached({ directory }: TempProject, limit: string): void {
  const options = { directory, environment: undefined, variables: { limit } };
  const uncached = validateProject(options, openProjectCache('/dev/null'));
  const recalled = recallOutcome(options, openProjectCache(directory));
  if (recalled !== undefined)
    expect([true, recalled.resourceCount, recalled.diagnostics]).toEqual([uncached.ok, uncached.resources.length, uncached.diagnostics]);
  const cached = validateProject(options);
  expect(cached.diagnostics).toEqual(uncached.diagnostics);
  expect(cached.resources).toEqual(uncached.resources);
  if (!cached.ok) return;
  expect(recallOutcome(options, openProjectCache(directory))).toMatchObject({ diagnostics: uncached.diagnostics });
  // Who is touched, with what the checks looked at and without.
  for (const { kind, metadata } of uncached.resources) {
    const changes = [{ action: 'update', kind, name: metadata.name }] as unknown as readonly Change[];
    const pairs = affectedPairs(changes, cached.resources, segmentReferences, cached.refersTo);
    expect(pairs).toEqual(affectedPairs(changes, uncached.resources, segmentReferences));
  }
}
