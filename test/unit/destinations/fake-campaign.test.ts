import sdk from '@adobe/acc-js-sdk';
import type { Client } from '@adobe/acc-js-sdk';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startFakeCampaign, type FakeCampaign } from '../../support/campaign/fake-campaign.ts';

// The fake is only worth something if Adobe's own SDK, with its own transport, takes it for a Campaign server.

interface FullClient extends Client {
  readonly application: { readonly instanceName: string; readonly buildNumber: string; readonly version: string };
}

let fake: FakeCampaign;
beforeEach(async () => {
  fake = await startFakeCampaign();
});
afterEach(() => fake.close());

async function logon(password = 'secret'): Promise<FullClient> {
  const options = { noStorage: true } as never;
  const client = (await sdk.init(sdk.ConnectionParameters.ofUserAndPassword(fake.url, 'reconcile', password, options))) as FullClient;
  await client.logon();
  return client;
}

test('logon with server facts, /r/test, logoff', async () => {
  const client = await logon();
  expect(client.application).toMatchObject({ instanceName: 'acme_mkt_prod1', buildNumber: '9396', version: '8.6.2' });
  expect(await client.test()).toMatchObject({ status: 'OK', instance: 'acme_mkt_prod1' });
  await client.logoff();
  expect(fake.state.sessions.size).toBe(0);
});

test('queries by makeSoapCall, as select and getIfExists', async () => {
  const client = await logon();
  const query = (operation: string, expr: string): Promise<unknown[]> =>
    client.makeSoapCall(
      'xtk:queryDef',
      'ExecuteQuery',
      false,
      [
        {
          name: 'queryDef',
          type: 'DOMDocument',
          value: { schema: 'nms:deliveryMapping', operation, select: { node: [{ expr: '@id' }, { expr: '@name' }] }, where: { condition: [{ expr }] } },
        },
      ],
      [
        { name: 'entity', type: 'DOMDocument' },
        { name: 'output', type: 'DOMDocument' },
      ],
    );
  expect((await query('select', "@name = 'mapRecipient'"))[1]).toEqual({ deliveryMapping: [{ id: '1', name: 'mapRecipient' }] });
  expect((await query('select', "@name = 'nope'"))[1]).toEqual({ deliveryMapping: [] });
  expect((await query('getIfExists', "@name = 'nope'"))[1]).toBeNull();
  await expect(query('select', '@nope = 1')).rejects.toMatchObject({ name: 'CampaignException', detail: expect.stringContaining('XTK-170036') as string });
});

test('IMS: a bearer on every call; the event’s variables arrive intact', async () => {
  const client = (await sdk.init(sdk.ConnectionParameters.ofImsBearerToken(fake.url, fake.state.issueBearer(), { noStorage: true } as never))) as FullClient;
  await client.logon();
  await client.makeSoapCall(
    'xtk:workflow',
    'PostEvent',
    true,
    [
      { name: 'workflowId', type: 'string', value: 'WKFsegmentImport' },
      { name: 'activity', type: 'string', value: 'signal' },
      { name: 'transition', type: 'string', value: '' },
      { name: 'parameters', type: 'DOMElement', value: { runId: 'r-1', remoteFiles: 'a\nb' } },
      { name: 'complete', type: 'boolean', value: false },
    ],
    [],
  );
  expect(fake.state.events).toMatchObject([{ variables: { runId: 'r-1', remoteFiles: 'a\nb' }, complete: false }]);
});

test.each([
  [200, 'SOP-330011', /SOP-330011/],
  [403, 'XSV-350012', /XSV-350012/],
] as const)('a fault with status %i is what the SDK makes of a real one', async (status, code, words) => {
  const client = await logon();
  fake.fail('GetUserInfo', { kind: 'fault', status, text: `${code} refused`, detail: 'why' });
  const call = client.makeSoapCall('xtk:session', 'GetUserInfo', true, [], [{ name: 'info', type: 'DOMDocument' }]);
  const error = (await call.catch((caught: unknown) => caught)) as Record<string, string>;
  expect(error['name']).toBe('CampaignException');
  // Of a 403 the SDK leaves the code in the raw body: the reason for a transport of ours.
  expect(error['errorCode']).toBe(status === 200 ? code : '');
  expect(`${error['errorCode']} ${error['faultString']} ${error['detail']}`).toMatch(words);
});

test('an expired session, a bad login, an event without its root', async () => {
  const client = await logon();
  fake.fail('GetUserInfo', { kind: 'expire' });
  await expect(client.makeSoapCall('xtk:session', 'GetUserInfo', true, [], [{ name: 'info', type: 'DOMDocument' }])).rejects.toMatchObject({ statusCode: 401 });
  await expect(logon('wrong')).rejects.toMatchObject({ statusCode: 403 });
  const again = await logon();
  const wrongRoot = again.makeSoapCall(
    'xtk:workflow',
    'PostEvent',
    true,
    [
      { name: 'workflowId', type: 'string', value: 'WKFsegmentImport' },
      { name: 'activity', type: 'string', value: 'signal' },
      { name: 'transition', type: 'string', value: '' },
      { name: 'wrong', type: 'DOMElement', value: { a: '1' } },
      { name: 'complete', type: 'boolean', value: false },
    ],
    [],
  );
  await expect(wrongRoot).rejects.toMatchObject({ message: expect.stringContaining('variables') as string });
});

test('the traps are real: the SDK alone cuts a password at its slash', async () => {
  await fake.close();
  fake = await startFakeCampaign({ users: { reconcile: 'pa' } });
  await expect(logon('pa/ss')).resolves.toBeTruthy();
});
