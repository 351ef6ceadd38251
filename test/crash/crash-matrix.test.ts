import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { decrypt, generateKey, readKey, readMessage, readPrivateKey } from 'openpgp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Run } from '../../src/model/run.ts';
import { isUnfinishedName } from '../../src/storage/unfinished-name.ts';
import { reconcile, ROOT } from '../support/reconcile.ts';
import { PEOPLE_SOURCE } from '../support/shop-project.ts';

/** Every instant between two effects of a run. Each is where the real process is killed, in a test of its own. */
const POINTS = [
  'claimed',
  'selected',
  'written',
  'journaled-written',
  'published-part-1',
  'published',
  'journaled-published',
  'read-back',
  'checksums',
  'manifest',
  'journaled-verified',
  'snapshot-placed',
  'recorded',
] as const;

const SCENARIOS = {
  full: { export: 'full', file: '{checksums: true, manifest: true}', slots: 1 },
  incremental: { export: 'incremental', file: '{checksums: true, manifest: true}', slots: 2 },
  parts: { export: 'full', file: '{checksums: true, manifest: true, maxRows: 300}', slots: 1 },
  compressed: { export: 'incremental', file: '{checksums: true, manifest: true, compression: gzip}', slots: 2 },
  encrypted: { export: 'full', file: '{checksums: true, manifest: true, maxRows: 400}', slots: 1 },
} as const;
type Scenario = keyof typeof SCENARIOS;

const SLOTS = ['2026-01-01T02:00:00Z', '2026-01-02T02:00:00Z', '2026-01-03T02:00:00Z'] as const;
let folder: string;
let privateKey: string;
let signerKey: string;
const results = new Map<string, string>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'crash-matrix-'));
  const keys = await generateKey({ userIDs: [{ name: 'receiver' }], type: 'curve25519', format: 'armored' });
  privateKey = keys.privateKey;
  const signer = await generateKey({ userIDs: [{ name: 'sender' }], type: 'curve25519', format: 'armored' });
  signerKey = signer.publicKey;
  for (const scenario of Object.keys(SCENARIOS) as Scenario[]) await prepare(scenario, keys.publicKey, signer.privateKey);
}, 120_000);

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  if (process.env['WRITE_CRASH_TABLE'] === '1') await writeTable();
});

describe.each(Object.keys(SCENARIOS) as Scenario[])('%s', (scenario) => {
  test.each(POINTS)('killed at %s, started again: the same files, nothing twice', async (point) => {
    const project = await copyOf(scenario, point);
    const slot = slotOf(scenario);

    const killed = await run(project, slot, { RECONCILE_CRASH_AT: point });
    expect(killed.signal, killed.stderr).toBe('SIGKILL');
    await expectRecovery(scenario, project, await visibleOf(project), point === 'claimed' || point === 'recorded');
    results.set(`${scenario} ${point}`, 'same bytes');
  });
});

/** What goes on after a crash is killed as well: where it was killed before, if it comes by there again, and at the step after. */
describe.each(['incremental', 'parts'] as const)('%s, killed again while it recovers', (scenario) => {
  test.each(POINTS.map((point, index) => [point, POINTS[index + 1] ?? point] as const))('at %s, there once more, then at %s', async (first, second) => {
    const project = await copyOf(scenario, `twice-${first}`);
    const slot = slotOf(scenario);
    const visible = new Map<string, Buffer>();
    const signals: (string | null)[] = [];

    for (const point of [first, first, second]) {
      const { signal, code, stderr } = await run(project, slot, { RECONCILE_CRASH_AT: point });
      signals.push(signal);
      expect(signal ?? code, stderr).toBeOneOf(['SIGKILL', 0]);
      for (const [name, bytes] of await visibleOf(project)) {
        expect(visible.get(name)?.equals(bytes) ?? true, `${name} changed after it was visible`).toBe(true);
        visible.set(name, bytes);
      }
    }
    expect(signals[0]).toBe('SIGKILL');
    await expectRecovery(scenario, project, visible);
  });
});

