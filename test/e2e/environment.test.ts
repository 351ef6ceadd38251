import { expect, test } from 'vitest';
import { createShopProject } from '../support/shop-project.ts';
import { reconcile } from '../support/reconcile.ts';

test('what is applied with one environment is not worked with in another', async () => {
  using project = createShopProject();
  project.write('environments/prod.yaml', 'tier: gold\n');
  const call = (...args: string[]): ReturnType<typeof reconcile> => reconcile(['-C', project.directory, ...args]);
  expect((await call('--env', 'prod', 'apply', '--auto-approve')).code).toBe(0);

  for (const command of [['run', 'letter'], ['evaluate'], ['watch'], ['watch', '--once'], ['status'], ['status', '--json']]) {
    const { code, stdout, stderr } = await call(...command);
    expect({ command, code }).toEqual({ command, code: 64 });
    expect(stdout + stderr).toContain('RC3017');
    expect(stdout + stderr).toContain('this state was applied with the environment `prod`, not without one');
    expect(stdout + stderr).toContain('use --env prod');
  }
  const list = await call('--env', 'prod', 'runs', 'list', '--json');
  expect(JSON.parse(list.stdout)).toEqual({ runs: [] });

  expect((await call('--env', 'prod', 'status')).code).toBe(0);
  expect((await call('--env', 'prod', 'run', 'letter')).code).toBe(0);
  expect((await call('--env', 'prod', 'evaluate')).code).toBe(0);
  const retry = await call('runs', 'replay', (JSON.parse((await call('runs', 'list', '--json')).stdout) as { runs: { id: string }[] }).runs[0]?.id ?? '');
  expect(retry.code).toBe(64);
}, 120_000);
