import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { inspect } from 'node:util';
import { afterEach, describe, expect, test } from 'vitest';
import createConnector from '../../../destinations/http-api/connector.ts';
import { readBatches, type Batch, type BatchLimits } from '../../../destinations/http-api/read-batches.ts';
import type { Connector, DeliveredBatch, Receipt } from '../../../src/destination/connector.ts';
import { captureError } from '../../support/campaign/open-connector.ts';
import { createVirtualTime, type VirtualTime } from '../../support/virtual-time.ts';

interface Call {
  readonly method: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

interface Endpoint {
  readonly url: string;
  readonly calls: Call[];
}

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

/** A real server; `answer` decides by the request and its number. */
async function serve(answer: (call: Call, number: number, response: ServerResponse) => number | undefined): Promise<Endpoint> {
  const calls: Call[] = [];
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const call = { method: request.method ?? '', headers: request.headers, body: Buffer.concat(chunks).toString('utf8') };
    calls.push(call);
    const status = answer(call, calls.length, response);
    if (status !== undefined) response.writeHead(status).end('the answer CANARY repeats a@example.com');
  };
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  open.push(() => {
    server.closeAllConnections();
    return new Promise((done) => void server.close(done));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/members?k=CANARY`, calls };
}

interface Opened {
  readonly connector: Connector;
  readonly time: VirtualTime;
}

async function connect(endpoint: Endpoint, details: object = {}, auth?: object): Promise<Opened> {
  const time = createVirtualTime();
  const connector = await createConnector({
    name: 'api',
    spec: { type: 'http-api', details, connection: { url: endpoint.url, ...(auth === undefined ? {} : { auth }) } },
    secret: async () => 'CANARY-token',
    clock: time.clock,
    sleep: time.sleep,
    log: () => {},
  });
  return { connector, time };
}

const rowsOf = (count: number, from = 1): string =>
  Array.from({ length: count }, (_, index) => `${JSON.stringify({ id: from + index, name: 'Zoë\n"x"' })}\n`).join('');

function batchOf(...files: readonly string[]): DeliveredBatch {
  return {
    runId: 'r-1',
    activation: 'a',
    segment: 's',
    rows: 0,
    columns: ['id'],
    files: files.map((text, index) => ({
      path: `part_${index + 1}.json`,
      address: '',
      rows: 0,
      bytes: text.length,
      sha256: '',
      // Chunks that end anywhere, inside characters too.
      open: async () => Readable.from(chunksOf(Buffer.from(text), 7)),
    })),
  };
}

function* chunksOf(bytes: Buffer, size: number): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function send(opened: Opened, batch: DeliveredBatch): Promise<Receipt> {
  return await opened.connector.deliver(batch, await opened.connector.prepare(batch));
}

test('all rows arrive once, in order, as arrays of at most so many', async () => {
  const endpoint = await serve(() => 202);
  const receipt = await send(await connect(endpoint, { maxRows: 100 }), batchOf(rowsOf(250), rowsOf(130, 251)));
  expect(receipt).toEqual({ status: 'imported', rows: 380 });
  const batches = endpoint.calls.map(({ body }) => JSON.parse(body) as { id: number; name: string }[]);
  expect(batches.map(({ length }) => length)).toEqual([100, 100, 50, 100, 30]);
  expect(batches.flat().map(({ id }) => id)).toEqual(Array.from({ length: 380 }, (_, index) => index + 1));
  expect(batches.flat().every(({ name }) => name === 'Zoë\n"x"')).toBe(true);
  // The first hundred rows of the second file are not those of the first.
  expect(new Set(endpoint.calls.map(({ headers }) => headers['idempotency-key'])).size).toBe(5);
});

test.each([
  ['object', (body: string) => (JSON.parse(body) as { rows: unknown[]; runId: string }).rows.length],
  ['lines', (body: string) => body.trimEnd().split('\n').length],
] as const)('the body as %s', async (body, count) => {
  const endpoint = await serve(() => 200);
  expect(await send(await connect(endpoint, { body, maxRows: 3, method: 'PUT' }), batchOf(rowsOf(5)))).toEqual({ status: 'imported', rows: 5 });
  expect(endpoint.calls.map((call) => [call.method, count(call.body)])).toEqual([
    ['PUT', 3],
    ['PUT', 2],
  ]);
});

test('refused rows are found by halves and named by file and row; all others go through', async () => {
  const bad = new Set([3, 64, 65, 199]);
  const taken: number[] = [];
  const endpoint = await serve(({ body }) => {
    const ids = (JSON.parse(body) as { id: number }[]).map(({ id }) => id);
    if (ids.some((id) => bad.has(id))) return 422;
    taken.push(...ids);
    return 200;
  });
  const receipt = await send(await connect(endpoint, { maxRows: 100 }), batchOf(rowsOf(200)));
  expect(receipt).toMatchObject({ status: 'import-failed', rows: 196, rejected: 4 });
  expect(receipt.message).toBe('the endpoint refused 4 rows (part_1.json row 3, part_1.json row 64, part_1.json row 65, part_1.json row 199)');
  expect(taken.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, index) => index + 1).filter((id) => !bad.has(id)));
  const lenient = await send(await connect(endpoint, { maxRows: 100, maxRejectedRows: 4 }), batchOf(rowsOf(200)));
  const named = [3, 64, 65, 199].map((row) => ({ path: 'part_1.json', row }));
  expect(lenient).toMatchObject({ status: 'imported', rows: 196, rejected: 4, refused: named });
});

test('when every row is refused it stops after a hundred', async () => {
  const endpoint = await serve(() => 400);
  const receipt = await send(await connect(endpoint, { maxRows: 1000 }), batchOf(rowsOf(5000)));
  expect(receipt).toMatchObject({ status: 'import-failed', rows: 0, message: expect.stringContaining('sending stopped there') as string });
  expect(endpoint.calls.length).toBeLessThan(400);
});

test('too large a request is cut until it fits, and every row arrives', async () => {
  const taken: number[] = [];
  const endpoint = await serve(({ body }) => {
    if (body.length > 500) return 413;
    taken.push(...(JSON.parse(body) as { id: number }[]).map(({ id }) => id));
    return 200;
  });
  expect(await send(await connect(endpoint, { maxRows: 100 }), batchOf(rowsOf(100)))).toEqual({ status: 'imported', rows: 100 });
  expect(taken).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
});

test('bad moments are waited out, with the same key, as long as asked', async () => {
  const keys = new Set<unknown>();
  const endpoint = await serve(({ headers }, number, response) => {
    keys.add(headers['idempotency-key']);
    if (number === 1) {
      // As a load balancer says it.
      response.writeHead(503, { 'content-type': 'text/html' }).end('<html><body>503 Service Unavailable</body></html>');
      return undefined;
    }
    if (number === 2) {
      response.writeHead(429, { 'retry-after': '11' }).end();
      return undefined;
    }
    if (number === 3) {
      response.destroy();
      return undefined;
    }
    return 200;
  });
  const opened = await connect(endpoint);
  expect(await send(opened, batchOf(rowsOf(2)))).toEqual({ status: 'imported', rows: 2 });
  expect(keys.size).toBe(1);
  expect(opened.time.sleeps).toContain(11_000);
});

test.each([
  ['text/html', '  <!DOCTYPE html><html><body>Sign in</body></html>'],
  ['text/plain', '<html><body>Sign in</body></html>'],
  ['text/html; charset=utf-8', '<!-- corporate proxy --><html><body>Sign in</body></html>'],
  ['text/html', '\n<script>location.href = "/login"</script>'],
])('a web page (%s) that comes back with 200 has taken nothing: %s', async (type, page) => {
  const endpoint = await serve((_call, _number, response) => {
    response.writeHead(200, { 'content-type': type }).end(page);
    return undefined;
  });
  const opened = await connect(endpoint);
  const error = await captureError(() => send(opened, batchOf(rowsOf(2))));
  expect(error).toMatchObject({ code: 'RC6106', message: expect.stringContaining('a web page came back') as string });
  expect(endpoint.calls).toHaveLength(1);
});

test.each([
  ['in pieces', 'text/html', ['\n', '\n<!DOC', 'TYPE html><title>Sign in</title>']],
  ['behind the blank lines of a server page', 'text/html', [`${'\r\n'.repeat(200)}<html>Sign in</html>`]],
  ['as HTML in large letters', 'Text/HTML', ['<form>Sign in</form>']],
])('a web page that comes %s has taken nothing either', async (_how, type, pieces) => {
  const endpoint = await serve((_call, _number, response) => {
    response.writeHead(200, { 'content-type': type });
    const next = (index: number): void => {
      if (index === pieces.length) response.end();
      else response.write(pieces[index], () => setTimeout(next, 50, index + 1));
    };
    next(0);
    return undefined;
  });
  const error = await captureError(async () => send(await connect(endpoint), batchOf(rowsOf(2))));
  expect(error).toMatchObject({ code: 'RC6106', message: expect.stringContaining('a web page came back') as string });
});

test('a plain word is a yes, also of a framework that calls it HTML', async () => {
  const endpoint = await serve((_call, _number, response) => {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('ok');
    return undefined;
  });
  expect(await send(await connect(endpoint), batchOf(rowsOf(2)))).toEqual({ status: 'imported', rows: 2 });
});

test('an answer for each row by itself is no yes', async () => {
  const endpoint = await serve(() => 207);
  const error = await captureError(async () => send(await connect(endpoint), batchOf(rowsOf(2))));
  expect(error).toMatchObject({ code: 'RC6107', message: expect.stringContaining('207') as string });
  expect(endpoint.calls).toHaveLength(1);
});

test('an answer that never ends is not waited for', async () => {
  const endpoint = await serve((_call, _number, response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write('{"more":"and more"}'.repeat(1000)), 1);
    response.on('close', () => clearInterval(timer));
    return undefined;
  });
  expect(await send(await connect(endpoint, { maxRows: 1 }), batchOf(rowsOf(3)))).toEqual({ status: 'imported', rows: 3 });
});

test.each([
  [{}, { type: 'header', name: 'X-Api-Key', value: { env: 'K' } }],
  [{}, { type: 'bearer', token: { env: 'K' } }],
] as const)('a secret that no header can carry is told without its value, and nothing is sent', async (details, auth) => {
  const endpoint = await serve(() => 200);
  const connector = await createConnector({
    name: 'api',
    spec: { type: 'http-api', details, connection: { url: endpoint.url, auth } },
    secret: async () => 'CANARY\nmore',
    clock: Date.now,
    sleep: async () => {},
    log: () => {},
  });
  for (const work of [() => connector.check([]), () => connector.deliver(batchOf(rowsOf(1)), {})]) {
    const error = await captureError(work);
    expect(error.code).toBe('RC1363');
    expect(error.everything).not.toContain('CANARY');
  }
  expect(endpoint.calls).toEqual([]);
});

test('Retry-After as a date', async () => {
  const endpoint = await serve((_call, number, response) => {
    if (number > 1) return 200;
    response.writeHead(503, { 'retry-after': new Date(Date.now() + 60_000).toUTCString() }).end();
    return undefined;
  });
  const opened = await connect(endpoint);
  expect((await send(opened, batchOf(rowsOf(1)))).status).toBe('imported');
  expect(opened.time.sleeps[0]).toBeGreaterThan(55_000);
});

test('a longer wait than a run has is told, not waited', async () => {
  const endpoint = await serve((_call, _number, response) => {
    response.writeHead(429, { 'retry-after': '7200' }).end();
    return undefined;
  });
  const opened = await connect(endpoint);
  const error = await captureError(() => send(opened, batchOf(rowsOf(1))));
  expect(error.code).toBe('RC6102');
  expect(error.everything).toContain('start it again after that time');
  expect(error.everything).toContain('it answered 429 and asks to wait 7200 s');
  expect(opened.time.sleeps).toEqual([]);
});

test('sent again after a crash, every batch carries the key it had', async () => {
  const keys: (readonly string[])[] = [[], []];
  let round = 0;
  const endpoint = await serve(({ headers }, number) => {
    (keys[round] as string[]).push(String(headers['idempotency-key']));
    return round === 0 && number > 3 ? 401 : 200;
  });
  const opened = await connect(endpoint, { maxRows: 10 });
  const batch = batchOf(rowsOf(60));
  await captureError(() => send(opened, batch));
  round = 1;
  expect(await opened.connector.settle(batch, { status: 'unknown' }, 0)).toMatchObject({ status: 'unknown' });
  expect(await send(opened, batch)).toEqual({ status: 'imported', rows: 60 });
  expect(keys[0]).toHaveLength(4);
  expect(keys[1]?.slice(0, 4)).toEqual(keys[0]);
  expect(new Set(keys[1]).size).toBe(6);
});

test.each([
  [401, 'RC6103', 1, 'check connection.auth'],
  [404, 'RC6102', 1, 'check connection.url'],
  [405, 'RC6102', 1, 'check details.method'],
  [503, 'RC6102', 3, 'look into the endpoint’s own log'],
] as const)('status %i ends in an error without the address’s query, the token or the answer', async (status, code, calls, hint) => {
  const endpoint = await serve(() => status);
  const opened = await connect(endpoint, { retries: 2 }, { type: 'bearer', token: { env: 'T' } });
  const error = await captureError(() => send(opened, batchOf(rowsOf(2))));
  expect(error.code).toBe(code);
  expect(error.everything).toContain(hint);
  expect(error.everything).not.toContain('CANARY');
  expect(endpoint.calls).toHaveLength(calls);
  expect(endpoint.calls[0]?.headers.authorization).toBe('Bearer CANARY-token');
});

test('a redirect is not followed', async () => {
  const endpoint = await serve((_call, _number, response) => {
    response.writeHead(307, { location: 'https://elsewhere.example.com/?t=CANARY' }).end();
    return undefined;
  });
  const opened = await connect(endpoint);
  const error = await captureError(() => send(opened, batchOf(rowsOf(2))));
  expect(error).toMatchObject({ code: 'RC6104', message: expect.stringContaining('https://elsewhere.example.com') as string });
  expect(error.everything).not.toContain('CANARY');
});

test('nothing answers: the deadline of a request holds', async () => {
  const endpoint = await serve(() => undefined);
  const opened = await connect(endpoint, { timeoutSeconds: 1, retries: 0 });
  expect((await captureError(() => send(opened, batchOf(rowsOf(1))))).message).toContain('no answer within 1 s');
});

test('an abort stops at once', async () => {
  const stop = new AbortController();
  const endpoint = await serve(() => {
    stop.abort();
    return undefined;
  });
  const { connector } = await connect(endpoint);
  expect((await captureError(() => connector.deliver(batchOf(rowsOf(1)), {}, stop.signal))).code).toBe('RC6105');
});

async function checked(url: string): Promise<string> {
  const { connector } = await connect({ url, calls: [] });
  return inspect(await connector.check([]));
}

test('check: another protocol, and no TLS', async () => {
  const other = createTcpServer((socket) => void socket.on('error', () => {}).end('SSH-2.0-OpenSSH_9.2p1\r\n', () => socket.destroy()));
  await new Promise<void>((done) => void other.listen(0, '127.0.0.1', done));
  open.push(() => new Promise((done) => void other.close(done)));
  const at = `127.0.0.1:${(other.address() as AddressInfo).port}`;
  expect(await checked(`http://${at}/`)).toContain('is not HTTP');
  expect(await checked(`https://${at}/`)).toContain('does not speak TLS');
});

test('check: reachable, refused login, nobody there; no row is sent', async () => {
  const endpoint = await serve(({ headers }) => (headers['x-api-key'] === 'CANARY-token' ? 405 : 401));
  expect(await (await connect(endpoint, {}, { type: 'header', name: 'X-Api-Key', value: { env: 'K' } })).connector.check([])).toMatchObject([{ level: 'ok' }]);
  const refused = await (await connect(endpoint)).connector.check([]);
  expect(refused).toMatchObject([{ code: 'RC6103', level: 'error' }]);
  expect(inspect(refused)).not.toContain('CANARY');
  expect(await (await connect({ url: 'http://127.0.0.1:1/', calls: [] })).connector.check([])).toMatchObject([{ code: 'RC6101', level: 'error' }]);
  expect(endpoint.calls.every(({ method, body }) => method === 'OPTIONS' && body === '')).toBe(true);
});

test.each([
  [404, 'text/plain', 'not here', 'RC6102', 'warning', 'check the path in connection.url'],
  [404, 'text/html', '<html>not here</html>', 'RC6102', 'warning', 'check the path in connection.url'],
  [410, 'text/plain', '', 'RC6102', 'warning', 'check the path in connection.url'],
  [200, 'text/html', '\n<!DOCTYPE html><title>Sign in</title>', 'RC6106', 'warning', 'must be the address that takes the rows'],
  [502, 'text/html', '<html>bad gateway</html>', 'RC6102', 'warning', 'own log'],
  [405, 'text/html', '<html>no</html>', 'RC6100', 'ok', ''],
  [501, 'text/plain', '', 'RC6100', 'ok', ''],
  [204, 'text/plain', '', 'RC6100', 'ok', ''],
] as const)('check: %i with %s %j is told as what it is', async (status, type, body, code, level, hint) => {
  const endpoint = await serve((_call, _number, response) => {
    response.writeHead(status, { 'content-type': type }).end(status === 204 ? undefined : body);
    return undefined;
  });
  const [finding] = await (await connect(endpoint)).connector.check([]);
  expect(finding).toMatchObject({ code, level });
  expect(finding?.hint ?? '').toContain(hint);
});

async function read(text: string, limits: BatchLimits, chunk: number): Promise<Batch[]> {
  const batches: Batch[] = [];
  for await (const batch of readBatches(Readable.from(chunksOf(Buffer.from(text), chunk)), limits)) batches.push({ ...batch, bytes: Buffer.from(batch.bytes) });
  return batches;
}

describe('cutting a file into batches', () => {
  test('any chunks, any limits: the rows are the same', async () => {
    for (const text of ['', '{}', '{}\n', rowsOf(1), rowsOf(50), rowsOf(50).trimEnd(), '{"a":1}\n'.repeat(99)]) {
      for (const maxRows of [1, 2, 7, 1000]) {
        for (const maxBytes of [1, 30, 200, 1_000_000]) {
          for (const chunk of [1, 6, 64, 100_000]) {
            const batches = await read(text, { maxRows, maxBytes }, chunk);
            const expected = text.split('\n').filter(Boolean);
            expect(batches.flatMap(({ bytes }) => bytes.toString('utf8').split('\n'))).toEqual(expected);
            expect(batches.every(({ rows, bytes }) => rows <= maxRows && (rows === 1 || bytes.length <= maxBytes))).toBe(true);
            expect(batches.reduce((next, { firstRow, rows }) => (firstRow === next ? next + rows : Number.NaN), 1)).toBe(expected.length + 1);
          }
        }
      }
    }
  });
  test('a long file is held one batch at a time', async () => {
    let given = 0;
    const stream = Readable.from(
      (function* generate() {
        for (let round = 0; round < 2_000; round += 1) {
          given += 1;
          yield Buffer.from('{"a":"0123456789"}\n'.repeat(500));
        }
      })(),
    );
    for await (const batch of readBatches(stream, { maxRows: 500, maxBytes: 1_000_000 })) {
      expect(batch.rows).toBe(500);
      expect(given).toBeLessThan(60);
      break;
    }
  });
});