/** Instants that nobody named. */
test.each(Array.from({ length: 6 }, (_, index) => index))('killed at a random instant, twice (%i)', async (index) => {
  const scenario = (['parts', 'incremental', 'encrypted', 'compressed'] as const)[index % 4] ?? 'parts';
  const project = await copyOf(scenario, `random-${index}`);
  const slot = slotOf(scenario);
  const visible = new Map<string, Buffer>();

  for (let kill = 0; kill < 2; kill += 1) {
    // The command needs about half a second; early and late alike.
    const delayMs = 50 + Math.random() * 700;
    await reconcile(argsOf(project, slot), {
      started: (pid) =>
        void setTimeout(() => {
          try {
            process.kill(pid, 'SIGKILL');
          } catch {
            // It has ended already.
          }
        }, delayMs),
    });
    for (const [name, bytes] of await visibleOf(project)) {
      expect(visible.get(name)?.equals(bytes) ?? true, `${name} changed after it was visible (killed after ${delayMs} ms)`).toBe(true);
      visible.set(name, bytes);
    }
  }
  await expectRecovery(scenario, project, visible);
});

/** Started once more, the slot ends as in a project where nothing happened; then it is over, and the next one goes on from it. */
async function expectRecovery(scenario: Scenario, project: string, visible: ReadonlyMap<string, Buffer>, asksOnceMore = false): Promise<void> {
  const slot = slotOf(scenario);
  const again = await run(project, slot);
  const after = await filesOf(project);
  const once = asksOnceMore ? await run(project, slot) : again;
  const next = await run(project, SLOTS[SCENARIOS[scenario].slots] ?? '');

  expect(again.code, again.stderr + again.stdout).toBe(0);
  const [first] = runsOf(again.stdout);
  expect(first).toMatchObject({ status: 'success', slot });
  for (const [name, bytes] of visible) expect(after.get(name)?.equals(bytes), `${name} changed after it was visible`).toBe(true);
  expect(await readable(after)).toEqual(await readable(await filesOf(join(folder, `${scenario}-reference`))));
  expect(runsOf(once.stdout)[0]).toMatchObject({ id: first?.id, startedAt: first?.startedAt });
  expect(next.code, next.stderr).toBe(0);
  expect(runsOf(next.stdout)[0]?.counts.activated).toBe(SCENARIOS[scenario].export === 'incremental' ? 0 : 1100);
  const kept = `${runsOf(next.stdout)[0]?.id}.parquet`;
  expect(await readdir(join(project, '.reconcile', 'snapshots', 'act', 'all'))).toEqual([kept, `${kept}.sha256`]);
  await rm(project, { recursive: true, force: true });
}

async function copyOf(scenario: Scenario, name: string): Promise<string> {
  const project = join(folder, `${scenario}-${name}`);
  await cp(join(folder, scenario), project, { recursive: true });
  return project;
}

function slotOf(scenario: Scenario): string {
  return SLOTS[SCENARIOS[scenario].slots - 1] ?? '';
}

test('a destination without space: the run fails, nothing is visible, and the slot recovers', async () => {
  const project = join(folder, 'full-space');
  await cp(join(folder, 'full'), project, { recursive: true });
  await mkdir(join(project, 'out'), { recursive: true });

  const failed = await inNamespace(project, `mount -t tmpfs -o size=16k tmpfs ${join(project, 'out')}`, SLOTS[0]);
  const again = await run(project, SLOTS[0]);

  expect(failed.code, failed.stderr + failed.stdout).toBe(1);
  expect(runsOf(failed.stdout)[0]).toMatchObject({ status: 'failed', error: { code: 'RC5010' } });
  expect(again.code, again.stderr).toBe(0);
  expect(await readable(await filesOf(project))).toEqual(await readable(await filesOf(join(folder, 'full-reference'))));
});

