import { afterAll, beforeAll, expect, test } from 'vitest';
import { reconcile } from '../support/reconcile.ts';
import { createTempProject, type TempProject } from '../support/temp-project.ts';

const MANIFESTS = `apiVersion: reconcile/v1
kind: Source
metadata: {name: s}
spec: {engine: duckdb, datasets: {p: {path: p.csv}}}
---
apiVersion: reconcile/v1
kind: Attributes
metadata: {name: p}
spec:
  source: s
  dataset: p
  identities: {id: {column: id, primary: true}}
  fields:
    weird: {column: 'we"ird', type: string}
    select: {column: select, type: string}
    and.or: {column: select, type: string}
    now: {column: select, type: string}
    count: {column: n, type: integer}
    exact: {column: n, type: "decimal(22,2)"}
---
apiVersion: reconcile/v1
kind: Attributes
metadata: {name: q}
spec: {source: s, dataset: p, identities: {id: {column: id, primary: true}}, fields: {count: {column: id, type: integer}}}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: third}
spec: {attributes: q, pql: 'count = 3'}
`;

let project: TempProject;
beforeAll(() => {
  project = createTempProject({
    'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: hostile}\nspec: {}\n',
    'manifests/all.yaml': MANIFESTS,
    'p.csv': `id,"we""ird",select,n\n1,it's,b,1\n2,,,\n3,a😀\u202e,😀,9223372036854775807\n`,
  });
});
afterAll(() => project[Symbol.dispose]());

/** How many are members, or the code of the error with its exit code; an error of ours would be RC9000. */
async function preview(pql: string): Promise<string> {
  const { code, stdout } = await reconcile(['-C', project.directory, 'preview', '--json', '--attributes', 'p', '--pql', pql]);
  const result = JSON.parse(stdout) as { readonly members?: number; readonly diagnostics?: readonly { readonly code: string }[] };
  return code === 0 ? `${result.members ?? '?'} members` : `${result.diagnostics?.[0]?.code ?? '?'} exit ${code}`;
}

test.each([
  ['attributes named like keywords', '$1.select = "b" and $1.and.or = "b" and $1.now = "b" and count = 1', '1 members'],
  ['quotes, emoji, marks of direction', `weird = "it's" or weird = "a\\ud83d\\ude00\\u202e"`, '2 members'],
  ['SQL in a text', `weird = "'; drop table profile; --" or weird = "\\"; --"`, '0 members'],
  ['the largest number', 'count = 9223372036854775807', '1 members'],
  ['a larger one', 'count = 9223372036854775808', 'RC1208 exit 64'],
  ['arithmetic that overflows', 'count * 3 > 1', 'RC2008 exit 1'],
  ['a decimal finer than the engine holds beside the other', 'exact > 0.00000000000000000000000000000000000001', 'RC2008 exit 1'],
  ['a pattern for JavaScript alone', 'weird.matches("(?<n>a)")', 'RC1214 exit 64'],
  ['a pattern for RE2 alone', 'weird.matches("(?P<n>[[:alpha:]])")', '2 members'],
  ['a pattern that RE2 cannot hold', 'weird.matches("\\\\p{L}{900}")', 'RC1214 exit 64'],
  ['a character that no text holds', 'weird = "a\\u0000b"', 'RC1208 exit 64'],
  ['a thousand or', Array.from({ length: 1000 }, (_, index) => `count = ${index}`).join(' or '), '1 members'],
  ['ten thousand items', `count in [${Array.from({ length: 10_000 }, (_, index) => index).join(', ')}]`, '1 members'],
  ['ten thousand characters of brackets', `${'('.repeat(5000)}count = 1${')'.repeat(5000)}`, 'RC1202 exit 64'],
  ['a segment over other Attributes, whose `count` is another column', 'inSegment("third")', 'RC1213 exit 64'],
  ['a hundred brackets', `${'('.repeat(100)}count = 1${')'.repeat(100)}`, '1 members'],
])('%s', async (_, pql, expected) => {
  expect(await preview(pql)).toBe(expected);
});
