import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { reconcile } from '../support/reconcile.ts';
import { createShopProject } from '../support/shop-project.ts';

const SLOTS = ['2026-01-01T02:00:00Z', '2026-01-01T08:00:00Z', '2026-01-01T14:00:00Z', '2026-01-01T20:00:00Z'] as const;

test('where somebody stands whose first slot failed and left files: before the next one, once they left, and after it', async () => {
  using project = createShopProject();
  const call = (now: string, ...args: string[]): ReturnType<typeof reconcile> => reconcile(['-C', project.directory, '--now', now, ...args]);
  const manifest = readFileSync(join(project.directory, 'manifests/all.yaml'), 'utf8');
  project.write(
    'manifests/all.yaml',
    manifest.replace('segments: [rich, poor]', 'segments: [rich]').replace('  export: incremental', '  file: {maxRows: 2, sort: true}\n  export: incremental'),
  );
  const load = (rich: string): void =>
    project.write(
      'data/people.csv',
      `id,email,name,income\n${[...'123456'].map((id) => `${id},p${id}@example.com,P,${rich.includes(id) ? 60 : 10}\n`).join('')}`,
    );
  const run = async (slot: string): Promise<unknown> =>
    (JSON.parse((await call(slot, 'run', 'letter', '--slot', slot, '--json')).stdout) as { readonly runs: readonly { readonly status: string }[] }).runs
      .map(({ status }) => status)
      .join();
  const explain = async (now: string, member: string): Promise<string> => {
    const { code, stdout, stderr } = await call(now, 'explain', 'letter', '--member', member);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    return stdout;
  };

  load('1');
  expect(await call('2026-01-01T00:00:00Z', 'apply', '--auto-approve')).toMatchObject({ code: 0 });
  expect(await run(SLOTS[0])).toBe('success');
  mkdirSync(join(project.directory, 'out/outbox_rich_20260101_080000_2.csv'), { recursive: true });
  // Told in a file that nobody completes: 1 left, 2 and 3 came.
  load('234');
  expect(await run(SLOTS[1])).toBe('failed');
  const failed = 'slot 2026-01-01 08:00 UTC did not succeed and left files that may tell of them:';
  const joined = await explain(SLOTS[1], '3');
  expect(joined).toMatch(/^in rich since slot 2026-01-01 08:00 UTC\n/);
  expect(joined).toContain(`${failed} the next file has them again`);
  expect(JSON.parse((await call(SLOTS[1], 'explain', 'letter', '--member', '3', '--json')).stdout)).toMatchObject({
    segments: [{ delivered: false, since: SLOTS[1], files: [], unsettled: [SLOTS[1]] }],
  });
  expect(await explain(SLOTS[1], '1')).toContain(`${failed} the next file says that they left`);

  // 1 is back, 2 has left again.
  load('134');
  const back = await explain(SLOTS[2], '1');
  expect(back).toMatch(/^in rich since slot 2026-01-01 02:00 UTC \(file outbox_rich_20260101_020000\.csv\)\n/);
  expect(back).toContain(`${failed} the next file has them again`);
  const left = await explain(SLOTS[2], '2');
  expect(left).toMatch(/^not in rich\n/);
  expect(left).toContain(`${failed} the next file says that they left`);

  expect(await run(SLOTS[2])).toBe('failed,success');
  for (const member of ['1', '3']) {
    const told = await explain(SLOTS[2], member);
    expect(told).toMatch(/^in rich since slot 2026-01-01 \d\d:00 UTC \(file outbox_rich_20260101_/);
    expect(told).not.toContain('did not succeed');
  }
  expect(await explain(SLOTS[2], '3')).toContain('since slot 2026-01-01 08:00 UTC (file outbox_rich_20260101_140000.csv or one of its 1 other parts)');
  expect(await explain(SLOTS[2], '2')).toMatch(/^not in rich\n(?!.*did not succeed)/s);
});
