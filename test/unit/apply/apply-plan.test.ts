import { beforeEach, describe, expect, test, vi } from 'vitest';
import type { ApplyOutcome } from '../../../src/apply/apply-plan.ts';
import type { ActivationSpec } from '../../../src/model/generated/kinds.ts';
import { HOUR_MS } from '../../../src/model/instant.ts';
import type { ResourceKey } from '../../../src/model/resource.ts';
import type { RecordedResource } from '../../../src/state/state-store.ts';
import { createWorld, edited, NOON, resource, SHOP, without, type World } from './support.ts';

let world: World;
beforeEach(() => {
  world = createWorld();
  world.secrets.set('env:TOKEN', 'CANARY-token').set('file:smtp', 'smtp://u:CANARY-smtp@h');
});

const change = (patch: Partial<ActivationSpec>): ReturnType<typeof edited> => edited(SHOP, 'Activation', 'letter', (spec) => ({ ...spec, ...patch }));
const statuses = ({ results }: ApplyOutcome): Record<string, string> =>
  Object.fromEntries(results.map(({ kind, name, status, error }) => [`${kind}/${name}`, `${status}${error === undefined ? '' : `: ${error.message}`}`]));
const recorded = async (key: ResourceKey): Promise<RecordedResource | undefined> => (await world.state.store.read()).resources.get(key);

