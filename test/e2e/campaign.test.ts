import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { startFakeCampaign, type FakeCampaign, type Mishap } from '../support/campaign/fake-campaign.ts';
import { reconcile, type Ended } from '../support/reconcile.ts';
import { createStarterProjects, type StarterProjects } from '../support/starter-project.ts';

// Each test is a dozen processes, one after another.
vi.setConfig({ testTimeout: 240_000 });

const CANARY = 'CANARY';
const SECRETS = { ACC_SECRET: `${CANARY}-client-secret`, ACC_PASSWORD: `${CANARY}/pass word` };
const SHARED = fileURLToPath(new URL('../../../shared/', import.meta.url));
let projects: StarterProjects;
const fakes: FakeCampaign[] = [];

beforeAll(async () => {
  projects = await createStarterProjects('campaign');
  return projects.remove;
});
afterEach(async () => {
  for (const fake of fakes.splice(0)) await fake.close();
});

interface Project {
  readonly fake: FakeCampaign;
  readonly folder: string;
  readonly told: Ended[];
  call(...args: readonly string[]): Promise<Ended>;
}

const AUTHS = {
  ims: (fake: FakeCampaign) => `{type: ims, clientId: client-1, clientSecret: {env: ACC_SECRET}, tokenUrl: "${fake.tokenUrl}"}`,
  user: () => '{type: user, username: reconcile, password: {env: ACC_PASSWORD}}',
  session: () => '{type: session, token: {env: ACC_SESSION}, securityToken: {env: ACC_SECURITY}}',
} as const;

/** A project with one activation onto a fake Campaign; `template` is a folder that has the segments. */
async function makeProject(
  auth: keyof typeof AUTHS,
  settings: { readonly template?: string; readonly segments?: string; readonly wait?: string } = {},
): Promise<Project> {
  const fake = await startFakeCampaign({
    ims: { clientId: 'client-1', clientSecret: SECRETS.ACC_SECRET, tokenSeconds: 86_400 },
    users: { reconcile: SECRETS.ACC_PASSWORD },
  });
  fakes.push(fake);
  const folder = settings.template ?? projects.make();
  writeFileSync(
    join(folder, 'manifests/campaign.yaml'),
    `apiVersion: reconcile/v1
kind: Destination
metadata: {name: campaign-emea}
spec:
  type: adobe-campaign-managed-services
  details: {instance: acme_mkt_prod1, targetMapping: mapRecipient}
  connection: {url: "${fake.url}", auth: ${AUTHS[auth](fake)}}
  import: {workflow: WKFsegmentImport, wait: ${settings.wait ?? '20s'}}
  storage: {type: local, path: out/campaign}
---
apiVersion: reconcile/v1
kind: Activation
metadata: {name: to-campaign}
spec:
  destination: campaign-emea
  segments: [${settings.segments ?? 'wealthy-owners'}]
  mapping:
    - {source: identityMap.Email, target: email}
    - {source: person.name.firstName, target: firstName}
  export: incremental
  schedule: {every: 6h}
`,
  );
  const lent = auth === 'session' ? fake.state.issueSession() : undefined;
  const env = { ...SECRETS, ...(lent === undefined ? {} : { ACC_SESSION: lent.session, ACC_SECURITY: lent.security }) };
  const told: Ended[] = [];
  return {
    fake,
    folder,
    told,
    async call(...args) {
      const ended = await reconcile(['-C', folder, ...args], { env });
      told.push(ended);
      return ended;
    },
  };
}

interface RunJson {
  readonly id: string;
  readonly segment: string;
  readonly status: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly files: readonly { readonly path: string; readonly rows: number; readonly bytes: number; readonly sha256: string }[];
  readonly import?: { readonly status: string; readonly rows?: number; readonly message?: string };
  readonly error?: { readonly code: string; readonly message: string; readonly hint: string };
}

/** A slot's run, ten minutes after the slot. */
function slotAt(day: string, hour: string): readonly string[] {
  return ['--now', `${day}T${hour}:10:00Z`, 'run', 'to-campaign', '--slot', `${day}T${hour}:00:00Z`, '--json'];
}

const runsOf = (ended: Ended): readonly RunJson[] => (JSON.parse(ended.stdout) as { runs: readonly RunJson[] }).runs;

