import { afterEach, beforeEach, expect, test } from 'vitest';
import { reconcile, type Ended } from '../support/reconcile.ts';
import { createShopProject } from '../support/shop-project.ts';
import type { TempProject } from '../support/temp-project.ts';

let project: TempProject;
const run = (args: readonly string[], secret?: string): Promise<Ended> =>
  reconcile(['-C', project.directory, ...args], { env: secret === undefined ? {} : { TEST_SFTP_PASSWORD: secret } });
beforeEach(async () => {
  project = createShopProject();
  const key = `SHA256:${'a'.repeat(43)}`;
  project.write(
    'manifests/remote.yaml',
    `apiVersion: reconcile/v1\nkind: Destination\nmetadata: {name: remote}\nspec: {type: sftp, storage: {type: sftp, host: h, username: u, password: {env: TEST_SFTP_PASSWORD}, hostKey: "${key}", path: /in}}\n`,
  );
  expect(await run(['apply', '--auto-approve', '--no-input'], 'CANARY-one')).toMatchObject({ code: 0 });
});
afterEach(() => project[Symbol.dispose]());

test('nothing outside has changed: 0; edits of manifests are no drift', async () => {
  project.write('manifests/remote.yaml', '');

  expect(await run(['drift'], 'CANARY-one')).toMatchObject({ code: 0, stdout: expect.stringContaining('No drift') as string });
});

test('another secret, a missing one and a missing column are drift, with 7, and no value is told', async () => {
  project.write('data/people.csv', 'id,mail,name,income\n1,a@b,A,2\n');

  const changed = await run(['drift', '--json'], 'CANARY-two');
  const missing = await run(['drift']);

  expect(changed.code).toBe(7);
  expect(JSON.parse(changed.stdout)).toEqual({
    drift: [
      expect.objectContaining({ kind: 'Attributes', name: 'person', rule: 'source-changed', message: 'dataset `people` has no column `email`' }),
      expect.objectContaining({ kind: 'Destination', name: 'remote', rule: 'secret-changed' }),
    ],
  });
  expect(missing).toMatchObject({ code: 7, stdout: expect.stringContaining('secret-missing') as string });
  expect(changed.stdout + changed.stderr + missing.stdout + missing.stderr).not.toContain('CANARY');
});
