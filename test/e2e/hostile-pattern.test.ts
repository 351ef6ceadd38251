import { afterAll, beforeAll, expect, test } from 'vitest';
import { reconcile, type Ended } from '../support/reconcile.ts';
import { createTempProject, type TempProject } from '../support/temp-project.ts';

const LONG = `${'a'.repeat(5000)}!`;
const PATTERNS = ['^(a+)+$', '(a|aa)+$', '^([a-zA-Z]+)*$', '^(([a-z])+.)+[A-Z]([a-z])+$'];
const DEADLINE_MS = 60_000;

const rest = (pattern: string): string => `apiVersion: reconcile/v1
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
  fields: {name: {column: name, type: string}}
---
apiVersion: reconcile/v1
kind: Destination
metadata: {name: out}
spec: {type: local-directory, storage: {type: local, path: out}}
---
apiVersion: reconcile/v1
kind: Activation
metadata: {name: all}
spec:
  destination: out
  segments: [hostile]
  mapping:
    - {source: identityMap.id, target: id}
    - source: name
      target: name
      expect: {pattern: '${pattern}'}
  export: full
  schedule: {every: 24h, at: "02:00", start: 2026-01-01}
`;
const segment = (condition: string): string => `apiVersion: reconcile/v1
kind: Segment
metadata: {name: hostile}
spec:
  attributes: p
  pql: '${condition}'
  tests:
    - {name: long, profile: {name: ${LONG}}, member: false}
`;

let project: TempProject;
beforeAll(() => {
  project = createTempProject({
    'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: hostile}\nspec: {}\n',
    'manifests/rest.yaml': rest('(a+)+$'),
    'manifests/segment.yaml': segment(
      `${PATTERNS.map((pattern) => `name.matches("${pattern}")`).join(' or ')} or name.regexGroup("^(a+)+${'$'}", 1).isNotNull()`,
    ),
    'p.csv': `id,name\n1,${LONG}\n2,aa\n`,
  });
});
afterAll(() => project[Symbol.dispose]());

/** The command, ended by force when it takes too long: a regular expression that tries everything does not listen to signals. */
async function within(...args: readonly string[]): Promise<Ended> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await reconcile(['-C', project.directory, ...args], {
      started: (pid) => (timer = setTimeout(() => process.kill(pid, 'SIGKILL'), DEADLINE_MS)),
    });
  } finally {
    clearTimeout(timer);
  }
}

test(
  'patterns that make others try for ever hold up no command',
  async () => {
    expect(await within('validate')).toMatchObject({ code: 0, signal: null });
    expect(await within('test')).toMatchObject({ code: 0, signal: null, stdout: expect.stringContaining('1 of 1 test passed') as string });
    expect(await within('apply', '--auto-approve', '--no-input')).toMatchObject({ code: 0, signal: null });
    const { stdout } = await within('evaluate', 'hostile', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ segments: [{ segment: 'hostile', members: 1 }] });
    expect(await within('explain', 'hostile', '--member', '1')).toMatchObject({ code: 0, signal: null });
    expect(await within('explain', 'all', '--member', '2')).toMatchObject({ code: 0, signal: null });
  },
  7 * DEADLINE_MS,
);

test('what the engine would refuse is told where it stands, in a segment and in an expectation', async () => {
  using broken = createTempProject({
    'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: hostile}\nspec: {}\n',
    'manifests/rest.yaml': rest('(?<n>a)'),
    'manifests/segment.yaml': segment('name = "b" or name.matches("a++")'),
    'p.csv': 'id,name\n',
  });
  const { code, stderr } = await reconcile(['-C', broken.directory, 'validate']);
  expect(code).toBe(8);
  expect(stderr).toContain('manifests/segment.yaml:6:36');
  expect(stderr).toContain('the pattern cannot be read: `++` repeats a repetition');
  expect(stderr).toContain('manifests/rest.yaml:30:');
  expect(stderr).toContain('the pattern cannot be read: `(?<` is no name of a group');
});
