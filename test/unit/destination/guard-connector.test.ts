import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { Connector, DeliveredBatch } from '../../../src/destination/connector.ts';
import { guardConnector } from '../../../src/destination/guard-connector.ts';
import { captureError } from '../../support/campaign/open-connector.ts';

const BATCH: DeliveredBatch = {
  runId: 'r-1',
  activation: 'a',
  segment: 's',
  rows: 5,
  files: [{ path: 'a.json', address: '', rows: 5, bytes: 9, sha256: '' }],
  columns: ['email'],
};
const SECRET = 'CANARY-token';

function guarded(methods: Readonly<Record<string, unknown>>, deadlineMs = 2_000): Connector {
  const whole = {
    check: async () => [],
    prepare: async () => ({ a: 1 }),
    deliver: async () => ({ status: 'imported' }),
    settle: async () => ({ status: 'unknown' }),
  };
  return guardConnector({ ...whole, ...methods } as unknown as Connector, {
    path: 'destinations/acme/destination.yaml',
    folder: '/project/destinations/acme',
    clean: (text) => text.replaceAll(SECRET, '***'),
    cleanWhole: (text) => text.replaceAll(SECRET, '***'),
    deadlineMs,
  });
}

test('that nobody could look, and that nobody was told, pass', async () => {
  const settled = guarded({ settle: async () => ({ status: 'unknown', looked: false }) });
  expect(await settled.settle(BATCH, { status: 'unknown' }, 0)).toEqual({ status: 'unknown', looked: false });
  const thrown = guarded({ deliver: () => Promise.reject(Object.assign(new Error('no such list'), { name: 'AppError', code: 'A1', told: false })) });
  await expect(thrown.deliver(BATCH, undefined)).rejects.toMatchObject({ code: 'A1', told: false });
});

describe('what a connector must not answer', () => {
  const finding = { code: 'A1', level: 'ok', subject: 's', message: 'm' };
  test.each([
    ['check', undefined],
    ['check', 'all well'],
    ['check', [{ ...finding, level: 'fatal' }]],
    ['check', [finding, null]],
    ['prepare', 'token'],
    ['prepare', [1]],
    ['prepare', { deep: { a: 1 } }],
    ['prepare', { not: Number.NaN }],
    ['prepare', { f: () => 1 }],
    ['deliver', undefined],
    ['deliver', { status: 'great' }],
    ['deliver', { status: 'imported', rows: '5' }],
    ['deliver', { status: 'imported', rows: -1 }],
    ['deliver', { status: 'imported', rejected: 6 }],
    [
      'deliver',
      {
        status: 'imported',
        rejected: 1,
        refused: [
          { path: 'a.json', row: 1 },
          { path: 'a.json', row: 2 },
        ],
      },
    ],
    ['deliver', { status: 'imported', refused: 'row 1' }],
    ['deliver', { status: 'imported', refused: [{ path: 'a.json', row: 0 }] }],
    ['deliver', { status: 'imported', refused: [{ path: 'a.json', row: 6 }] }],
    ['deliver', { status: 'imported', refused: [{ path: 'b.json', row: 1 }] }],
    [
      'deliver',
      {
        status: 'imported',
        refused: [
          { path: 'a.json', row: 1 },
          { path: 'a.json', row: 1 },
        ],
      },
    ],
    ['deliver', { status: 'imported', token: { f: () => 1 } }],
    ['settle', { status: 'success' }],
    ['setup', 'text'],
  ] as const)('%s: %o', async (method, answer) => {
    const connector = guarded({ [method]: async () => answer });
    const call = {
      check: () => connector.check([]),
      prepare: () => connector.prepare(BATCH),
      deliver: () => connector.deliver(BATCH, {}),
      settle: () => connector.settle(BATCH, { status: 'unknown' }, 0),
      setup: async () => await connector.setup?.({ columns: [], files: [] }),
    }[method];
    const error = await captureError(call);
    expect(error.code).toBe('RC1362');
    expect(error.message).toContain(`did not answer \`${method}\` with`);
    expect(error.message).toContain('destinations/acme/destination.yaml');
  });
});

test('what is right goes through, and nothing else with it', async () => {
  const connector = guarded({
    check: async () => [{ code: 'A1', level: 'warning', subject: `s ${SECRET}`, message: `m ${SECRET}`, hint: `h ${SECRET}`, column: 'c', more: 1 }],
    prepare: async () => null,
    deliver: async () => ({ status: 'imported', rows: 3, rejected: 2, message: SECRET, token: { id: 'x', at: null }, more: {} }),
  });
  expect(await connector.check([])).toEqual([{ code: 'A1', level: 'warning', subject: 's ***', message: 'm ***', hint: 'h ***', column: 'c' }]);
  expect(await connector.prepare(BATCH)).toBeUndefined();
  expect(await connector.deliver(BATCH, undefined)).toEqual({ status: 'imported', rows: 3, rejected: 2, message: '***', token: { id: 'x', at: null } });
});

test('rows that it names as refused, and that it names them', async () => {
  const refused = [
    { path: 'a.json', row: 5 },
    { path: 'a.json', row: 1 },
  ];
  const connector = guarded({ namesRefused: true, deliver: async () => ({ status: 'imported', refused }) });
  expect(connector.namesRefused).toBe(true);
  expect(await connector.deliver(BATCH, undefined)).toEqual({ status: 'imported', rejected: 2, refused });
  expect(guarded({ namesRefused: 'yes' }).namesRefused).toBeUndefined();
});

test('a method that is not asynchronous will do', async () => {
  expect(await guarded({ check: () => [] }).check([])).toEqual([]);
});

describe('what it throws', () => {
  test('an error for people stays one, without the secret', async () => {
    const thrown = Object.assign(new Error(`closed for ${SECRET}`), { name: 'AppError', code: 'ACME7', hint: `not ${SECRET}`, cause: SECRET });
    const error = await captureError(() => guarded({ deliver: () => Promise.reject(thrown) }).deliver(BATCH, {}));
    expect(error).toMatchObject({ code: 'ACME7', message: 'closed for *** | not ***' });
    expect(error.everything).not.toContain('CANARY');
  });
  test.each([
    ['an Error', new TypeError(`no ${SECRET}`), /failed in `settle`: TypeError: no \*\*\* \(guard-connector\.test\.ts:\d+:\d+\)/],
    ['a text', 'boom', /failed in `settle`: boom/],
    ['nothing', undefined, /failed in `settle`: undefined/],
    ['an object with requests in it', { request: { headers: { authorization: SECRET } } }, /failed in `settle`/],
  ])('%s is a fault of the connector', async (_name, thrown, words) => {
    const error = await captureError(() => guarded({ settle: () => Promise.reject(thrown as Error) }).settle(BATCH, { status: 'unknown' }, 0));
    expect(error.code).toBe('RC1362');
    expect(error.message).toMatch(words);
    expect(error.everything).not.toContain('CANARY');
  });
});

const never = (): Promise<never> => new Promise(() => {});

test('an end that never comes: a deadline for looks, the signal for deliveries', async () => {
  const late = await captureError(() => guarded({ check: never }, 30).check([]));
  expect(late).toMatchObject({ code: 'RC1362', message: expect.stringContaining('did not end `check`') as string });
  const stop = new AbortController();
  const delivering = captureError(() => guarded({ deliver: never }).deliver(BATCH, {}, stop.signal));
  stop.abort();
  expect((await delivering).message).toContain('was stopped');
  const stopped = await captureError(() => guarded({ settle: never }).settle(BATCH, { status: 'unknown' }, 0, AbortSignal.abort()));
  expect(inspect(stopped)).toContain('was stopped');
});
