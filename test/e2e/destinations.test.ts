import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { startFakeCampaign, type FakeCampaign } from '../support/campaign/fake-campaign.ts';
import { reconcile, ROOT, type Ended } from '../support/reconcile.ts';
import { createStarterProjects, type StarterProjects } from '../support/starter-project.ts';
import { SSHD, startSshd } from '../support/servers/sshd.ts';

const CANARY = 'CANARY-client-secret';
let projects: StarterProjects;
const open: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  projects = await createStarterProjects('destinations');
  return projects.remove;
});
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

const makeProject = (files: Readonly<Record<string, string>>): string => projects.make(files);

/** Everything that stands on disk, but the manifests that a person wrote. */
function everythingWritten(folder: string): string {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.endsWith('manifests'))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
    .join('\n');
}

const parse = <T>(ended: Ended): T => JSON.parse(ended.stdout) as T;

test('doctor for one Destination in manifests that do not hold: they are told, and not that there is none', async () => {
  const project = makeProject({
    'manifests/twice.yaml': readFileSync(join(ROOT, 'destinations/local-directory/destination.yaml'), 'utf8').split('example: |')[1] ?? '',
  });
  const ended = await reconcile(['-C', project, 'doctor', 'outbox']);
  expect(ended).toMatchObject({ code: 8, stderr: expect.stringContaining('declared twice') as string });
  expect(ended.stderr).not.toContain('no Destination');
});

test('the guide: a new destination from a YAML file only', async () => {
  const guide = readFileSync(join(ROOT, 'docs/write-a-destination.md'), 'utf8');
  const blocks = [...guide.matchAll(/```yaml title="([^"]+)"\n([\s\S]*?)```/g)].map(([, path = '', text = '']) => [path, text] as const);
  expect(blocks.map(([path]) => path)).toEqual(['destinations/acme-loyalty/destination.yaml', 'manifests/loyalty.yaml']);
  const project = makeProject(Object.fromEntries(blocks));
  expect(await reconcile(['-C', project, 'validate'])).toMatchObject({ code: 0 });
  expect((await reconcile(['-C', project, 'destinations'])).stdout).toMatch(/acme-loyalty\s+Acme Loyalty\s+crm\s+sftp local\s+destinations\/acme-loyalty/);
  const { stdout: printed } = await reconcile(['-C', project, 'destinations', 'acme-loyalty']);
  for (const line of [
    'from destinations/acme-loyalty/destination.yaml',
    'Whose members these are. (a programme is three capital letters; such as EUR)',
    'full           24h',
    'file, always   {csv: {delimiter: ";"}}',
    'file, else     {name: "%DESTINATION%_%SEGMENT_ID%"}   where the Activation does not say',
    'columns        columns are small letters and underscores',
    'limit          2 segments per destination: the platform has two import slots',
    '{type: local, path: out}',
  ]) {
    expect(printed).toContain(line);
  }
  expect((await reconcile(['-C', project, 'setup', 'loyalty'])).stdout).toContain('customer_id;first_name;status');
  expect(await reconcile(['-C', project, 'doctor', 'loyalty'])).toMatchObject({ code: 0 });
  expect(await reconcile(['-C', project, 'apply', '--auto-approve'])).toMatchObject({ code: 0 });
  expect(await reconcile(['-C', project, 'run', 'loyalty-members'])).toMatchObject({ code: 0 });
  // The card's static name and its delimiter.
  const file = join(project, 'out/loyalty/loyalty_german-recent-buyers.csv');
  expect(existsSync(file)).toBe(true);
  expect(readFileSync(file, 'utf8').split('\n')[0]).toBe('customer_id;first_name;status');
  const changed = readFileSync(join(project, 'manifests/loyalty.yaml'), 'utf8').replace('program: EUR', 'program: eur').replace('every: 12h', 'every: 3h');
  writeFileSync(join(project, 'manifests/loyalty.yaml'), changed);
  const refused = await reconcile(['-C', project, 'validate']);
  expect(refused.code).toBe(8);
  expect(refused.stderr).toContain('a programme is three capital letters');
  expect(refused.stderr).toMatch(/manifests\/loyalty\.yaml:6:\d+/);
  expect(refused.stderr).toMatch(/12/);

  // What the card fixes is known to nobody without it: nothing leaves.
  const card = join(project, 'destinations/acme-loyalty/destination.yaml');
  writeFileSync(card, readFileSync(card, 'utf8').replace('category: crm', 'category: crn'));
  const broken = await reconcile(['-C', project, 'run', 'loyalty-members']);
  expect([broken.code, broken.stdout]).toEqual([1, expect.stringMatching(/RC1359[^]*does not hold[^]*destinations\/acme-loyalty\/destination\.yaml:5/)]);
  rmSync(card);
  const gone = await reconcile(['-C', project, 'run', 'loyalty-members']);
  expect([gone.code, gone.stdout]).toEqual([1, expect.stringMatching(/RC1359[^]*is not here any more[^]*bring back destinations\/acme-loyalty/)]);
  expect((await reconcile(['-C', project, 'doctor', 'loyalty'])).code).toBe(1);
  expect(readdirSync(join(project, 'out/loyalty'))).toEqual(['loyalty_german-recent-buyers.csv']);
});

