import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { currentOwner } from '../../src/state/owner.ts';
import { openSqliteState } from '../../src/state/sqlite/open-sqlite-state.ts';
import { createWorkspace, fillState, segment, type Workspace } from '../support/state-fixture.ts';

const PROCESS = fileURLToPath(new URL('../support/state-process.ts', import.meta.url));
const KILLS = 8;

/** A process of `test/support/state-process.ts`, and the lines it has printed. */
interface Worker {
  readonly child: ChildProcess;
  readonly lines: readonly string[];
  /** The end of the process, with its exit code. */
  readonly ended: Promise<number | null>;
  /** Resolves once it has printed so many lines. */
  printed(count: number): Promise<void>;
}

function start(...args: readonly string[]): Worker {
  const child = spawn(process.execPath, [PROCESS, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines: string[] = [];
  const waiting: { count: number; resolve: () => void; reject: (error: Error) => void }[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    for (const one of waiting) if (lines.length >= one.count) one.resolve();
  });
  const ended = new Promise<number | null>((done) => {
    child.once('close', (code) => {
      done(code);
      for (const one of waiting) one.reject(new Error(`ended with ${code} after ${lines.length} lines: ${lines.slice(-3).join(' | ')}`));
    });
  });
  return {
    child,
    lines,
    ended,
    printed: (count) => new Promise((resolve, reject) => void (lines.length >= count ? resolve() : waiting.push({ count, resolve, reject }))),
  };
}

describe('processes that are killed', () => {
  let workspace: Workspace;
  beforeEach(() => void (workspace = createWorkspace()));
  afterEach(() => workspace[Symbol.dispose]());

  it('lose no commit that was durable, leave no half one, and keep nobody out', async () => {
    let durable = 0;
    for (let kill = 0; kill < KILLS; kill += 1) {
      const worker = start('commit', workspace.path);
      await worker.printed(1 + (kill % 4));
      // Somewhere within the next commits.
      await new Promise((later) => setTimeout(later, Math.random() * 15));
      worker.child.kill('SIGKILL');
      await worker.ended;
      durable = Math.max(durable, Number(worker.lines.at(-1)) + 1);

      const state = await openSqliteState({ path: workspace.path });
      const { resources, serial } = await state.store.read();
      const pairs = resources.size / 2;
      expect(Number.isInteger(pairs)).toBe(true);
      for (let pair = 0; pair < pairs; pair += 1) {
        expect(resources.has(`Segment/left-${pair}`) && resources.has(`Segment/right-${pair}`)).toBe(true);
      }
      // One more than was said to be durable may be: it was killed between the commit and the word.
      expect(pairs - durable).toBeGreaterThanOrEqual(0);
      expect(pairs - durable).toBeLessThanOrEqual(1);
      expect(serial).toBe(pairs);
      const open = (await state.store.unfinished()).filter(({ type }) => type === 'begin');
      expect(open.length).toBeLessThanOrEqual(kill + 1);
      const { problems } = await state.inspect();
      expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
      // Its lease is free at once, not after its time.
      await using lease = await state.store.lease(currentOwner(), { waitMs: 0, purpose: 'look' });
      expect(lease.epoch).toBeGreaterThan(kill);
      await lease[Symbol.asyncDispose]();
      await state.close();
    }
    expect(durable).toBeGreaterThan(KILLS);
  });

  it('while they make the database, leave none or a whole one', async () => {
    for (let kill = 0; kill < KILLS; kill += 1) {
      using place = createWorkspace();
      const worker = start('commit', place.path);
      // The database appears within the first half second; nothing tells when.
      await new Promise((later) => setTimeout(later, 100 + Math.random() * 350));
      worker.child.kill('SIGKILL');
      await worker.ended;
      const state = await openSqliteState({ path: place.path });
      expect((await state.store.read()).resources.size % 2).toBe(0);
      const lease = await state.store.lease(currentOwner(), { waitMs: 0, purpose: 'look' });
      await lease[Symbol.asyncDispose]();
      await state.close();
      // Drafts of the killed are swept with the next one's.
      expect(readdirSync(dirname(place.path)).filter((name) => name.endsWith('.new')).length).toBeLessThanOrEqual(1);
    }
  });

  it('leave runs that go on under their ids, with pointer, record and files moved together', async () => {
    let next = 0;
    for (let kill = 0; kill < KILLS; kill += 1) {
      const worker = start('export', workspace.path, String(next));
      await worker.printed(1 + (kill % 5));
      await new Promise((later) => setTimeout(later, Math.random() * 10));
      worker.child.kill('SIGKILL');
      await worker.ended;

      const state = await openSqliteState({ path: workspace.path });
      const runs = (await state.ledger.find({})).toReversed();
      const successes = runs.filter(({ status }) => status === 'success');
      const last = successes.at(-1);
      // Slots are done without a gap, each once.
      expect(successes.map(({ slot }) => slot)).toEqual(successes.map((_, index) => index));
      expect(successes.length).toBeGreaterThan(Number(worker.lines.at(-1)));
      expect(await state.ledger.snapshot('a', 's')).toMatchObject({ runId: last?.id, slot: last?.slot });
      const files = successes.map(({ slot }) => `${slot ?? 0}.csv`);
      const delivered = await state.ledger.delivered('t', files);
      expect(Object.fromEntries([...delivered].map(([path, { runId }]) => [path, runId]))).toEqual(
        Object.fromEntries(successes.map(({ id, slot }) => [`${slot ?? 0}.csv`, id])),
      );
      next = successes.length;
      const left = runs.find(({ slot }) => slot === next);
      const claimed = await state.ledger.claim({
        activation: 'a',
        segment: 's',
        slot: next,
        mode: 'full',
        owner: { ...currentOwner(), pid: worker.child.pid ?? 0 },
        now: Date.now(),
        newId: `fresh-${kill}`,
        staleAfterMs: 60_000,
      });
      expect(claimed).toMatchObject({ outcome: 'claimed', run: { id: left?.id ?? `fresh-${kill}`, step: left?.step ?? 'claimed' } });
      await state.close();
    }
    expect(next).toBeGreaterThan(KILLS);
  });

  it('and hold the lease, are named to others until they are dead, then taken over at once', async () => {
    const holder = start('hold', workspace.path);
    await holder.printed(1);
    const state = await openSqliteState({ path: workspace.path });
    await expect(state.store.lease(currentOwner(), { waitMs: 0, purpose: 'test' })).rejects.toMatchObject({
      code: 'RC3005',
      exit: 5,
      message: expect.stringMatching(new RegExp(`process ${holder.child.pid ?? 0} on .* since 20.*held by a test`)),
      hint: expect.stringContaining('reconcile state unlock --epoch 1'),
    });
    expect(await state.store.unlock()).toMatchObject({ epoch: 1, alive: true, owner: { pid: holder.child.pid } });
    // Suspended is not dead.
    holder.child.kill('SIGSTOP');
    await expect(state.store.lease(currentOwner(), { waitMs: 200, purpose: 'test' })).rejects.toMatchObject({ code: 'RC3005' });
    const waiting = state.store.lease(currentOwner(), { waitMs: 20_000, purpose: 'test' });
    holder.child.kill('SIGKILL');
    await using lease = await waiting;
    expect(lease.epoch).toBe(2);
    await lease[Symbol.asyncDispose]();
    await state.close();
    await holder.ended;
  });
});

describe('processes at once', () => {
  let workspace: Workspace;
  beforeEach(() => void (workspace = createWorkspace()));
  afterEach(() => workspace[Symbol.dispose]());

  it('never hold the lease together, and each gets its turns', async () => {
    const turns = 15;
    const workers = [
      start('contend', workspace.path, String(turns)),
      start('contend', workspace.path, String(turns)),
      start('contend', workspace.path, String(turns)),
    ];
    expect(await Promise.all(workers.map(({ ended }) => ended))).toEqual([0, 0, 0]);
    const held = workers
      .flatMap(({ lines }) => lines.map((line) => line.split(' ').map(BigInt)))
      .map(([epoch = 0n, from = 0n, to = 0n]) => ({ epoch, from, to }))
      .sort((one, other) => (one.from < other.from ? -1 : 1));
    expect(held.length).toBe(3 * turns);
    for (const [index, one] of held.entries()) {
      const before = held[index - 1];
      if (before === undefined) continue;
      expect(one.from >= before.to).toBe(true);
      expect(one.epoch > before.epoch).toBe(true);
    }
    const state = await openSqliteState({ path: workspace.path });
    expect((await state.store.read()).resources.get('Segment/counter')?.version).toBe(3 * turns);
    await state.close();
  });

  it('claim each slot once', async () => {
    const slots = 60;
    const workers = [start('race', workspace.path, '0', String(slots)), start('race', workspace.path, '0', String(slots))];
    await Promise.all(workers.map((worker) => worker.printed(slots)));
    for (const { child } of workers) child.stdin?.end();
    expect(await Promise.all(workers.map(({ ended }) => ended))).toEqual([0, 0]);
    for (let slot = 0; slot < slots; slot += 1) {
      const answers = workers.map(({ lines }) => (lines[slot] ?? '').split(' '));
      expect(answers.map(([, outcome]) => outcome).sort()).toEqual(['busy', 'claimed']);
      expect(new Set(answers.map(([, , id]) => id)).size).toBe(1);
    }
  });
});

describe('a disk that is full', () => {
  it('fails the commit with what to do, keeps what was recorded, and goes on when there is room', async (context) => {
    using workspace = createWorkspace();
    const disk = join(workspace.folder, 'disk');
    mkdirSync(disk);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk], { stdio: 'ignore' });
    } catch {
      context.skip('mounting a small disk needs root');
    }
    try {
      const path = join(disk, '.reconcile', 'state.db');
      await fillState(path, ['one', 'two']);
      const state = await openSqliteState({ path });
      const lease = await state.store.lease(currentOwner(), { waitMs: 0, purpose: 'test' });
      const large = Array.from({ length: 200 }, (_, index) => ({
        type: 'put' as const,
        resource: segment(`large-${index}`, `income > ${index} `.repeat(1000)),
      }));
      await expect(state.store.commit(lease, large, [])).rejects.toMatchObject({ code: 'RC3003', hint: expect.stringMatching(/space/) });
      expect([...(await state.store.read()).resources.keys()]).toEqual(['Segment/one', 'Segment/two']);
      execFileSync('mount', ['-o', 'remount,size=64m', disk]);
      expect((await state.store.commit(lease, large, [])).resources.size).toBe(202);
      await lease[Symbol.asyncDispose]();
      expect((await state.inspect()).problems).toEqual([]);
      await state.close();
    } finally {
      execFileSync('umount', [disk]);
    }
  });

  it('from the start makes no database, or a whole one', async (context) => {
    using workspace = createWorkspace();
    const disk = join(workspace.folder, 'disk');
    mkdirSync(disk);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=40k', 'tmpfs', disk], { stdio: 'ignore' });
    } catch {
      context.skip('mounting a small disk needs root');
    }
    try {
      const path = join(disk, '.reconcile', 'state.db');
      const state = await openSqliteState({ path });
      await expect(state.store.lease(currentOwner(), { waitMs: 0, purpose: 'test' })).rejects.toMatchObject({ code: 'RC3003' });
      expect(readdirSync(dirname(path)).filter((name) => name.startsWith('state.db'))).toEqual([]);
      execFileSync('mount', ['-o', 'remount,size=16m', disk]);
      const lease = await state.store.lease(currentOwner(), { waitMs: 0, purpose: 'test' });
      await lease[Symbol.asyncDispose]();
      await state.close();
    } finally {
      execFileSync('umount', [disk]);
    }
  });
});
