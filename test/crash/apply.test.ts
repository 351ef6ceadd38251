import { spawn } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { reconcile, ROOT, type Ended } from '../support/reconcile.ts';
import { createShopProject, manySegments } from '../support/shop-project.ts';
import type { TempProject } from '../support/temp-project.ts';

/** Every instant between two durable steps of an apply. */
const POINTS = ['apply-leased', 'apply-announced', 'apply-checked', 'apply-recorded', 'apply-pruned', 'apply-ended'] as const;
/** From here on the changes are recorded. */
const RECORDED: ReadonlySet<string> = new Set(['apply-recorded', 'apply-pruned', 'apply-ended']);
const SLOT = '2026-01-01T02:00:00Z';

let project: TempProject;
beforeEach(() => {
  project = createShopProject();
});
afterEach(() => project[Symbol.dispose]());

const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> =>
  reconcile(['-C', project.directory, '--now', SLOT, ...args], { env });
const apply = (env?: Readonly<Record<string, string>>): Promise<Ended> => run(['apply', '--auto-approve', '--no-input'], env);
const applied = async (): Promise<number> => (JSON.parse((await run(['state', 'list', '--json'])).stdout) as { resources: unknown[] }).resources.length;

describe.each(POINTS)('killed at %s', (point) => {
  test('a first apply is whole or not there, and the next one ends it', async () => {
    expect(await apply({ RECONCILE_CRASH_AT: point })).toMatchObject({ signal: 'SIGKILL' });

    expect(await applied()).toBe(RECORDED.has(point) ? 6 : 0);
    expect(await apply()).toMatchObject({ code: 0 });
    expect(await applied()).toBe(6);
    expect(await run(['plan', '--detailed-exitcode', '--no-impact'])).toMatchObject({ code: 0 });
  });

  test('a deletion ends with its snapshots dropped and the other ones kept', async () => {
    await apply();
    expect(await run(['run', 'letter', '--slot', SLOT])).toMatchObject({ code: 0 });
    const text = project.read('manifests/all.yaml');
    project.write('manifests/all.yaml', text.replace('segments: [rich, poor]', 'segments: [rich]'));

    expect(await apply({ RECONCILE_CRASH_AT: point })).toMatchObject({ signal: 'SIGKILL' });
    expect(await apply()).toMatchObject({ code: 0 });
    project.write('manifests/all.yaml', text);
    expect(await apply()).toMatchObject({ code: 0 });

    // Who was dropped starts with everybody; who stayed has nobody new but the twenty without a name, who are tried again each slot.
    const next = '2026-01-01T08:00:00Z';
    const { runs } = JSON.parse((await run(['run', 'letter', '--slot', next, '--now', next, '--json'])).stdout) as {
      runs: { segment: string; counts: { received: number } }[];
    };
    expect(Object.fromEntries(runs.map(({ segment, counts }) => [segment, counts.received]))).toEqual({ rich: 20, poor: 100 });
  });
});

test('killed at any instant, the next apply leaves what an undisturbed one leaves', async () => {
  project.write('manifests/more.yaml', manySegments(500));
  const whole = 506;
  const started = performance.now();
  expect(await run(['plan', '--no-impact', '--no-refresh'])).toMatchObject({ code: 0 });
  const usualMs = (performance.now() - started) * 1.5;
  for (const share of [0.35, 0.55, 0.7, 0.85, 1]) {
    await killAfter(usualMs * share);
    expect([0, whole]).toContain(await applied());
  }

  expect(await apply()).toMatchObject({ code: 0 });
  expect(await applied()).toBe(whole);
  expect(await run(['plan', '--detailed-exitcode', '--no-impact'])).toMatchObject({ code: 0 });
}, 120_000);

/** Starts an apply and kills it and all that it started; it may have ended before. */
function killAfter(ms: number): Promise<void> {
  return new Promise((done) => {
    const child = spawn(process.execPath, [`${ROOT}scripts/reconcile.mjs`, '-C', project.directory, '--now', SLOT, 'apply', '--auto-approve', '--no-input'], {
      stdio: 'ignore',
      detached: true,
    });
    const timer = setTimeout(() => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    }, ms);
    child.on('close', () => {
      clearTimeout(timer);
      done();
    });
  });
}
