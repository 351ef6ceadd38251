import { expect, test } from 'vitest';
import { renderStatus } from '../../../src/cli/render-status.ts';
import { parseInstant } from '../../../src/model/instant.ts';
import { currentOwner, mayBeAlive } from '../../../src/state/owner.ts';
import { readStatus, type Status } from '../../../src/watch/read-status.ts';
import { runDue } from '../../../src/watch/run-due.ts';
import { createWorld, type World } from './world.ts';

const at = (text: string): number => parseInstant(`2026-12-${text}:00Z`) ?? Number.NaN;
const every6h = { schedule: { every: '6h', at: '02:00' } } as const;

function statusOf(world: World): Promise<Status> {
  const { store, exports } = world.deps();
  return readStatus({
    store: { read: () => store.read(), unfinished: () => world.state.store.unfinished() },
    ledger: exports.ledger,
    card: exports.card,
    mayBeAlive,
    now: world.now,
    wall: world.now,
  });
}
const reasons = (status: Status, name: string): Record<string, string> =>
  Object.fromEntries(
    status.resources
      .find((one) => one.kind === 'Activation' && one.name === name)
      ?.conditions.map(({ type, status: value, reason }) => [type, `${value} ${reason}`]) ?? [],
  );

test('nothing applied, nothing run, run, failed, held, suspended, overdue, interrupted', async () => {
  const world = createWorld(at('01T00:00'));
  expect(renderStatus(await statusOf(world), { now: world.now, color: false })).toContain('Nothing is applied');
  for (const name of ['bad', 'good', 'held']) await world.apply(name, every6h);
  await world.apply('off', { ...every6h, suspend: true });
  const fresh = await statusOf(world);
  expect(fresh.activations.find(({ name }) => name === 'good')).toMatchObject({
    lastSuccess: null,
    nextSlots: ['2026-12-01T02:00:00Z', '2026-12-01T08:00:00Z', '2026-12-01T14:00:00Z', '2026-12-01T20:00:00Z', '2026-12-02T02:00:00Z'],
  });
  expect(reasons(fresh, 'good')).toEqual({ Ready: 'True NotRunYet', Reconciling: 'False Idle', Stalled: 'False NotStalled', Suspended: 'False NotSuspended' });
  expect(reasons(fresh, 'off')).toMatchObject({ Ready: 'False Suspended', Suspended: 'True SuspendedBySpec' });

  world.now = at('01T02:01');
  world.export = async ({ activation }) => (activation === 'bad' ? 'failed' : activation === 'held' ? 'held' : 'success');
  await runDue(world.deps());
  const after = await statusOf(world);
  expect(after.activations.find(({ name }) => name === 'good')?.lastSuccess).toBe('2026-12-01T02:00:00Z');
  expect(reasons(after, 'good')).toMatchObject({ Ready: 'True Succeeded', Stalled: 'False NotStalled' });
  expect(reasons(after, 'bad')).toMatchObject({ Ready: 'False RunFailed', Stalled: 'True RunFailed' });
  expect(reasons(after, 'held')).toMatchObject({ Ready: 'False Held', Stalled: 'True Held' });
  const screen = renderStatus(after, { now: world.now, color: false }).split('\n');
  expect(screen[0]).toMatch(/^ACTIVATION +LAST SUCCESS +LAST RUN +NEXT +STATE$/);
  expect(screen.find((line) => line.startsWith('good'))).toMatch(/02:00 \(1 min ago\) +02:00 success, 0 rows +08:00 +Ready$/);
  expect(screen.find((line) => line.startsWith('held'))).toMatch(/never +02:00 held +08:00 +Held +accept or fix: reconcile runs show R/);

  world.now = at('01T09:00');
  expect(reasons(await statusOf(world), 'good')).toMatchObject({ Ready: 'False SlotOverdue' });
  const dead = { host: currentOwner().host, pid: 2 ** 22 + 1, processStart: '' };
  await world.state.ledger.claim({
    activation: 'good',
    segment: 's',
    slot: at('01T08:00'),
    mode: 'incremental',
    owner: dead,
    now: world.now,
    newId: 'DEAD',
    staleAfterMs: 1,
  });
  const killed = await statusOf(world);
  expect(reasons(killed, 'good')).toMatchObject({ Ready: 'False RunInterrupted' });
  expect(renderStatus(killed, { now: world.now, color: false })).toMatch(/\ngood .* 08:00 interrupted +14:00 +Stalled +reconcile runs show DEAD/);
  await world.state.ledger.claim({
    activation: 'good',
    segment: 's',
    slot: at('01T08:00'),
    mode: 'incremental',
    owner: currentOwner(),
    now: world.now,
    newId: 'X',
    staleAfterMs: 1,
  });
  expect(reasons(await statusOf(world), 'good')).toMatchObject({ Ready: 'True RunInProgress', Reconciling: 'True RunInProgress' });
});

