import { describe, expect, test } from 'vitest';
import { AppError } from '../../../src/model/app-error.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS, parseInstant } from '../../../src/model/instant.ts';
import { currentOwner } from '../../../src/state/owner.ts';
import { runDue } from '../../../src/watch/run-due.ts';
import { SlotWorker } from '../../../src/watch/slot-worker.ts';
import { watchSlots } from '../../../src/watch/watch-slots.ts';
import { createWorld, settle, type World } from './world.ts';

const at = (text: string): number => parseInstant(`2026-12-${text}:00Z`) ?? Number.NaN;
const every6h = { schedule: { every: '6h', at: '02:00' } } as const;

async function drain(worker: SlotWorker): Promise<void> {
  await worker.scan();
  while (worker.busy) {
    await worker.next();
    await settle();
    await worker.scan();
  }
}

/** Drives the loop by hand: each tick is a second of both clocks unless told otherwise. */
function drive(world: World): { readonly tick: (ms?: number, jumpMs?: number) => Promise<void>; readonly stop: () => Promise<void> } {
  const stop = new AbortController();
  let elapsed = 0;
  let onTick: (() => void) | undefined;
  const { impatient: _impatient, ...deps } = world.deps();
  const ended = watchSlots({
    ...deps,
    monotonic: () => elapsed,
    signal: stop.signal,
    graceMs: 1000,
    ticks: (callback) => {
      onTick = callback;
      return { stop: () => void (onTick = undefined) };
    },
  });
  return {
    async tick(ms = 1000, jumpMs = 0) {
      elapsed += ms;
      world.now += ms + jumpMs;
      onTick?.();
      await settle();
    },
    async stop() {
      stop.abort();
      await ended;
    },
  };
}

describe('--once', () => {
  test('runs what is due, says what was missed, and a second time does nothing', async () => {
    const world = createWorld(at('01T00:00'));
    await world.apply('news', every6h);
    world.now = at('02T09:00');
    const first = await runDue(world.deps());
    expect(world.log).toEqual(['news/s@02T08:success']);
    expect(first.runs.map(({ status, slot }) => `${slot} ${status}`)).toEqual([
      '2026-12-01T02:00:00Z skipped',
      '2026-12-01T08:00:00Z skipped',
      '2026-12-01T14:00:00Z skipped',
      '2026-12-01T20:00:00Z skipped',
      '2026-12-02T02:00:00Z skipped',
      '2026-12-02T08:00:00Z success',
    ]);
    expect(first.runs[0]?.error).toMatchObject({ code: 'RC7010' });
    expect((await runDue(world.deps())).runs).toEqual([]);
  });

  test('`all` makes up for each slot in order, also past one that fails', async () => {
    const world = createWorld(at('01T00:00'));
    await world.apply('news', { ...every6h, missed: 'all' });
    world.now = at('01T21:00');
    world.export = async ({ slot }) => (slot === at('01T08:00') ? 'failed' : 'success');
    const { runs } = await runDue(world.deps());
    expect(world.log).toEqual(['news/s@01T02:success', 'news/s@01T08:failed', 'news/s@01T14:success', 'news/s@01T20:success']);
    expect(runs).toHaveLength(4);
  });

  test('`skip` leaves an outage behind', async () => {
    const world = createWorld(at('01T00:00'));
    await world.apply('news', { ...every6h, missed: 'skip' });
    world.now = at('01T12:00');
    const { runs } = await runDue(world.deps());
    expect(runs.map(({ status }) => status)).toEqual(['skipped', 'skipped']);
    expect(runs[1]?.error?.hint).toContain('reconcile run news --segment s --slot 2026-12-01T08:00:00Z');
    world.now = at('01T14:20');
    expect((await runDue(world.deps())).runs.map(({ status }) => status)).toEqual(['success']);
  });

  test('what cannot be started is an error and does not stop the others', async () => {
    const world = createWorld(at('01T00:00'));
    await world.apply('bad', { ...every6h, segments: ['x', 'y'] });
    await world.apply('good', every6h);
    world.now = at('01T03:00');
    const deps = world.deps();
    const { runs, errors } = await runDue({
      ...deps,
      run: (request) =>
        request.segments?.includes('x') === true ? Promise.reject(new AppError({ code: 'RC4016', message: 'no storage' })) : deps.run(request),
    });
    expect(errors).toHaveLength(1);
    expect(runs.map(({ activation, segment, status }) => `${activation}/${segment} ${status}`).toSorted()).toEqual(['bad/y success', 'good/s success']);
  });

  test('a slot that another process is at is left to it', async () => {
    const world = createWorld(at('01T00:00'));
    await world.apply('news', every6h);
    world.now = at('01T03:00');
    await world.state.ledger.claim({
      activation: 'news',
      segment: 's',
      slot: at('01T02:00'),
      mode: 'incremental',
      owner: currentOwner(),
      now: world.now,
      newId: 'OTHER',
      staleAfterMs: DAY_MS,
    });
    const { runs } = await runDue(world.deps());
    expect(runs).toMatchObject([{ id: 'OTHER', status: 'skipped', error: { code: 'RC4018' } }]);
    expect(world.log).toEqual([]);
  });
});

