import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Run } from '../../src/model/run.ts';
import { reconcile } from '../support/reconcile.ts';
import { createShopProject } from '../support/shop-project.ts';

const SLOTS = ['2026-01-01T02:00:00Z', '2026-01-01T08:00:00Z', '2026-01-01T14:00:00Z'] as const;

/** Somebody who asks for one slot after the other, and does not know that a process was killed. What all files come to is what everybody's standing is. */
test.each(['claimed', 'written', 'published-part-1', 'journaled-verified', 'snapshot-placed'])(
  'killed at %s, and the next slot is asked for at once: who left meanwhile is told',
  async (point) => {
    using project = createShopProject();
    const call = (now: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): ReturnType<typeof reconcile> =>
      reconcile(['-C', project.directory, '--now', now, ...args], { env });
    const load = (income: number): void =>
      project.write('data/people.csv', `id,email,name,income\n1,one@example.com,One,60\n2,two@example.com,Two,${income}\n`);
    expect(await call('2026-01-01T00:00:00Z', ['apply', '--auto-approve'])).toMatchObject({ code: 0 });
    const run = (slot: string, env?: Readonly<Record<string, string>>): ReturnType<typeof reconcile> =>
      call(slot, ['run', 'letter', '--segment', 'rich', '--slot', slot, '--json'], env);

    load(10);
    expect((await run(SLOTS[0])).code).toBe(0);
    load(60);
    expect((await run(SLOTS[1], { RECONCILE_CRASH_AT: point })).signal).toBe('SIGKILL');
    load(10);
    const last = await run(SLOTS[2]);
    expect(last.code, last.stderr + last.stdout).toBe(0);

    const { runs } = JSON.parse(last.stdout) as { readonly runs: readonly Run[] };
    expect(runs.at(-1)).toMatchObject({ slot: SLOTS[2], status: 'success' });
    const folder = join(project.directory, 'out');
    const told = new Map<string, string>();
    for (const name of readdirSync(folder).toSorted())
      for (const row of readFileSync(join(folder, name), 'utf8').trimEnd().split('\n').slice(1)) told.set(row.split(',')[0] ?? '', row.split(',').at(-1) ?? '');
    expect(told.get('one@example.com')).toBe('realized');
    expect(told.get('two@example.com') ?? 'exited').toBe('exited');
    const list = JSON.parse((await call(SLOTS[2], ['runs', 'list', '--json'])).stdout) as { readonly runs: readonly Run[] };
    expect(list.runs.map(({ status }) => status)).not.toContain('running');
  },
);