test('a broken card is told with its line, and the rest of the catalogue stands', async () => {
  const project = makeProject({ 'destinations/acme/destination.yaml': 'apiVersion: reconcile/v1\nkind: DestinationCard\ntype: acme\ndisplayNmae: Acme\n' });
  const ended = await reconcile(['-C', project, 'destinations']);
  expect(ended.code).toBe(8);
  expect(ended.stderr).toMatch(/destinations\/acme\/destination\.yaml:4:1/);
  expect(ended.stderr).toContain('did you mean `displayName`?');
  expect(ended.stdout).toContain('adobe-campaign-managed-services');
  const unknown = await reconcile(['-C', project, 'destinations', 'sftpp', '--json']);
  expect(unknown.code).toBe(64);
  expect(parse<{ diagnostics: { hint: string }[] }>(unknown).diagnostics[0]?.hint).toContain('sftp');
});

async function campaignProject(
  settings: { readonly workflow?: string; readonly mapping?: string } = {},
): Promise<{ readonly fake: FakeCampaign; readonly project: string; readonly env: Record<string, string> }> {
  const fake = await startFakeCampaign({ ims: { clientId: 'client-1', clientSecret: CANARY, tokenSeconds: 86_400 } });
  open.push(() => fake.close());
  const project = makeProject({
    'manifests/campaign.yaml': `apiVersion: reconcile/v1
kind: Destination
metadata: {name: campaign-emea}
spec:
  type: adobe-campaign-managed-services
  details: {instance: acme_mkt_prod1, targetMapping: ${settings.mapping ?? 'mapRecipient'}}
  connection:
    url: ${fake.url}
    auth: {type: ims, clientId: client-1, clientSecret: {env: ACC_SECRET}, tokenUrl: "${fake.tokenUrl}"}
  import: {workflow: ${settings.workflow ?? 'WKFsegmentImport'}, wait: 20s}
  storage: {type: local, path: out/campaign}
---
apiVersion: reconcile/v1
kind: Activation
metadata: {name: to-campaign}
spec:
  destination: campaign-emea
  segments: [wealthy-owners]
  mapping:
    - {source: identityMap.Email, target: email}
    - {source: person.name.firstName, target: firstName}
  export: incremental
  schedule: {every: 6h}
`,
  });
  return { fake, project, env: { ACC_SECRET: CANARY } };
}