describe('the worker', () => {
  test('takes a slot of a dead process up again, before later ones', async () => {
    const world = createWorld(at('01T00:00'));
    await world.apply('news', every6h);
    world.now = at('01T02:01');
    const dead = { host: currentOwner().host, pid: 2 ** 22 + 1, processStart: '' };
    await world.state.ledger.claim({
      activation: 'news',
      segment: 's',
      slot: at('01T02:00'),
      mode: 'incremental',
      owner: dead,
      now: world.now,
      newId: 'KILLED',
      staleAfterMs: DAY_MS,
    });
    world.now = at('01T09:00');
    await drain(new SlotWorker(world.deps()));
    expect(world.log).toEqual(['news/s@01T02:success', 'news/s@01T08:success']);
    expect((await world.runs()).map(({ id, status }) => `${id} ${status}`)).toContain('KILLED success');
  });

  test('one that fails waits without holding up the others, and gives way to its next slot', async () => {
    const world = createWorld(at('01T00:00'));
    await world.apply('bad', every6h);
    await world.apply('good', every6h);
    world.export = async ({ activation }) => (activation === 'bad' ? 'failed' : 'success');
    const worker = new SlotWorker(world.deps({ parallel: 1 }));
    world.now = at('01T02:00');
    await drain(worker);
    expect(world.log).toEqual(['bad/s@01T02:failed', 'good/s@01T02:success']);
    // The ten seconds are not over: nothing is tried, and the worker knows when.
    expect(await worker.scan()).toBe(world.now + 10_000);
    expect(worker.busy).toBe(false);
    world.now += 10_000;
    await drain(worker);
    expect(world.log.at(-1)).toBe('bad/s@01T02:failed');
    expect(await worker.scan()).toBe(world.now + 20_000);
    world.now = at('01T08:00');
    await drain(worker);
    expect(world.log.slice(3)).toEqual(['bad/s@01T08:failed', 'good/s@01T08:success']);
  });

  test('never works at more activations than it may, and never twice at one', async () => {
    const world = createWorld(at('01T00:00'));
    for (const name of ['a', 'b', 'c', 'd', 'e']) await world.apply(name, { ...every6h, segments: ['s', 't'] });
    const atWork = new Set<string>();
    let most = 0;
    world.export = async ({ activation }) => {
      expect(atWork.has(activation)).toBe(false);
      atWork.add(activation);
      most = Math.max(most, atWork.size);
      await settle();
      atWork.delete(activation);
      return 'success';
    };
    world.now = at('01T02:00');
    await drain(new SlotWorker(world.deps({ parallel: 3 })));
    expect(most).toBe(3);
    expect(world.log).toHaveLength(10);
  });

  test('a suspended activation has no slots; resumed it does not replay', async () => {
    const world = createWorld(at('01T00:00'));
    await world.apply('news', { ...every6h, suspend: true });
    world.now = at('01T21:00');
    await drain(new SlotWorker(world.deps()));
    await world.apply('news', every6h);
    await drain(new SlotWorker(world.deps()));
    expect(await world.runs()).toEqual([]);
    world.now = at('02T02:00');
    await drain(new SlotWorker(world.deps()));
    expect(world.log).toEqual(['news/s@02T02:success']);
  });
});

