import { expect, test } from 'vitest';
import { reconcile } from '../support/reconcile.ts';
import { PEOPLE_SOURCE } from '../support/shop-project.ts';
import { createTempProject } from '../support/temp-project.ts';

const PROJECT = 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: places}\nspec: {}\n';
const PEOPLE = `${PEOPLE_SOURCE}
---
apiVersion: reconcile/v1
kind: Attributes
metadata: {name: person}
spec:
  source: shop
  dataset: people
  identities: {crmId: {column: id, primary: true}}
  fields: {name: {column: n, type: string}, income: {column: i, type: integer}, home.city: {column: c, type: string}}
`;

/** How a condition may be written in YAML, each with the words that are wrong in it, in order. */
const STYLES: Readonly<Record<string, { readonly spec: string; readonly wrong: readonly string[] }>> = {
  plain: { spec: 'pql: incme > 1 and name = 3 and income 5', wrong: ['incme', '3', '5'] },
  'plain, over lines': { spec: 'pql: income > 1\n    and incme > 2\n\n    and name == "a"', wrong: ['incme', '=='] },
  'single quotes': { spec: `pql: 'name = "it''s 😀" and incme = 1 and name = ''x'' '`, wrong: ['incme', "''x''"] },
  'single quotes, over lines': { spec: `pql: 'name = "a"\n\n     and incme = 1\n     or name ='`, wrong: ['incme', '='] },
  'double quotes': { spec: String.raw`pql: "name = \"\u00e9\x41\U0001F600\\n\" and\tincme == 1"`, wrong: ['incme', '=='] },
  'double quotes, over lines': { spec: 'pql: "income > 1 \\\n     and incme > 2\n     and name > 3"', wrong: ['incme', '3'] },
  literal: { spec: 'pql: |\n    name = "a"\n\n      and (incme = 1\n    or name = 3) and income 5', wrong: ['incme', '3', '5'] },
  'literal, indentation told': { spec: 'pql: |2-\n      income > 1\n     and incme > 2 // x\n    and and name = 3', wrong: ['incme', 'and', '3'] },
  'literal, kept': { spec: 'pql: |+\n    incme > 1 &&\n    name < 3\n\n', wrong: ['incme', '&&', '3'] },
  folded: { spec: 'pql: >-\n    name = "a"\n    and incme = 1\n\n    and home.citi = "b"\n      and name = 5', wrong: ['incme', 'home.citi', '5'] },
  'folded, indentation told': { spec: 'pql: >1\n    name = "😀"\n    and incme = 1 and name % 2', wrong: ['incme', 'name'] },
  // A comment that swallows what stands on the next line of the manifest; one that loses nothing.
  'a comment, folded': { spec: 'pql: >\n    income > 1 // rich\n    and incme > 2', wrong: ['//'] },
  'a comment, plain over lines': { spec: 'pql: income > 1 and name = 3 // rich\n    and incme > 2', wrong: ['3', '//'] },
  'comments, folded': { spec: 'pql: >\n    incme > 1\n\n    // rich\n    // people\n\n    and name = 3 // named', wrong: ['incme', '3'] },
  'a comment before': { spec: 'pql: # what\n    incme = 1 and', wrong: ['incme', 'd'] },
};

function manifest(name: string, spec: string): string {
  return `apiVersion: reconcile/v1\nkind: Segment\nmetadata: {name: ${name}}\nspec:\n  attributes: person\n  ${spec}\n`;
}

interface Diagnostic {
  readonly code: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly length: number;
}

/** What a diagnostic points at; columns are characters, as editors count them. */
function pointedAt(text: string, { line, column, length }: Diagnostic): string {
  return Array.from(text.split(/\r?\n/)[line - 1] ?? '')
    .slice(column - 1, column - 1 + length)
    .join('');
}

test.each([
  ['LF', '\n'],
  ['CR LF', '\r\n'],
])('validate points at the very word, however the condition is written: %s', async (_, newline) => {
  const files = Object.fromEntries(
    Object.entries(STYLES).map(([_style, { spec }], index) => [`manifests/s${index}.yaml`, manifest(`s${index}`, spec).replaceAll('\n', newline)]),
  );
  files['manifests/flow.yaml'] =
    `{apiVersion: reconcile/v1, kind: Segment, metadata: {name: flow}, spec: {attributes: person, pql: 'incme = 1 and name'}}${newline}`;
  using project = createTempProject({ 'reconcile.yaml': PROJECT, 'manifests/a.yaml': PEOPLE, ...files });

  const { code, stdout } = await reconcile(['-C', project.directory, 'validate', '--json']);

  expect(code).toBe(8);
  const { diagnostics } = JSON.parse(stdout) as { readonly diagnostics: readonly Diagnostic[] };
  const found = (file: string): readonly string[] => diagnostics.filter((one) => one.file === file).map((one) => pointedAt(files[file] ?? '', one));
  for (const [index, [style, { wrong }]] of Object.entries(STYLES).entries()) expect(found(`manifests/s${index}.yaml`), style).toEqual(wrong);
  expect(found('manifests/flow.yaml')).toEqual(['incme', 'name']);
});