describe.skipIf(!existsSync(join(SHARED, 'data/adventureworks')))('AdventureWorks (beside the checkout)', () => {
  test('connected, applied, exported, imports followed: bytes as landed, one signal each, a second slot with nothing new tells nobody', async () => {
    const template = join(projects.folder, 'adventureworks');
    mkdirSync(join(template, 'manifests'), { recursive: true });
    cpSync(join(SHARED, 'acceptance/base/reconcile.yaml'), join(template, 'reconcile.yaml'));
    cpSync(join(SHARED, 'acceptance/base/manifests'), join(template, 'manifests'), { recursive: true });
    symlinkSync(join(SHARED, 'data/adventureworks'), join(template, 'data'));
    const { fake, folder, call } = await makeProject('ims', { template, segments: 'german-recent, never-a-bike, wealthy-owners' });
    expect(await call('doctor', 'campaign-emea')).toMatchObject({ code: 0 });
    expect(await call('--now', '2014-01-27T23:30:00Z', 'apply', '--auto-approve')).toMatchObject({ code: 0 });
    const ended = await call(...slotAt('2014-01-28', '00'));
    expect(ended.code).toBe(0);
    const want: Readonly<Record<string, number>> = { 'german-recent': 469, 'never-a-bike': 9352, 'wealthy-owners': 308 };
    const runs = runsOf(ended);
    expect(runs.map(({ segment, counts }) => [segment, counts['activated']])).toEqual(Object.entries(want));
    for (const run of runs) {
      expect(run).toMatchObject({ status: 'success', import: { status: 'imported', rows: want[run.segment] } });
      const [event, more] = fake.state.events.filter(({ variables }) => variables['runId'] === run.id);
      expect(more).toBeUndefined();
      const paths = event?.variables['remoteFiles']?.split('\n') ?? [];
      expect(paths).toEqual(run.files.map(({ path }) => join(folder, 'out/campaign', path)));
      for (const [index, path] of paths.entries()) {
        const bytes = readFileSync(path);
        expect(createHash('sha256').update(bytes).digest('hex')).toBe(run.files[index]?.sha256);
        const lines = bytes.toString('utf8').trimEnd().split('\n');
        expect(lines[0]).toBe('email,firstName,segmentMembershipStatus');
        expect(lines.slice(1).every((line) => line.endsWith(',realized'))).toBe(true);
        expect(lines).toHaveLength((run.files[index]?.rows ?? -1) + 1);
      }
    }
    expect(fake.state.events).toHaveLength(3);
    const next = await call(...slotAt('2014-01-28', '06'));
    expect(next.code).toBe(0);
    const later = runsOf(next);
    expect(later.filter(({ files }) => files.length === 0).map(({ segment }) => segment)).toEqual(expect.arrayContaining(['never-a-bike', 'wealthy-owners']));
    expect(fake.state.events.slice(3).map(({ variables }) => variables['runId'])).toEqual(later.filter(({ files }) => files.length > 0).map(({ id }) => id));
  });
});

/** What goes wrong, with a server that repeats what it was sent. */
const MISHAPS: readonly ((echo: () => string) => readonly [command: 'run' | 'doctor', target: string, mishap: Mishap, times: number])[] = [
  (echo) => ['run', 'PostEvent', { kind: 'fault', status: 200, text: () => `SOP-330011 ${echo()}`, detail: 'why' }, 1],
  (echo) => ['doctor', 'GetUserInfo', { kind: 'fault', status: 403, text: () => `XSV-350013 ${echo()}` }, 1],
  () => ['doctor', '/r/test', { kind: 'html' }, 1],
  () => ['run', 'PostEvent', { kind: 'redirect', to: `https://login.example.com/?t=${CANARY}` }, 1],
  (echo) => ['run', 'ExecuteQuery', { kind: 'status', status: 200, body: echo() }, 1],
  (echo) => ['run', '*', { kind: 'status', status: 401, body: echo() }, 9],
];

/** Where a word stands in a text, with a little of what is before it. */
function around(text: string, word: string): readonly string[] {
  const at = text.indexOf(word);
  return at < 0 ? [] : [text.slice(Math.max(0, at - 120), at + 40)];
}