test('conditions name the version they speak of and when it changed', async () => {
  const world = createWorld(at('01T00:00'));
  await world.apply('news', every6h);
  await world.apply('news', every6h);
  const [destination, activation] = (await statusOf(world)).resources.toSorted((a, b) => b.kind.localeCompare(a.kind));
  expect(destination?.conditions[0]).toMatchObject({ type: 'Ready', status: 'True', reason: 'Applied', lastTransitionTime: '2026-12-01T00:00:00Z' });
  expect(activation?.conditions[0]?.observedVersion).toBe(2);
});

test('of several segments the screen speaks of the worst by its name, and counts the rows of all when they went well together', async () => {
  const world = createWorld(at('01T00:00'));
  await world.apply('letter', { ...every6h, segments: ['gold', 'silver'] });
  const line = async (): Promise<string> =>
    renderStatus(await statusOf(world), { now: world.now, color: false })
      .split('\n')
      .find((one) => one.startsWith('letter')) ?? '';
  world.now = at('01T02:01');
  world.export = async ({ segment }) => (segment === 'gold' ? 'failed' : 'success');
  await runDue(world.deps());
  // That the other one went well at 02:00 is no success of what failed.
  expect(await line()).toMatch(/^letter +never +02:00 failed \(gold\) +08:00 +Stalled +reconcile runs show R/);

  world.now = at('01T08:01');
  world.export = async () => 'success';
  await runDue(world.deps());
  expect(await line()).toMatch(/^letter +08:00 \(1 min ago\) +08:00 success, 0 rows +14:00 +Ready$/);
});

test('of a failure that begins with a long path the screen shows what is wrong with it', () => {
  const error = {
    code: 'RC5010',
    message: 'cannot write `/incoming/audiences/far_everyone_20260110_020000.csv` on `sftp://exports@sftp.example.com:22`: the disk is full',
  };
  const counts = { received: 1, activated: 0, excluded: 0, failed: 1, reasons: {} };
  const at02 = '2026-12-01T02:00:00Z';
  const run = {
    id: 'R1',
    activation: 'far',
    segment: 's',
    slot: at02,
    mode: 'full',
    status: 'failed',
    counts,
    files: [],
    startedAt: at02,
    endedAt: at02,
    error,
  } as const;
  const condition = { type: 'Ready', status: 'False', reason: 'RunFailed', message: '', lastTransitionTime: at02, observedVersion: 1 } as const;
  const status: Status = {
    resources: [{ kind: 'Activation', name: 'far', conditions: [condition] }],
    activations: [
      { name: 'far', lastSuccess: null, nextSlots: [], suspended: false, segments: [{ segment: 's', lastRun: run, lastSuccess: null, overdueSlot: null }] },
    ],
  };
  expect(renderStatus(status, { now: at('01T03:00'), color: false })).toContain(
    '02:00 failed: cannot write `…one_20260110_020000.csv` on `…rts@sftp.example.com:22`: the disk…',
  );
});

test('of a run under way the screen shows since when: one that hangs looks like any other', async () => {
  const world = createWorld(at('01T00:00'));
  await world.apply('slow', every6h);
  world.now = at('01T02:01');
  const claim = {
    activation: 'slow',
    segment: 's',
    slot: at('01T02:00'),
    mode: 'incremental',
    owner: currentOwner(),
    newId: 'SLOW',
    staleAfterMs: 1000,
  } as const;
  await world.state.ledger.claim({ ...claim, now: world.now });
  const line = async (): Promise<string> => renderStatus(await statusOf(world), { now: world.now, color: false });
  expect(await line()).toMatch(/02:00 running +08:00 +Running/);
  world.now = at('01T05:31');
  expect(await line()).toMatch(/02:00 running for 3 h +08:00 +Running/);
});