describe('an apply', () => {
  test('records what was planned; the second plan is empty, and applying it writes nothing', async () => {
    const outcome = await world.reach(SHOP);

    expect(outcome.exit).toBe(0);
    expect(outcome.results.every(({ status }) => status === 'done')).toBe(true);
    const before = await world.state.store.read();
    expect(before.resources.size).toBe(SHOP.length);
    expect((await world.reach(SHOP)).results).toEqual([]);
    expect((await world.state.store.read()).serial).toBe(before.serial);
    expect(await recorded('Segment/a')).toMatchObject({ version: 1, appliedAt: NOON, commit: 'c'.repeat(40), source: { file: 'manifests/all.yaml', line: 1 } });
  });

  test('announces every change in the journal before it makes any', async () => {
    world.crashAt = 'apply-announced';
    await expect(world.reach(SHOP)).rejects.toThrow('crashed');

    const left = await world.state.store.unfinished();
    expect(left[0]).toMatchObject({ type: 'begin', actor: 'alice@here', operations: SHOP.length });
    expect(left.filter(({ type }) => type === 'intent')).toHaveLength(SHOP.length);
    expect((await world.state.store.read()).resources.size).toBe(0);
  });

  test.each(['apply-leased', 'apply-announced', 'apply-checked', 'apply-recorded', 'apply-pruned', 'apply-ended'])(
    'that dies at %s is finished or redone by the next one',
    async (point) => {
      await world.reach(SHOP);
      await snapshotOf('letter', 'b');
      const wanted = edited(without(SHOP, 'Alert/ops'), 'Activation', 'letter', (spec) => ({ ...spec, segments: ['a'] }));
      world.crashAt = point;
      await expect(world.reach(wanted)).rejects.toThrow('crashed');
      world.crashAt = undefined;

      expect((await world.reach(wanted)).exit).toBe(0);

      expect((await world.plan(wanted)).changes).toEqual([]);
      expect(await world.state.store.unfinished()).toEqual([]);
      expect(await world.state.ledger.snapshot('letter', 'b')).toBeUndefined();
      expect(await world.state.ledger.snapshot('letter', 'a')).toBeDefined();
    },
  );

  test('is ended only when what follows it is done: an end that breaks off is taken up again', async () => {
    await world.reach(SHOP);
    await snapshotOf('letter', 'b');
    const wanted = edited(SHOP, 'Activation', 'letter', (spec) => ({ ...spec, segments: ['a'] }));
    world.crashAt = 'apply-recorded';
    await expect(world.reach(wanted)).rejects.toThrow('crashed');
    world.crashAt = undefined;
    vi.spyOn(world.state.ledger, 'prune').mockRejectedValueOnce(new Error('the disk broke'));
    await expect(world.reach(wanted)).rejects.toThrow('the disk broke');

    expect((await world.reach(wanted)).exit).toBe(0);
    expect(await world.state.ledger.snapshot('letter', 'b')).toBeUndefined();
    expect(await world.state.store.unfinished()).toEqual([]);
  });

  test('of a plan whose state has moved is refused with 4, names what moved, and changes nothing', async () => {
    await world.reach(SHOP);
    const plan = await world.plan(edited(SHOP, 'Segment', 'a', (spec) => ({ ...spec, pql: 'id = "1"' })));
    await world.reach(edited(SHOP, 'Attributes', 'customer', (spec) => ({ ...spec, badValues: 'exclude' })));
    const before = await world.state.store.read();

    await expect(world.apply(plan)).rejects.toMatchObject({
      code: 'RC3010',
      exit: 4,
      message: expect.stringContaining('Attributes/customer has been changed') as string,
      hint: expect.stringContaining('reconcile plan') as string,
    });
    expect(await world.state.store.read()).toEqual(before);
  });

  test('goes on when something else has moved that the plan neither touches nor reads', async () => {
    await world.reach(SHOP);
    const plan = await world.plan(edited(SHOP, 'Segment', 'a', (spec) => ({ ...spec, pql: 'id = "1"' })));
    await world.reach(edited(SHOP, 'Destination', 'disk', (spec) => ({ ...spec, marketingActions: ['x'] })));

    expect((await world.apply(plan)).exit).toBe(0);
  });

  test('while another one holds the state is refused with 5', async () => {
    const plan = await world.plan(SHOP);
    await using _lease = await world.state.store.lease(world.deps.owner, { waitMs: 0, purpose: 'test' });

    await expect(world.apply(plan)).rejects.toMatchObject({ exit: 5 });
  });

  test('that is interrupted before it records has recorded nothing', async () => {
    const stop = new AbortController();
    stop.abort(Object.assign(new Error('SIGTERM'), { code: 143 }));

    await expect(world.reach(SHOP, { signal: stop.signal })).rejects.toBeDefined();
    expect((await world.state.store.read()).resources.size).toBe(0);
    expect(await world.state.store.unfinished()).toEqual([]);
  });

  test('for another environment than the state’s is refused with 64', async () => {
    await world.apply(await world.plan(SHOP, { environment: 'prod' }));

    await expect(world.plan(SHOP, { environment: 'dev' })).rejects.toMatchObject({
      code: 'RC3017',
      exit: 64,
      hint: expect.stringContaining('--env prod') as string,
    });
    await expect(world.plan(SHOP)).rejects.toMatchObject({ code: 'RC3017' });
    expect((await world.state.store.read()).environment).toBe('prod');
  });
});

describe('deletions', () => {
  const many = [...SHOP, ...Array.from({ length: 40 }, (_, index) => resource('Segment', `s${index}`, { attributes: 'customer', pql: 'true' }))];

  test('beyond the guards are held with 3, and pass with the measured number only', async () => {
    await world.reach(many);
    const plan = await world.plan(SHOP);

    await expect(world.apply(plan)).rejects.toMatchObject({
      code: 'RC3018',
      exit: 3,
      hint: expect.stringContaining('reconcile apply --allow-deletes=40') as string,
    });
    await expect(world.apply(plan, { allowDeletes: 41 })).rejects.toMatchObject({ exit: 3 });
    await expect(world.apply(plan, { allowDeletes: 1000 })).rejects.toMatchObject({ exit: 3 });
    expect((await world.apply(plan, { allowDeletes: 40 })).exit).toBe(0);
  });

  test('of what is still referred to are skipped', async () => {
    await world.reach(SHOP);
    world.secrets.delete('env:TOKEN');
    const wanted = edited(without(SHOP, 'Segment/b'), 'Activation', 'letter', (spec) => ({ ...spec, segments: ['a'] }));
    world.refusing.set('crm', 'is gone');

    const outcome = await world.reach(wanted);

    expect(outcome.exit).toBe(1);
    expect(statuses(outcome)).toEqual({ 'Activation/letter': 'failed: target mapping: is gone', 'Segment/b': 'skipped: Activation/letter still refers to it' });
    expect(await recorded('Segment/b')).toBeDefined();
  });

  test('of an activation drop its snapshots and nothing else', async () => {
    await world.reach(SHOP);
    await snapshotOf('letter', 'a');
    await snapshotOf('dump', 'a');

    await world.reach(without(SHOP, 'Alert/ops', 'Activation/letter'));

    expect(await world.state.ledger.snapshot('letter', 'a')).toBeUndefined();
    expect(await world.state.ledger.snapshot('dump', 'a')).toBeDefined();
    expect(world.removed).toContain('snapshots/letter-a.parquet');
    expect(world.removed).not.toContain('snapshots/dump-a.parquet');
  });
});