describe('no secret in anything that is printed or written', () => {
  test.each(['ims', 'user', 'session'] as const)('%s', async (auth) => {
    const { fake, folder, told, call } = await makeProject(auth, { wait: '2s' });
    await call('validate', '--json');
    await call('plan', '--out', join(folder, 'plan.bin'), '--json');
    expect(await call('apply', join(folder, 'plan.bin'))).toMatchObject({ code: 0 });
    await call('doctor', '-v', '--log-format', 'json');
    expect(await call('run', 'to-campaign', '-v', '--log-format', 'json')).toMatchObject({ code: 0 });
    const own = { ims: [SECRETS.ACC_SECRET], user: [SECRETS.ACC_PASSWORD], session: [] }[auth];
    const echo = (): string => {
      const { authorization = '', 'x-session-token': session = '', 'x-security-token': security = '' } = fake.requests.at(-1)?.headers ?? {};
      return [...own, authorization, session, security].join(' ');
    };
    for (const make of MISHAPS) {
      const [command, target, mishap, times] = make(echo);
      fake.fail(target, mishap, times);
      await call(...(command === 'run' ? ['run', 'to-campaign'] : ['doctor']), '-v', '--json');
    }
    await call('--now', '2027-01-01T00:30:00Z', 'watch', '--once', '-v', '--log-format', 'json');
    for (const args of [
      ['runs', 'list', '--json'],
      ['state', 'export'],
      ['state', 'show', 'Destination/campaign-emea'],
      ['drift', '--json'],
      ['status', '--json'],
      ['setup', 'campaign-emea'],
    ])
      await call(...args);
    const written = readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.parentPath.endsWith('manifests'))
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'));
    const printed = told.map(({ stdout, stderr }) => stdout + stderr);
    expect([...printed, ...written].flatMap((text) => around(text, CANARY))).toEqual([]);
    // The search would have found something: the server has seen them, and they were taken out of what it repeated.
    expect(fake.requests.some(({ body, headers }) => `${decodeURIComponent(body.replaceAll('%', '%25'))}${JSON.stringify(headers)}`.includes(CANARY))).toBe(
      true,
    );
    expect(printed.join('')).toContain('***');
    expect(printed.filter((text) => /\n\s+at .*:\d+:\d+\)?\n/.test(text))).toEqual([]);
  });
});

test('retry: an import that failed is signalled again; an unknown one is looked up first and told twice only without a trace', async () => {
  const { fake, folder, call } = await makeProject('user', { wait: '2s' });
  expect(await call('--now', '2026-12-01T00:30:00Z', 'apply', '--auto-approve')).toMatchObject({ code: 0 });
  const signals = (id: string | undefined): number => fake.state.events.filter(({ variables }) => variables['runId'] === id).length;

  fake.state.behaviour = 'failed';
  const failed = await call(...slotAt('2026-12-01', '06'));
  expect(failed.code).toBe(1);
  const [broken] = runsOf(failed);
  expect(broken).toMatchObject({
    status: 'failed',
    import: { status: 'import-failed' },
    error: { hint: expect.stringContaining(`runs retry ${broken?.id}`) as string },
  });
  // The workflow had removed the files, as its File transfer does: they are there again before it is told again.
  rmSync(join(folder, 'out/campaign'), { recursive: true });
  fake.state.behaviour = 'started-only';
  const started = await call('--now', '2026-12-01T07:30:00Z', 'runs', 'retry', broken?.id ?? '', '--json');
  expect(started.code).toBe(6);
  expect(runsOf(started)).toMatchObject([{ id: broken?.id, status: 'success', import: { status: 'unknown' } }]);
  expect(signals(broken?.id)).toBe(2);
  // The one on call sees it too.
  const screen = (await call('--now', '2026-12-01T07:40:00Z', 'status')).stdout;
  expect(screen).toMatch(/06:00 success, \d rows, import unknown +12:00 +Unknown +why: reconcile .*runs show /);
  const path = fake.state.events.at(-1)?.variables['remoteFiles'] ?? '';
  expect(createHash('sha256').update(readFileSync(path)).digest('hex')).toBe(broken?.files[0]?.sha256);

  // It is known to be at work on it: asked again and again, and never told again.
  const again = await call('--now', '2026-12-01T08:30:00Z', 'runs', 'retry', broken?.id ?? '', '--json');
  expect(again.code).toBe(6);
  const [workflow] = fake.state.workflows;
  if (workflow !== undefined) fake.state.addLog(workflow, 2, 'end', `SEGEXPORT runId=${broken?.id} status=ok rows=3`);
  const found = await call('--now', '2026-12-01T09:30:00Z', 'runs', 'retry', broken?.id ?? '', '--json');
  expect(found.code).toBe(0);
  expect(runsOf(found)).toMatchObject([{ import: { status: 'imported', rows: 3 } }]);
  expect(signals(broken?.id)).toBe(2);
  expect((await call('--now', '2026-12-01T09:30:00Z', 'runs', 'retry', broken?.id ?? '')).code).toBe(64);
});