test('a destination that cannot be written: the run says where and what to do, and the slot recovers', async () => {
  const project = join(folder, 'full-permission');
  await cp(join(folder, 'full'), project, { recursive: true });
  await mkdir(join(project, 'out'), { recursive: true });

  const failed = await inNamespace(project, `mount -t tmpfs -o ro tmpfs ${join(project, 'out')}`, SLOTS[0]);
  const again = await run(project, SLOTS[0]);

  expect(failed.code, failed.stderr + failed.stdout).toBe(1);
  expect(runsOf(failed.stdout)[0]?.error?.message).toContain('out');
  expect(runsOf(failed.stdout)[0]?.error?.hint).toBeTruthy();
  expect(again.code, again.stderr).toBe(0);
});

function run(project: string, slot: string, env: Readonly<Record<string, string>> = {}): ReturnType<typeof reconcile> {
  return reconcile(argsOf(project, slot), { env });
}

function argsOf(project: string, slot: string): readonly string[] {
  return ['-C', project, '--now', slot, 'run', 'act', '--slot', slot, '--json'];
}

/** Runs the command where a mount of its own stands in the way; needs no rights beyond a user namespace. */
async function inNamespace(project: string, mount: string, slot: string): ReturnType<typeof reconcile> {
  const { spawn } = await import('node:child_process');
  return new Promise((done, fail) => {
    const command = `${mount} && exec "${process.execPath}" "${ROOT}scripts/reconcile.mjs" -C "${project}" --now ${slot} run act --slot ${slot} --json`;
    const child = spawn('unshare', ['-rm', 'sh', '-c', command], { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (text: Buffer) => (stdout += String(text)));
    child.stderr.on('data', (text: Buffer) => (stderr += String(text)));
    child.on('error', fail);
    child.on('close', (code, signal) => done({ code, signal, stdout, stderr }));
  });
}

function runsOf(stdout: string): readonly Run[] {
  return (JSON.parse(stdout === '' ? '{"runs":[]}' : stdout) as { runs: readonly Run[] }).runs;
}

/** A project that is applied, with everything before the slot at hand done; and beside it one where that slot ran undisturbed. */
async function prepare(scenario: Scenario, publicKey: string, signingKey: string): Promise<void> {
  const settings = SCENARIOS[scenario];
  const project = join(folder, scenario);
  await mkdir(join(project, 'manifests'), { recursive: true });
  await writeFile(join(project, 'key.asc'), publicKey);
  await writeFile(join(project, 'sign.asc'), signingKey);
  await writeFile(join(project, 'reconcile.yaml'), 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: crash}\nspec: {}\n');
  await writeFile(
    join(project, 'manifests', 'all.yaml'),
    `${PEOPLE_SOURCE}
---
apiVersion: reconcile/v1
kind: Attributes
metadata: {name: person}
spec: {source: shop, dataset: people, identities: {crmId: {column: id, primary: true}}, fields: {name: {column: name, type: string}, cc: {column: cc, type: string}}}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: all}
spec: {attributes: person, pql: 'cc = "DE"'}
---
apiVersion: reconcile/v1
kind: Destination
metadata: {name: outbox}
spec: {type: local-directory, storage: {type: local, path: out}${scenario === 'encrypted' ? ', encryption: {pgpPublicKey: {file: key.asc}, signWith: {privateKey: {file: sign.asc}}}' : ''}}
---
apiVersion: reconcile/v1
kind: Activation
metadata: {name: act}
spec:
  destination: outbox
  segments: [all]
  mapping: [{source: identityMap.crmId, target: id}, {source: name, mandatory: true}, {source: segmentMembership.status, target: status}]
  export: ${settings.export}
  schedule: {every: 24h, at: "02:00", start: 2026-01-01}
  file: ${settings.file}
`,
  );
  await writePeople(project, 0);
  const applied = await reconcile(['-C', project, '--now', '2026-01-01T00:00:00Z', 'apply', '--auto-approve', '--no-input']);
  if (applied.code !== 0) throw new Error(`${applied.stdout}${applied.stderr}`);
  for (const slot of SLOTS.slice(0, settings.slots - 1)) await run(project, slot);
  await writePeople(project, settings.slots - 1);
  const reference = join(folder, `${scenario}-reference`);
  await cp(project, reference, { recursive: true });
  const undisturbed = await run(reference, SLOTS[settings.slots - 1] ?? '');
  if (undisturbed.code !== 0) throw new Error(`${undisturbed.stdout}${undisturbed.stderr}`);
}

/** 1,100 people of 1,500 are members; each step moves some in and as many out. */
function writePeople(project: string, step: number): Promise<void> {
  const people = Array.from({ length: 1500 }, (_, id) => `${id},"Name ""${id}""\nsecond line",${(id + step * 50) % 1500 < 1100 ? 'DE' : 'FR'}`);
  return writeFile(join(project, 'people.csv'), `id,name,cc\n${people.join('\n')}\n`);
}

async function filesOf(project: string): Promise<ReadonlyMap<string, Buffer>> {
  const names = await readdir(join(project, 'out')).catch(() => []);
  return new Map(await Promise.all(names.toSorted().map(async (name) => [name, await readFile(join(project, 'out', name))] as const)));
}

/** What a receiver may look at: an upload that a kill cut off lies under a hidden temporary name, and is removed by what goes on. */
async function visibleOf(project: string): Promise<ReadonlyMap<string, Buffer>> {
  return new Map([...(await filesOf(project))].filter(([name]) => !isUnfinishedName(name)));
}

/** What a receiver reads; run ids and digests of ciphertexts differ between two runs of a slot in two projects. */
async function readable(files: ReadonlyMap<string, Buffer>): Promise<Readonly<Record<string, string>>> {
  const entries = await Promise.all(
    [...files].map(async ([name, bytes]) => {
      if (name.startsWith('manifest-')) {
        const { files: listed } = JSON.parse(bytes.toString()) as { files: readonly { path: string; rows: number }[] };
        return ['manifest', JSON.stringify(listed.map(({ path, rows }) => [path, rows]))] as const;
      }
      if (name.startsWith('checksums-')) {
        const lines = bytes.toString().trimEnd().split('\n');
        const holds = lines.every(
          (line) =>
            createHash('sha256')
              .update(files.get(line.slice(66)) ?? '')
              .digest('hex') === line.slice(0, 64),
        );
        return ['checksums', JSON.stringify([holds, lines.map((line) => line.slice(66))])] as const;
      }
      if (name.endsWith('.gz')) return [name, gunzipSync(bytes).toString()] as const;
      if (!name.endsWith('.pgp')) return [name, bytes.toString()] as const;
      const { data } = await decrypt({
        message: await readMessage({ binaryMessage: bytes }),
        decryptionKeys: await readPrivateKey({ armoredKey: privateKey }),
        verificationKeys: await readKey({ armoredKey: signerKey }),
        expectSigned: true,
        format: 'utf8',
      });
      return [name, data] as const;
    }),
  );
  return Object.fromEntries(entries);
}

async function writeTable(): Promise<void> {
  const scenarios = Object.keys(SCENARIOS);
  const lines = POINTS.map((point) => `| ${point} | ${scenarios.map((scenario) => results.get(`${scenario} ${point}`) ?? '**differs**').join(' | ')} |`);
  const path = join(import.meta.dirname, 'README.md');
  const text = await readFile(path, 'utf8');
  const table = `| killed at | ${scenarios.join(' | ')} |\n| --- |${' --- |'.repeat(scenarios.length)}\n${lines.join('\n')}\n`;
  await writeFile(path, text.replace(/(<!-- table -->\n)[^]*(\n<!-- end -->)/, `$1\n${table}$2`));
}