describe('what fails', () => {
  test('a missing secret fails its resource and skips what needs it; everything else is done, with 6', async () => {
    world.secrets.delete('env:TOKEN');

    const outcome = await world.reach(SHOP);

    expect(outcome.exit).toBe(6);
    expect(statuses(outcome)).toMatchObject({
      'Destination/crm': expect.stringContaining('failed: Destination/crm /spec/connection/auth/token: `env:TOKEN` is not set') as string,
      'Activation/letter': 'skipped: Destination/crm was not applied',
      'Alert/ops': 'skipped: Activation/letter was not applied',
      'Destination/disk': 'done',
      'Activation/dump': 'done',
    });
    world.secrets.set('env:TOKEN', 'CANARY-token');
    expect((await world.reach(SHOP)).exit).toBe(0);
    expect((await world.plan(SHOP)).changes).toEqual([]);
  });

  test('a destination is asked with every column of its activations; one that refuses fails with what it said', async () => {
    world.refusing.set('crm', '`email` is no attribute');

    const outcome = await world.reach(SHOP);

    expect(world.checked.find(({ destination }) => destination === 'crm')?.columns).toEqual(['identityMap_id']);
    expect(statuses(outcome)['Destination/crm']).toBe('failed: target mapping: `email` is no attribute');
    expect(outcome.warnings).toEqual(['Destination/disk: clock: is slow']);
    expect(outcome.exit).toBe(6);
  });

  test('when everything fails the exit is 1', async () => {
    world.secrets.clear();

    expect((await world.apply(await world.plan(SHOP, { select: ['Destination/crm'] }))).exit).toBe(1);
  });
});

describe('secrets', () => {
  test('leave no value behind, only references and keyed fingerprints', async () => {
    const plan = await world.plan(SHOP);
    await world.apply(plan);

    const everything = JSON.stringify([plan, [...(await world.state.store.read()).resources.values()], await world.state.store.history(10)]);
    expect(everything).not.toContain('CANARY');
    expect((await recorded('Destination/crm'))?.fingerprints).toEqual({
      '/spec/connection/auth/token': expect.stringMatching(/^hmac-sha256:[0-9a-f]{64}$/) as string,
    });
  });

  test('that lead to another value are a change of their resource, without a patch', async () => {
    await world.reach(SHOP);
    world.secrets.set('env:TOKEN', 'CANARY-other');

    const plan = await world.plan(SHOP);

    expect(plan.changes).toMatchObject([
      { action: 'update', kind: 'Destination', name: 'crm', patch: [], because: [{ rule: 'secret-changed', path: '/spec/connection/auth/token' }] },
    ]);
    expect((await world.apply(plan)).exit).toBe(0);
    expect((await world.plan(SHOP)).changes).toEqual([]);
  });

  test('that changed once more after the plan make it stale', async () => {
    await world.reach(SHOP);
    world.secrets.set('env:TOKEN', 'second');
    const plan = await world.plan(SHOP);
    world.secrets.set('env:TOKEN', 'third');

    await expect(world.apply(plan)).rejects.toMatchObject({ code: 'RC3010', exit: 4, message: expect.stringContaining('Destination/crm') as string });
  });

  test('that are not set are not compared, and are no change', async () => {
    await world.reach(SHOP);
    world.secrets.clear();

    expect((await world.plan(SHOP)).changes).toEqual([]);
  });

  test('equal values at two places have two fingerprints', async () => {
    world.secrets.set('file:smtp', 'CANARY-token');
    await world.reach(SHOP);

    expect(Object.values((await recorded('Destination/crm'))?.fingerprints ?? {})).not.toEqual(
      Object.values((await recorded('Alert/ops'))?.fingerprints ?? {}),
    );
  });
});