test.skipIf(SSHD === undefined)(
  'Campaign’s files over a real SFTP server: the host key printed and pinned, a changed one told, the paths as the server sees them',
  async () => {
    const server = await startSshd();
    open.push(async () => await server[Symbol.asyncDispose]());
    const keys = await reconcile(['doctor', '--host-key', `127.0.0.1:${server.port}`]);
    expect(keys.stdout).toContain(server.hostKeys.ed25519);
    const { fake, project, env } = await campaignProject();
    const manifest = join(project, 'manifests/campaign.yaml');
    const storage = (hostKey: string): string =>
      `{type: sftp, host: 127.0.0.1, port: ${server.port}, username: ${server.username}, privateKey: {file: key}, hostKey: "${hostKey}", path: ${server.folder}}`;
    const text = readFileSync(manifest, 'utf8');
    writeFileSync(join(project, 'key'), server.keys.right, { mode: 0o600 });
    writeFileSync(manifest, text.replace('{type: local, path: out/campaign}', storage(`SHA256:${'A'.repeat(43)}`)));
    const changed = await reconcile(['-C', project, 'doctor', 'campaign-emea'], { env });
    expect(changed.code).toBe(1);
    expect(changed.stdout).toContain('is not the pinned one');
    writeFileSync(manifest, text.replace('{type: local, path: out/campaign}', storage(server.hostKeys.ed25519)));
    expect(await reconcile(['-C', project, 'doctor', 'campaign-emea'], { env })).toMatchObject({ code: 0 });
    expect(readdirSync(server.folder)).toEqual([]);
    expect(await reconcile(['-C', project, 'apply', '--auto-approve'], { env })).toMatchObject({ code: 0 });
    expect(await reconcile(['-C', project, 'run', 'to-campaign'], { env })).toMatchObject({ code: 0 });
    const remote = fake.state.events[0]?.variables['remoteFiles'] ?? '';
    expect(readFileSync(remote, 'utf8')).toMatch(/^email,firstName,segmentMembershipStatus\n/);
  },
);

interface RunJson {
  readonly runs: readonly {
    readonly id: string;
    readonly status: string;
    readonly files: readonly { readonly path: string; readonly rows: number }[];
    readonly import?: { readonly status: string };
  }[];
}

test('Campaign end to end: check, apply, export, one signal, the import followed; no secret anywhere', async () => {
  const { fake, project, env } = await campaignProject();
  const told: Ended[] = [];
  const call = async (...args: string[]): Promise<Ended> => {
    const ended = await reconcile(['-C', project, ...args], { env });
    told.push(ended);
    return ended;
  };
  expect(await call('validate')).toMatchObject({ code: 0 });
  const doctor = await call('doctor', 'campaign-emea');
  expect(doctor.stdout).toMatch(/acme_mkt_prod1, version 8\.6\.2, build 9396/);
  expect(doctor.stdout).toMatch(/has a field for each of 2 columns/);
  expect(doctor.code).toBe(0);
  expect(fake.state.events).toEqual([]);
  expect(await call('apply', '--auto-approve')).toMatchObject({ code: 0 });
  const ended = await call('run', 'to-campaign', '--json');
  const { runs } = parse<RunJson>(ended);
  expect(runs).toMatchObject([{ status: 'success', import: { status: 'imported' } }]);
  const [run] = runs;
  expect(fake.state.events).toHaveLength(1);
  const [event] = fake.state.events;
  expect(event?.variables).toMatchObject({ runId: run?.id, segment: 'wealthy-owners', targetMapping: 'mapRecipient', rows: String(run?.files[0]?.rows) });
  expect(event?.variables['remoteFiles']).toBe(join(project, 'out/campaign', run?.files[0]?.path ?? ''));
  expect(readFileSync(event?.variables['remoteFiles'] ?? '', 'utf8').split('\n')[0]).toBe('email,firstName,segmentMembershipStatus');
  fake.state.behaviour = 'failed';
  const failed = await call('run', 'to-campaign', '--json');
  expect(failed.code).toBe(1);
  expect(parse<RunJson>(failed).runs).toMatchObject([{ status: 'failed', import: { status: 'import-failed' } }]);
  const setup = await call('setup', 'campaign-emea', '--out', 'samples');
  expect(setup.stdout).toContain('SEGEXPORT runId=');
  expect(readFileSync(join(project, 'samples/sample-to-campaign.csv'), 'utf8')).toMatch(/^email,firstName,segmentMembershipStatus\n/);
  // A server that repeats the token of the call.
  fake.fail('PostEvent', { kind: 'fault', status: 500, text: () => `SOP-330011 refused ${[...fake.state.bearers].at(-1)} ${CANARY}` });
  expect((await call('run', 'to-campaign', '--log-format', 'json', '-v')).code).toBe(1);
  const seen = `${told.map(({ stdout, stderr }) => stdout + stderr).join('\n')}\n${everythingWritten(project)}`;
  expect(seen.includes('CANARY')).toBe(false);
  expect(seen.includes('refused ***')).toBe(true);
  expect(seen.length).toBeGreaterThan(10_000);
});