test('retry: an unknown end that turns out to be a failure is told as one, and can be signalled again with the very files', async () => {
  const { fake, folder, call } = await makeProject('user', { wait: '2s' });
  expect(await call('--now', '2026-12-01T00:30:00Z', 'apply', '--auto-approve')).toMatchObject({ code: 0 });
  fake.state.behaviour = 'silent';
  const silent = await call(...slotAt('2026-12-01', '06'));
  expect(silent.code).toBe(6);
  const [quiet] = runsOf(silent);
  const [workflow] = fake.state.workflows;
  if (workflow !== undefined) fake.state.addLog(workflow, 2, 'end', `SEGEXPORT runId=${quiet?.id} status=failed rows=0`);
  const failed = await call('--now', '2026-12-01T06:20:00Z', 'runs', 'retry', quiet?.id ?? '');
  expect(failed.code).toBe(1);
  expect(failed.stdout).toContain('import import-failed');

  // The files are gone, or what is left of them, and what is kept is not what was sent: nobody is told of them.
  const landed = fake.state.events[0]?.variables['remoteFiles'] ?? '';
  const bytes = readFileSync(landed);
  const spool = join(folder, '.reconcile/spool', quiet?.id ?? '');
  const kept = join(spool, readdirSync(spool).find((name) => readFileSync(join(spool, name)).equals(bytes)) ?? '');
  for (const left of [undefined, bytes.subarray(0, 10)]) {
    rmSync(landed, { force: true });
    if (left !== undefined) writeFileSync(landed, left);
    rmSync(kept, { force: true });
    writeFileSync(kept, Buffer.from(bytes).fill('x', 0, 1));
    const refused = await call('--now', '2026-12-01T06:25:00Z', 'runs', 'retry', quiet?.id ?? '');
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/RC4041[^]*the other side was not told again[^]*runs replay/)]);
    expect(existsSync(landed) && !readFileSync(landed).equals(left ?? bytes)).toBe(false);
    expect(fake.state.events).toHaveLength(1);
  }
  writeFileSync(kept, bytes);
  fake.state.behaviour = 'ok';
  expect((await call('--now', '2026-12-01T06:30:00Z', 'runs', 'retry', quiet?.id ?? '')).code).toBe(0);
  expect(fake.state.events.map(({ variables }) => variables['runId'])).toEqual([quiet?.id, quiet?.id]);
  expect(readFileSync(landed).equals(bytes)).toBe(true);
}, 120_000);

test.each(['while Campaign answers the signal', 'before its answer is on record'] as const)(
  'killed %s: the slot looks for the run in the workflow’s log, finds it, and tells nobody twice',
  async (when) => {
    const { fake, folder, call } = await makeProject('user');
    expect(await call('--now', '2026-12-01T00:30:00Z', 'apply', '--auto-approve')).toMatchObject({ code: 0 });
    const signals = (): readonly string[] => fake.requests.filter(({ path }) => path.includes('PostEvent')).map(({ body }) => body);
    const args = ['-C', folder, ...slotAt('2026-12-01', '06')];
    if (when === 'before its answer is on record') {
      expect(await reconcile(args, { env: { ...SECRETS, RECONCILE_CRASH_AT: 'delivered' } })).toMatchObject({ signal: 'SIGKILL' });
    } else {
      fake.fail('PostEvent', { kind: 'hang' });
      const started = (pid: number): void => void vi.waitFor(() => expect(signals()).toHaveLength(1), 60_000).finally(() => process.kill(pid, 'SIGKILL'));
      expect(await reconcile(args, { env: SECRETS, started })).toMatchObject({ signal: 'SIGKILL' });
      const [workflow] = fake.state.workflows;
      const id = /runId="([^"]+)"/.exec(signals()[0] ?? '')?.[1];
      if (workflow !== undefined) fake.state.addLog(workflow, 2, 'end', `SEGEXPORT runId=${id} status=ok rows=3`);
    }
    const ended = await call(...slotAt('2026-12-01', '06'));
    expect(ended.code, ended.stderr).toBe(0);
    expect(runsOf(ended)).toMatchObject([{ status: 'success', import: { status: 'imported' } }]);
    expect(signals()).toHaveLength(1);
  },
);

function retry(project: Project, id: string | undefined, hour: string): Promise<Ended> {
  return project.call('--now', `2026-12-01T${hour}:30:00Z`, 'runs', 'retry', id ?? '', '--json');
}

async function withHiddenLog(): Promise<Project> {
  const project = await makeProject('user', { wait: '2s' });
  expect(await project.call('--now', '2026-12-01T00:30:00Z', 'apply', '--auto-approve')).toMatchObject({ code: 0 });
  project.fake.state.logHidden = true;
  return project;
}

