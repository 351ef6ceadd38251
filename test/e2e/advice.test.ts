import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { reconcile, type Ended } from '../support/reconcile.ts';
import { createStarterProjects, type StarterProjects } from '../support/starter-project.ts';

/** What is advised works when it is typed as it stands. */
let projects: StarterProjects;
beforeAll(async () => {
  projects = await createStarterProjects('advice');
});
afterAll(() => projects.remove());

/** Two segments with schedules of their own: no slot of one is a slot of the other. */
const APART = `apiVersion: reconcile/v1
kind: Destination
metadata: {name: outbox}
spec: {type: local-directory, storage: {type: local, path: out}}
---
apiVersion: reconcile/v1
kind: Activation
metadata: {name: newsletter}
spec:
  destination: outbox
  segments: [german-recent-buyers, {name: wealthy-owners, export: full, schedule: {every: 24h, at: "05:00"}}]
  mapping: [{source: identityMap.crmId, target: id}]
  export: incremental
  schedule: {every: 6h, at: "02:00", start: 2026-12-01}
`;

async function makeProject(): Promise<(now: string, args: readonly string[], env?: Readonly<Record<string, string>>) => Promise<Ended>> {
  const folder = projects.make({ 'manifests/newsletter.yaml': APART });
  const call = (now: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> =>
    reconcile(['-C', folder, '--now', now, ...args], { env });
  expect(await call('2026-12-01T00:00:00Z', ['apply', '--auto-approve'])).toMatchObject({ code: 0 });
  return call;
}

/** The words of the first `reconcile … run…` in a text, without the flags that `call` gives. */
function advised(text: string): readonly string[] {
  const [, words = ''] = /reconcile(?: -C \S+)?(?: --now \S+)? (runs? [^\n`;]*)/.exec(text) ?? [];
  return words.trim().split(/\s+/);
}

test('status: the run of an overdue slot names the segment whose slot it is', async () => {
  const call = await makeProject();
  const { stdout } = await call('2026-12-01T09:00:00Z', ['status']);

  expect(stdout).toContain('Overdue');
  expect(await call('2026-12-01T09:00:00Z', advised(stdout))).toMatchObject({ code: 0 });
});

test('status --json and state doctor: a run that was killed is gone on with', async () => {
  const call = await makeProject();
  const slot = '2026-12-01T02:00:00Z';
  const killed = await call(slot, ['run', 'newsletter', '--segment', 'german-recent-buyers', '--slot', slot], { RECONCILE_CRASH_AT: 'published' });
  expect(killed.signal).toBe('SIGKILL');
  const status = await call('2026-12-01T03:00:00Z', ['status', '--json']);
  const doctor = await call('2026-12-01T03:00:00Z', ['state', 'doctor']);

  expect(advised(doctor.stdout + doctor.stderr)).toEqual(advised(status.stdout));
  expect(await call('2026-12-01T03:00:00Z', advised(status.stdout))).toMatchObject({ code: 0 });
  expect((await call('2026-12-01T03:00:00Z', ['state', 'doctor'])).stderr).not.toContain('interrupted');
});

test('plan without the data: who reads it alone is told that nobody was counted, and by which activation', async () => {
  const folder = projects.make({ 'manifests/newsletter.yaml': APART });
  renameSync(join(folder, 'data/customers.csv'), join(folder, 'data/elsewhere.csv'));
  const text = await reconcile(['-C', folder, 'plan']);
  const markdown = await reconcile(['-C', folder, 'plan', '--markdown']);

  expect([text.code, markdown.code]).toEqual([0, 0]);
  expect(text.stdout).toMatch(/^! the people of Activation\/newsletter cannot be counted: .*customers\.csv/m);
  expect(markdown.stdout).toMatch(/^- :warning: the people of Activation\/newsletter cannot be counted: .*customers\.csv/m);
  expect(text.stdout + markdown.stdout).not.toMatch(/sources read/i);
});