describe('activeFrom', () => {
  test.each<[string, (readonly Partial<ActivationSpec>[])[0], boolean]>([
    ['an edit of its schedule', { schedule: { every: '8h' } }, true],
    ['a schedule for one segment', { segments: ['a', { name: 'b', schedule: { every: '12h' } }] }, true],
    ['another mapping', { mapping: [{ source: 'identityMap.id', target: 'x' }] }, false],
    ['one segment less', { segments: ['a'] }, false],
    ['suspending', { suspend: true }, false],
  ])('after %s', async (_, patch, moves) => {
    await world.reach(SHOP);
    world.now = NOON + 5 * HOUR_MS;
    await world.reach(change(patch));

    expect((await recorded('Activation/letter'))?.activeFrom).toBe(moves ? world.now : NOON);
  });

  test('moves with a resume, so that no slot of the pause is due', async () => {
    await world.reach(change({ suspend: true }));
    world.now = NOON + 48 * HOUR_MS;
    await world.reach(change({ suspend: false }));

    expect((await recorded('Activation/letter'))?.activeFrom).toBe(world.now);
  });

  test.each<[string, Partial<ActivationSpec>]>([
    ['an edit of its schedule', { schedule: { every: '8h' } }],
    ['suspending', { suspend: true }],
  ])('the first apply stays on record after %s', async (_, patch) => {
    await world.reach(SHOP);
    world.now = NOON + 50 * HOUR_MS;
    await world.reach(change(patch));
    world.now = NOON + 100 * HOUR_MS;
    await world.reach(SHOP);

    expect(await recorded('Activation/letter')).toMatchObject({ activeFrom: world.now, firstAppliedAt: NOON });
  });

  test('a segment that comes with a schedule of its own is no edit of the others’', async () => {
    await world.reach(change({ segments: ['a'] }));
    const before = (await recorded('Activation/letter'))?.activeFrom;
    world.now = NOON + 50 * HOUR_MS;
    await world.reach(change({ segments: ['a', { name: 'b', schedule: { every: '24h', at: '05:00' } }] }));

    expect(await recorded('Activation/letter')).toMatchObject({ activeFrom: before, segmentsFrom: { b: world.now } });
  });

  test('takes `--now`, not the wall clock', async () => {
    await world.reach(SHOP, { now: 1000 });

    expect(await recorded('Activation/letter')).toMatchObject({ activeFrom: 1000, firstAppliedAt: 1000, appliedAt: NOON });
    expect((await recorded('Segment/a'))?.activeFrom).toBeUndefined();
  });
});

async function snapshotOf(activation: string, segment: string): Promise<void> {
  for (const name of new Set(['a', segment])) {
    const claimed = await world.state.ledger.claim({
      activation,
      segment: name,
      slot: NOON,
      mode: 'incremental',
      owner: world.deps.owner,
      now: NOON,
      newId: crypto.randomUUID(),
      staleAfterMs: 1,
    });
    if (claimed.outcome !== 'claimed') continue;
    const counts = { received: 1, activated: 1, excluded: 0, failed: 0, reasons: {} };
    const snapshot = {
      activation,
      segment: name,
      path: `snapshots/${activation}-${name}.parquet`,
      runId: claimed.run.id,
      slot: NOON,
      members: 1,
      keys: [],
      target: 't',
    };
    await world.state.ledger.finish(claimed.claim, { status: 'success', counts, files: [], endedAt: NOON, work: {}, snapshot });
  }
}