describe('the loop', () => {
  test('runs each slot once as time passes, and notices what was applied meanwhile', async () => {
    const world = createWorld(at('01T00:00'));
    await world.apply('news', every6h);
    const loop = drive(world);
    for (let minute = 0; minute < 24 * 60; minute += 1) await loop.tick(MINUTE_MS);
    expect(world.log).toEqual(['news/s@01T02:success', 'news/s@01T08:success', 'news/s@01T14:success', 'news/s@01T20:success']);
    await world.apply('more', every6h);
    world.now = at('02T01:59');
    for (let second = 0; second < 90; second += 1) await loop.tick();
    expect(world.log.slice(4).toSorted()).toEqual(['more/s@02T02:success', 'news/s@02T02:success']);
    await loop.stop();
  });

  test('a clock that is set forward and back loses no slot and repeats none', async () => {
    const world = createWorld(at('01T00:00'));
    await world.apply('news', every6h);
    const loop = drive(world);
    await loop.tick(1000, 3 * HOUR_MS);
    await loop.tick();
    expect(world.log).toEqual(['news/s@01T02:success']);
    await loop.tick(1000, -2 * HOUR_MS);
    for (let minute = 0; minute < 8 * 60; minute += 1) await loop.tick(MINUTE_MS);
    expect(world.log).toEqual(['news/s@01T02:success', 'news/s@01T08:success']);
    expect(world.events.filter(({ type }) => type === 'clock-jumped')).toHaveLength(2);
    await loop.stop();
  });

  test('one that another process is at is looked at every while, and told once', async () => {
    const world = createWorld(at('01T00:00'));
    await world.apply('news', every6h);
    world.now = at('01T02:01');
    const slot = { activation: 'news', segment: 's', slot: at('01T02:00'), mode: 'incremental', owner: currentOwner(), staleAfterMs: DAY_MS } as const;
    const claimed = await world.state.ledger.claim({ ...slot, now: world.now, newId: 'OTHER' });
    const loop = drive(world);
    for (let second = 0; second < 600; second += 1) await loop.tick();
    const told = (): string[] => world.events.flatMap((event) => (event.type === 'slot-ended' ? event.runs.map(({ status }) => status) : [event.type]));
    expect(told()).toEqual(['slot-started', 'skipped']);
    if (claimed.outcome !== 'claimed') throw new Error('not claimed');
    const counts = { received: 0, activated: 0, excluded: 0, failed: 0, reasons: {} };
    await world.state.ledger.finish(claimed.claim, { status: 'failed', counts, files: [], endedAt: world.now, work: {} });
    for (let second = 0; second < 60; second += 1) await loop.tick();
    expect(told().slice(2)).toEqual(['success']);
    await loop.stop();
  });

  test('the signal lets what is in flight end, and starts nothing new', async () => {
    const world = createWorld(at('01T00:00'));
    await world.apply('news', every6h);
    const loop = drive(world);
    const gate = Promise.withResolvers<void>();
    world.export = async () => {
      await gate.promise;
      return 'success';
    };
    await loop.tick(1000, 2 * HOUR_MS);
    expect(world.events.map(({ type }) => type)).toContain('slot-started');
    const stopped = loop.stop();
    await settle();
    expect(world.log).toEqual([]);
    gate.resolve();
    await stopped;
    expect(world.log).toEqual(['news/s@01T02:success']);
  });

  test('what does not end in its time is stopped', async () => {
    const world = createWorld(at('01T00:00'));
    await world.apply('news', every6h);
    const loop = drive(world);
    world.export = ({ signal }) => new Promise((_, failed) => signal?.addEventListener('abort', () => failed(new Error('stopped'))));
    await loop.tick(1000, 2 * HOUR_MS);
    await loop.stop();
    expect(world.events.at(-1)).toMatchObject({ type: 'slot-stopped', activation: 'news' });
  });

  test('a state that cannot be read for a while ends nothing', async () => {
    const world = createWorld(at('01T00:00'));
    await world.apply('news', every6h);
    const { read } = world.state.store;
    world.state.store.read = () => Promise.reject(new AppError({ code: 'RC3003', message: 'locked' }));
    const loop = drive(world);
    await loop.tick(1000, 2 * HOUR_MS);
    expect(world.events.at(-1)).toMatchObject({ type: 'look-failed', what: 'state' });
    world.state.store.read = read;
    for (let second = 0; second < 35; second += 1) await loop.tick();
    expect(world.log).toEqual(['news/s@01T02:success']);
    await loop.stop();
  });
});
