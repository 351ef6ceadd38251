import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { reconcile } from '../support/reconcile.ts';
import { GERMAN, PEOPLE_SOURCE } from '../support/shop-project.ts';
import { createTempProject, type TempProject } from '../support/temp-project.ts';

const PACKAGE = 'node_modules/reconcile-destination-mute';
const FILES = {
  'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: e2e}\nspec: {}\n',
  'manifests/mute.yaml': 'apiVersion: reconcile/v1\nkind: Destination\nmetadata: {name: mute}\nspec: {type: mute, storage: {type: local, path: out}}\n',
  [`${PACKAGE}/package.json`]: '{"type": "module"}',
  [`${PACKAGE}/destination.yaml`]: `apiVersion: reconcile/v1
kind: DestinationCard
type: mute
displayName: Mute
category: other
description: A connector that says nothing.
connector: connector.js
storage: {kinds: [local]}
example: |
  apiVersion: reconcile/v1
  kind: Destination
  metadata: {name: mute}
  spec: {type: mute, storage: {type: local, path: out}}
`,
};
const WHOLE = 'prepare: async () => ({}), deliver: async () => ({ status: "imported" }), settle: async (batch, receipt) => receipt';

test.each([
  ['while it is loaded', 'console.log("here"); await new Promise(() => {}); export default async () => ({});'],
  ['while it is made', 'export default () => { console.log("here"); return new Promise(() => {}); };'],
  ['in its check', `export default async () => ({ check: () => { console.log("here"); return new Promise(() => {}); }, ${WHOLE} });`],
])('a connector that never ends, %s: the command ends at a signal all the same', async (_where, connector) => {
  using project = createTempProject({ ...FILES, [`${PACKAGE}/connector.js`]: connector });
  const started = Promise.withResolvers<number>();
  const ended = reconcile(['-C', project.directory, 'apply', '--auto-approve', '--no-input'], { started: started.resolve });
  const pid = await started.promise;
  // Long enough to be inside; one that came before would end as well, and assert the less.
  await sleep(4000);
  const from = Date.now();
  process.kill(pid, 'SIGTERM');

  expect(await ended).toMatchObject({ code: 143, signal: null, stderr: expect.stringMatching(/here[^]*SIGTERM/) as string });
  expect(Date.now() - from).toBeLessThan(20_000);
});

test('a connector that throws what cannot be made a text is told as broken, not as a bug', async () => {
  const evil = 'const evil = { toString() { throw new Error("again"); } };';
  for (const [connector, words] of [
    [`${evil} throw evil; export default 1;`, 'cannot be loaded: a value that is no error'],
    ['export default async () => ({ get check() { throw new Error("computed"); } });', 'failed in `createConnector`: Error: computed'],
    [`${evil} export default async () => { throw evil; };`, 'failed in `createConnector`: a value that is no error'],
  ] as const) {
    using project = createTempProject({ ...FILES, [`${PACKAGE}/connector.js`]: connector });
    const { code, stdout, stderr } = await reconcile(['-C', project.directory, 'doctor', 'mute']);
    expect([code, stdout + stderr]).toEqual([1, expect.stringContaining(words)]);
    expect(stdout + stderr).not.toContain('has a bug');
  }
});

/** With an activation; `body` is what the connector's `deliver` does. */
function deliveringProject(body: string): TempProject {
  return createTempProject({
    ...FILES,
    'people.csv': 'id,cc\n1,DE\n',
    'manifests/rest.yaml': `${PEOPLE_SOURCE}
---
apiVersion: reconcile/v1
kind: Attributes
metadata: {name: person}
spec: {source: shop, dataset: people, identities: {crmId: {column: id, primary: true}}, fields: {cc: {column: cc, type: string}}}
---
${GERMAN}
---
apiVersion: reconcile/v1
kind: Activation
metadata: {name: daily}
spec: {destination: mute, segments: [german], mapping: [{source: identityMap.crmId, target: key}], export: full, schedule: {every: 24h}}
`,
    [`${PACKAGE}/connector.js`]: `export default async (context) => ({ check: async () => [], ${WHOLE.replace('async () => ({ status: "imported" })', `async () => { ${body} }`)} });`,
  });
}

test('what a connector says acts on no terminal and is one line of a log', async () => {
  const words = String.raw`a\u001b[2Jb\n2026-12-01T00:00:00Z  all is well\u0007`;
  using project = deliveringProject(`context.log("warn", "${words}"); return { status: "import-failed", message: "${words}" };`);
  const call = (...args: readonly string[]): ReturnType<typeof reconcile> => reconcile(['-C', project.directory, '--now', '2026-12-03T01:00:00Z', ...args]);
  expect(await reconcile(['-C', project.directory, '--now', '2026-12-01T12:00:00Z', 'apply', '--auto-approve'])).toMatchObject({ code: 0 });
  const watched = await call('watch', '--once');
  const run = await call('run', 'daily');
  const [{ id = '' } = {}] = (JSON.parse((await call('runs', 'list', '--json')).stdout) as { runs: { id?: string }[] }).runs;
  const shown = await call('runs', 'show', id);
  for (const { stdout, stderr } of [run, watched, shown, await call('status')]) {
    expect((stdout + stderr).replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
    expect(stdout + stderr).not.toMatch(/^2026-12-01T00:00:00Z  all is well/m);
  }
  expect([run.stdout, watched.stderr, shown.stdout].map((text) => text.includes('all is well'))).toEqual([true, true, true]);
}, 60_000);

test.each([
  ['throws an answer of megabytes', 'throw new Error(`${"y".repeat(2_000_000)}`);', /`deliver`: Error: y+… \(\d+ characters\) \(connector\.js:\d+:\d+\)/],
  ['has an answer that fails when it is looked at', 'return { get status() { throw new Error("computed"); } };', /failed in `deliver`: Error: computed/],
  ['throws what fails when it is looked at', 'throw { get name() { throw new Error("computed"); } };', /failed in `deliver`: \[object Object\]/],
  ['gives back a place of megabytes', 'return { status: "signalled", token: { at: "z".repeat(2_000_000) } };', /did not answer `deliver` with/],
])(
  'a connector that %s fails its run in short words, at once',
  async (_what, body, says) => {
    using project = deliveringProject(body);
    expect(await reconcile(['-C', project.directory, 'apply', '--auto-approve'])).toMatchObject({ code: 0 });
    const from = Date.now();
    const { code, stdout, stderr } = await reconcile(['-C', project.directory, 'run', 'daily']);
    expect([code, stdout + stderr]).toEqual([1, expect.stringMatching(says)]);
    expect(stdout + stderr).not.toContain('has a bug');
    expect([(stdout + stderr).length < 5000, Date.now() - from < 20_000]).toEqual([true, true]);
  },
  60_000,
);
