import { chmodSync, lstatSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createStarterProject } from '../../../src/cli/starter-project.ts';
import { formatProject } from '../../../src/validate/format-project.ts';
import { createTempProject } from '../../support/temp-project.ts';

const MESSY = "kind: Segment # kept\napiVersion: reconcile/v1\nspec: {pql: 'income > 5', attributes: customer}\nmetadata: {name: x}\n";
const NEAT = "apiVersion: reconcile/v1\nkind: Segment # kept\nmetadata: {name: x}\nspec: {attributes: customer, pql: 'income > 5'}\n";

function options(directory: string): Parameters<typeof formatProject>[0] {
  return { directory, environment: undefined, variables: {} };
}

test('--check names what would change and changes nothing; writing changes that and no more', () => {
  using project = createTempProject({ ...Object.fromEntries(createStarterProject('p', 0)), 'manifests/x.yaml': MESSY, 'environments/prod.yaml': 'a:   1\n' });
  chmodSync(join(project.directory, 'manifests/x.yaml'), 0o640);

  expect(formatProject(options(project.directory), 'check')).toEqual({
    changed: ['environments/prod.yaml', 'manifests/x.yaml'],
    fileCount: 6,
    diagnostics: [],
  });
  expect(project.read('manifests/x.yaml')).toBe(MESSY);

  formatProject(options(project.directory), 'write');

  expect(project.read('manifests/x.yaml')).toBe(NEAT);
  expect(statSync(join(project.directory, 'manifests/x.yaml')).mode & 0o777).toBe(0o640);
  expect(readdirSync(join(project.directory, 'manifests'))).toEqual(['newsletter.yaml', 'segments.yaml', 'shop.yaml', 'x.yaml']);
  expect(formatProject(options(project.directory), 'write').changed).toEqual([]);
});

test('a broken file is told and left alone, the others are formatted', () => {
  using project = createTempProject({ ...Object.fromEntries(createStarterProject('p', 0)), 'manifests/x.yaml': MESSY, 'manifests/y.yaml': 'a: {' });
  const { changed, diagnostics } = formatProject(options(project.directory), 'write');

  expect(changed).toEqual(['manifests/x.yaml']);
  expect(diagnostics.map(({ code, file }) => `${code} ${file}`)).toEqual(['RC1003 manifests/y.yaml']);
  expect(project.read('manifests/y.yaml')).toBe('a: {');
});

test('a link stays a link', () => {
  using project = createTempProject({ ...Object.fromEntries(createStarterProject('p', 0)), 'shared/x.yaml': MESSY });
  symlinkSync('../shared/x.yaml', join(project.directory, 'manifests/x.yaml'));
  formatProject(options(project.directory), 'write');

  expect(lstatSync(join(project.directory, 'manifests/x.yaml')).isSymbolicLink()).toBe(true);
  expect(project.read('shared/x.yaml')).toBe(NEAT);
});