describe('retry where the operator may not read the workflow’s log', () => {
  test.each([
    ['the answer to the signal was lost', { kind: 'cut', done: true }],
    ['the signal was taken', undefined],
  ] as const)('%s: it is not signalled again, and the message says what to grant', async (_name, mishap) => {
    const project = await withHiddenLog();
    const { fake, call } = project;
    if (mishap !== undefined) fake.fail('PostEvent', mishap);
    const ended = await call(...slotAt('2026-12-01', '06'));
    expect(ended.code).toBe(6);
    const [run] = runsOf(ended);
    const again = await retry(project, run?.id, '07');
    expect(again.code).toBe(6);
    expect(fake.state.events).toHaveLength(1);
    const message = runsOf(again)[0]?.import?.message ?? '';
    for (const words of ['log of workflow `WKFsegmentImport` could not be read', 'XTK-170017', 'named right WORKFLOW', `reconcile runs replay ${run?.id}`])
      expect(message).toContain(words);
    // The operator's own decision.
    expect((await call('--now', '2026-12-01T08:30:00Z', 'runs', 'replay', run?.id ?? '')).code).toBe(6);
    expect(fake.state.events).toHaveLength(2);
    // Granted: it is looked for and found.
    fake.state.logHidden = false;
    expect((await retry(project, run?.id, '09')).code).toBe(0);
    expect(fake.state.events).toHaveLength(2);
  });

  test('a signal that Campaign refused was never sent: it is sent', async () => {
    const project = await withHiddenLog();
    project.fake.fail('PostEvent', { kind: 'fault', status: 200, text: 'SOP-330011 Error', detail: 'why' });
    const ended = await project.call(...slotAt('2026-12-01', '06'));
    expect(ended.code).toBe(1);
    expect((await retry(project, runsOf(ended)[0]?.id, '07')).code).toBe(6);
    expect(project.fake.state.events).toHaveLength(1);
  });

  test('an import that is known to have failed may be signalled again', async () => {
    const project = await withHiddenLog();
    Object.assign(project.fake.state, { logHidden: false, behaviour: 'failed' });
    const ended = await project.call(...slotAt('2026-12-01', '06'));
    expect(ended.code).toBe(1);
    project.fake.state.logHidden = true;
    expect((await retry(project, runsOf(ended)[0]?.id, '07')).code).toBe(6);
    expect(project.fake.state.events).toHaveLength(2);
  });

  test('a log that cannot be read for another reason, in any language, is not one without a trace', async () => {
    const project = await withHiddenLog();
    const ended = await project.call(...slotAt('2026-12-01', '06'));
    const refused = { kind: 'fault', status: 200, text: 'SOP-330011 Erreur', detail: 'XTK-170099 Accès refusé' } as const;
    // Looked for once: the log.
    project.fake.fail('ExecuteQuery', refused);
    const again = await retry(project, runsOf(ended)[0]?.id, '07');
    expect(again.code).toBe(6);
    expect(runsOf(again)[0]?.import?.message).toContain('XTK-170099');
    expect(project.fake.state.events).toHaveLength(1);
  });
});

test('the SDK is loaded only where Campaign is', async () => {
  const hook = join(projects.folder, 'hook.mjs');
  const log = join(projects.folder, 'loaded.txt');
  writeFileSync(
    hook,
    `import { registerHooks } from 'node:module'; import { appendFileSync } from 'node:fs';
registerHooks({ load(url, context, next) { if (url.includes('acc-js-sdk/src') || url.includes('adobe-campaign-managed-services/session')) appendFileSync(${JSON.stringify(log)}, url + '\\n'); return next(url, context); } });`,
  );
  const env = { ...SECRETS, NODE_OPTIONS: `--import=${hook}` };
  const loaded = (): string => (existsSync(log) ? readFileSync(log, 'utf8') : '');
  const { folder } = await makeProject('user');
  const other = projects.make();
  for (const args of [['doctor'], ['apply', '--auto-approve'], ['run', '--help'], ['destinations']]) await reconcile(['-C', other, ...args], { env });
  // With Campaign among the manifests, what does not ask it does not load it either.
  for (const args of [['validate'], ['plan'], ['destinations', 'adobe-campaign-managed-services']]) await reconcile(['-C', folder, ...args], { env });
  expect(loaded()).not.toContain('acc-js-sdk');
  expect(await reconcile(['-C', folder, 'doctor', 'campaign-emea'], { env })).toMatchObject({ code: 0 });
  expect(loaded()).toContain('acc-js-sdk');
});