test('killed right after the signal: the slot goes on, and Campaign is not told twice', async () => {
  const { fake, project, env } = await campaignProject();
  expect(await reconcile(['-C', project, '--now', '2026-12-01T00:30:00Z', 'apply', '--auto-approve'], { env })).toMatchObject({ code: 0 });
  const slot = ['-C', project, '--now', '2026-12-01T06:30:00Z', 'run', 'to-campaign', '--slot', '2026-12-01T06:00:00Z', '--json'];
  const killed = await reconcile(slot, { env: { ...env, RECONCILE_CRASH_AT: 'delivered' } });
  expect(killed.signal).toBe('SIGKILL');
  expect(fake.state.events).toHaveLength(1);
  const again = await reconcile(slot, { env });
  expect(parse<RunJson>(again).runs).toMatchObject([{ status: 'success', import: { status: 'imported' } }]);
  expect(fake.state.events).toHaveLength(1);
  expect(parse<RunJson>(again).runs[0]?.id).toBe(fake.state.events[0]?.variables['runId']);
});

test('what Campaign lacks stops apply and is told by doctor, with what to do', async () => {
  const { project, env } = await campaignProject({ mapping: 'mapRecipent' });
  const doctor = await reconcile(['-C', project, 'doctor', 'campaign-emea', '--json'], { env });
  expect(doctor.code).toBe(1);
  const { ok, findings } = parse<{ ok: boolean; findings: readonly { level: string; code: string; hint?: string }[] }>(doctor);
  expect(ok).toBe(false);
  expect(findings.find(({ level }) => level === 'error')).toMatchObject({
    code: 'RC6011',
    hint: expect.stringContaining('did you mean `mapRecipient`?') as string,
  });
  const apply = await reconcile(['-C', project, 'apply', '--auto-approve'], { env });
  expect(apply.code).not.toBe(0);
  expect(apply.stdout + apply.stderr).toContain('mapRecipent');
  const unset = await reconcile(['-C', project, 'doctor', 'campaign-emea']);
  expect(unset.code).toBe(1);
  expect(unset.stdout).toContain('ACC_SECRET');
});

