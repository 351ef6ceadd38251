import { readFileSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createStarterProject } from '../../../src/cli/starter-project.ts';
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

test('a second run finds the same, and the folder of the cache is private and ignored', () => {
  using project = bigProject();
  const first = validate(project);
  const second = validate(project);

  expect(first.diagnostics).toEqual([]);
  expect(second.resources).toEqual(first.resources);
  expect(second.diagnostics).toEqual([]);
  expect(statSync(join(project.directory, '.reconcile')).mode & 0o777).toBe(0o700);
  expect(project.read('.reconcile/.gitignore')).toBe('*\n');
  expect(readFileSync(join(project.directory, '.reconcile/cache/manifests.json'), 'utf8')).not.toContain(project.directory);
});

test('a changed file is read again, and an error in it is told each time', () => {
  using project = bigProject();
  validate(project);
  project.write('manifests/many/s7.yaml', segment(7, 'income > 6'));

  expect(validate(project).index.find('Segment', 's-7')?.spec.pql).toBe('income > 6');

  project.write('manifests/many/s7.yaml', segment(7, 'x').replace('pql', 'pqll'));

  for (const _ of [1, 2]) expect(validate(project).diagnostics.map(({ file }) => file)).toEqual(['manifests/many/s7.yaml', 'manifests/many/s7.yaml']);
});

test.each(['', '{', 'null', '[]', '{"version":"0","files":{},"passed":[]}', '{"version":1}'])('a cache that is %j is no cache', (text) => {
  using project = bigProject();
  validate(project);
  project.write('.reconcile/cache/manifests.json', text);

  expect(validate(project)).toMatchObject({ ok: true, diagnostics: [] });
});

test('an edit of the same length whose time was set back is noticed', () => {
  using project = bigProject();
  validate(project);
  const cache = join(project.directory, '.reconcile/cache/manifests.json');
  const file = join(project.directory, 'manifests/many/s7.yaml');
  // As if the cache were written long after the files.
  const later = new Date(Date.now() + 60_000);
  utimesSync(cache, later, later);
  expect(validate(project).index.find('Segment', 's-7')?.spec.pql).toBe('income > 5');
  utimesSync(cache, later, later);
  const { atime, mtime, size } = statSync(file);
  project.write('manifests/many/s7.yaml', segment(7, 'income > 6'));
  utimesSync(file, atime, mtime);

  expect(statSync(file).size).toBe(size);
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
});