test('the example of every type holds as it is printed, and setup says something for each', async () => {
  const project = makeProject({});
  const { destinations } = parse<{ destinations: readonly { readonly type: string }[] }>(await reconcile(['-C', project, 'destinations', '--json']));
  expect(destinations.length).toBeGreaterThan(10);
  const printed = await Promise.all(destinations.map(async ({ type }) => (await reconcile(['-C', project, 'destinations', type])).stdout));
  const examples = printed.map((text, index) =>
    text
      .slice(text.lastIndexOf('\nexample\n') + '\nexample\n'.length)
      // Several examples share a name; here each stands beside the others.
      .replace(/(metadata: \{name: )[a-z-]+/, `$1d${index}`),
  );
  writeFileSync(join(project, 'manifests/examples.yaml'), examples.join('\n---\n'));
  expect(await reconcile(['-C', project, 'validate'])).toMatchObject({ code: 0 });
  for (const index of destinations.keys()) {
    const setup = await reconcile(['-C', project, 'setup', `d${index}`]);
    expect(setup.code).toBe(0);
    expect(setup.stdout).toMatch(/\n1\. /);
  }
});

const PUSH_CARD = `apiVersion: reconcile/v1
kind: DestinationCard
type: acme-push
displayName: Acme Push
category: other
description: A connector of the project's own.
connector: connector.js
storage: {kinds: [local]}
example: |
  apiVersion: reconcile/v1
  kind: Destination
  metadata: {name: push}
  spec: {type: acme-push, storage: {type: local, path: out/push}}
`;
const PUSH_MANIFESTS = `apiVersion: reconcile/v1
kind: Destination
metadata: {name: push}
spec: {type: acme-push, storage: {type: local, path: out/push}}
---
apiVersion: reconcile/v1
kind: Activation
metadata: {name: to-push}
spec:
  destination: push
  segments: [wealthy-owners]
  mapping: [{source: identityMap.Email, target: email}]
`;
const PUSH_CONNECTOR = `import { appendFileSync } from 'node:fs';
export default async function createConnector({ name }) {
  return {
    check: async () => [{ code: 'ACME1', level: 'ok', subject: 'push', message: 'there' }],
    prepare: async () => ({ step: 'told' }),
    deliver: async (batch, token) => {
      if (process.env.PUSH_FAILS) throw Object.assign(new Error('the push service is closed'), { name: 'AppError', code: 'ACME7', hint: 'come back on Monday' });
      appendFileSync(new URL('told.txt', import.meta.url), [name, batch.segment, batch.rows, token.step].join(' '));
      return { status: 'imported', rows: batch.rows };
    },
    settle: async (batch, receipt) => receipt,
  };
}
`;

test('a connector of the project: called once, its errors told as errors and not as bugs, a broken one refused', async () => {
  const folder = 'destinations/acme-push';
  const project = makeProject({ [`${folder}/destination.yaml`]: PUSH_CARD, [`${folder}/connector.js`]: PUSH_CONNECTOR, 'manifests/push.yaml': PUSH_MANIFESTS });
  writeFileSync(join(project, folder, 'package.json'), '{"type": "module"}');
  expect(await reconcile(['-C', project, 'apply', '--auto-approve'])).toMatchObject({ code: 0 });
  const told = parse<RunJson>(await reconcile(['-C', project, 'run', 'to-push', '--json']));
  expect(told.runs).toMatchObject([{ status: 'success', import: { status: 'imported' } }]);
  expect(readFileSync(join(project, folder, 'told.txt'), 'utf8')).toBe(`push wealthy-owners ${told.runs[0]?.files[0]?.rows} told`);
  const failed = await reconcile(['-C', project, 'run', 'to-push'], { env: { PUSH_FAILS: '1' } });
  expect(failed.code).toBe(1);
  expect(failed.stdout + failed.stderr).toContain('the push service is closed');
  expect(failed.stdout + failed.stderr).not.toMatch(/connector\.js:\d+|has a bug/);
  writeFileSync(join(project, folder, 'connector.js'), 'export const createConnector = 1;');
  const doctor = await reconcile(['-C', project, 'doctor', 'push']);
  expect(doctor.code).toBe(1);
  expect(doctor.stdout).toContain('has no default export');
  for (const [connector, words] of [
    ["import 'not-there';", "cannot be loaded: Cannot find package 'not-there'[^]*npm install in this project"],
    ['export default async ({ secret }) => secret(undefined);', 'failed in `createConnector`: TypeError: `secret` was asked for without'],
  ] as const) {
    writeFileSync(join(project, folder, 'connector.js'), connector);
    expect((await reconcile(['-C', project, 'doctor', 'push'])).stdout).toMatch(new RegExp(words));
  }
  const compiled = PUSH_CONNECTOR.replace('import { appendFileSync } from', 'const { appendFileSync } = require(')
    .replace("'node:fs';", "'node:fs');")
    .replace('import.meta.url', '`file://${__filename}`');
  writeFileSync(join(project, folder, 'connector.js'), `exports.__esModule = true;\n${compiled.replace('export default', 'exports.default =')}`);
  rmSync(join(project, folder, 'package.json'));
  expect(await reconcile(['-C', project, 'doctor', 'push'])).toMatchObject({ code: 0, stdout: expect.stringContaining('push: there') as string });
});

const STRAYING = `const at = process.env.PUSH_AT;
export default async function createConnector() {
  console.log('a connector that prints');
  return {
    check: async () => [],
    prepare: async () => ({}),
    deliver: async () => {
      if (at === 'exit') process.exit(0);
      if (at === 'late') setTimeout(() => { throw new Error('CANARY-client-secret'); }, 20);
      if (at === 'throw') setTimeout(() => { throw new TypeError('in a timer'); }, 5);
      if (at === 'reject') setTimeout(() => void Promise.reject(new RangeError('in a promise')), 5);
      if (at === 'throw' || at === 'reject') await new Promise(() => {});
      return { status: 'imported' };
    },
    settle: async (batch, receipt) => receipt,
  };
}
`;

test('a connector that prints, exits, or throws where nobody waits: its own run fails, and the command says so as ever', async () => {
  const folder = 'node_modules/@acme/reconcile-destination-acme-push';
  const project = makeProject({
    [`${folder}/destination.yaml`]: PUSH_CARD,
    [`${folder}/connector.js`]: STRAYING,
    [`${folder}/package.json`]: '{"type": "module"}',
    'manifests/push.yaml': PUSH_MANIFESTS,
  });
  expect(await reconcile(['-C', project, 'apply', '--auto-approve'])).toMatchObject({ code: 0 });
  const run = async (at: string): Promise<readonly unknown[]> => {
    const ended = await reconcile(['-C', project, 'run', 'to-push', '--json'], { env: { PUSH_AT: at } });
    expect(ended.stderr).toContain('a connector that prints');
    expect(ended.stderr).not.toContain(CANARY);
    const [{ status, error } = { status: 'none' }] = parse<{ runs: readonly { status: string; error?: { code: string; message: string } }[] }>(ended).runs;
    return [ended.code, status, error?.code, error?.message];
  };
  expect(await run('')).toEqual([0, 'success', undefined, undefined]);
  expect(await run('late')).toEqual([0, 'success', undefined, undefined]);
  expect(await run('exit')).toEqual([1, 'failed', 'RC1362', expect.stringContaining('failed in `deliver`: Error: it called process.exit(0) (connector.js:8:')]);
  expect(await run('throw')).toEqual([1, 'failed', 'RC1362', expect.stringContaining('failed in `deliver`: TypeError: in a timer (connector.js:10:')]);
  expect(await run('reject')).toEqual([1, 'failed', 'RC1362', expect.stringContaining('failed in `deliver`: RangeError: in a promise (connector.js:11:')]);
});

test('doctor examines what is not a destination, too', async () => {
  const project = makeProject({});
  rmSync(join(project, 'data/orders.csv'));
  writeFileSync(join(project, 'data/customers.csv'), readFileSync(join(project, 'data/customers.csv'), 'utf8').replace('yearly_income', 'income_per_year'));
  const ended = await reconcile(['-C', project, 'doctor', '--json']);
  expect(ended.code).toBe(1);
  const { findings } = parse<{ findings: readonly { area: string; level: string; code: string; message: string }[] }>(ended);
  expect(findings.filter(({ level }) => level === 'error').map(({ area }) => area)).toContain('source shop');
  expect(findings.some(({ area, level }) => area === 'state' && level === 'ok')).toBe(true);
  expect(existsSync(join(project, '.reconcile/state.db'))).toBe(false);
  const nobody = await reconcile(['-C', project, 'doctor', '--host-key', '127.0.0.1:1']);
  expect(nobody.code).toBe(1);
  expect(nobody.stderr).toMatch(/RC5\d{3}/);
  const noPort = await reconcile(['-C', project, 'doctor', '--host-key', '127.0.0.1:99999']);
  expect(noPort).toMatchObject({ code: 64, stderr: expect.stringContaining('RC9008') as string });
  expect(await reconcile(['-C', project, 'doctor', 'nope'])).toMatchObject({ code: 64 });
});
