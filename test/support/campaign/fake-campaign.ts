import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { callMethod, FaultError } from './methods.ts';
import { parseSoapRequest, writeFault } from './soap.ts';
import { createCampaignState, type CampaignState, type CampaignSetup } from './state.ts';

/** What goes wrong, for the next calls of a method (or of any): each as a real server or what stands before it does it. */
export type Mishap =
  | { readonly kind: 'fault'; readonly status: 200 | 403 | 500; readonly text: string | (() => string); readonly detail?: string }
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  | { readonly kind: 'html' }
  | { readonly kind: 'redirect'; readonly to: string }
  | { readonly kind: 'hang' }
  /** The connection is cut; `done`: after the work, as when the answer is lost. */
  | { readonly kind: 'cut'; readonly done: boolean }
  /** Every session and token of this server is forgotten before the call is looked at. */
  | { readonly kind: 'expire' };

export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface FakeCampaign extends AsyncDisposable {
  /** Such as http://127.0.0.1:34567. */
  readonly url: string;
  readonly tokenUrl: string;
  readonly state: CampaignState;
  /** Every request, in order. */
  readonly requests: readonly RecordedRequest[];
  /** The next `times` requests to `target` (a SOAP method, `/r/test`, or `token`) go wrong. */
  fail(target: string, mishap: Mishap, times?: number): void;
  close(): Promise<void>;
}

/** A Campaign server that speaks the protocol of `domain/campaign.md` 1.6 over real HTTP, on a free port of this machine. */
export async function startFakeCampaign(setup: Partial<CampaignSetup> = {}): Promise<FakeCampaign> {
  const state = createCampaignState(setup);
  const requests: RecordedRequest[] = [];
  const mishaps: { target: string; mishap: Mishap; times: number }[] = [];
  const sockets = new Set<Socket>();
  const take = (target: string): Mishap | undefined => {
    const found = mishaps.find((one) => one.target === target && one.times > 0);
    if (found !== undefined) found.times -= 1;
    return found?.mishap;
  };
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      const body = await readBody(request);
      const path = request.url ?? '';
      requests.push({ method: request.method ?? '', path, headers: request.headers, body });
      answer({ request, response, body, path, state, take });
    } catch {
      response.destroy();
    }
  };
  const server = createServer((request, response) => void handle(request, response));
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  const url = await listen(server);
  const close = async (): Promise<void> => {
    const closed = new Promise((done) => void server.close(done));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    url,
    tokenUrl: `${url}/ims/token/v3`,
    state,
    requests,
    fail: (target, mishap, times = 1) => void mishaps.push({ target, mishap, times }),
    close,
    [Symbol.asyncDispose]: close,
  };
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: string;
  readonly path: string;
  readonly state: CampaignState;
  readonly take: (target: string) => Mishap | undefined;
}

function answer(exchange: Exchange): void {
  const { path, request } = exchange;
  if (path === '/r/test' && request.method === 'GET') return answerTest(exchange);
  if (path === '/ims/token/v3' && request.method === 'POST') return answerToken(exchange);
  if (path.startsWith('/nl/jsp/soaprouter.jsp') && request.method === 'POST') return answerSoap(exchange);
  send(exchange.response, 404, 'text/html', '<html><body>404 Not Found</body></html>');
}

function answerTest({ response, state, take }: Exchange): void {
  const { version, build, instance } = state;
  const text = `<redir status='OK' date='${new Date(state.now()).toISOString()}' version='${version}' build='${build}' instance='${instance}' sourceIP='127.0.0.1' host='127.0.0.1' localHost='fake'/>`;
  if (!strike(take('/r/test'), response, state)) send(response, 200, 'text/xml', text);
}

function answerToken({ response, state, take, body }: Exchange): void {
  if (strike(take('token'), response, state)) return;
  const form = new URLSearchParams(body);
  const { clientId, clientSecret, tokenSeconds } = state.ims;
  if (form.get('grant_type') !== 'client_credentials' || form.get('client_id') !== clientId || form.get('client_secret') !== clientSecret) {
    return send(response, 400, 'application/json', JSON.stringify({ error: 'invalid_client', error_description: 'invalid client_secret parameter' }));
  }
  send(response, 200, 'application/json', JSON.stringify({ access_token: state.issueBearer(), token_type: 'bearer', expires_in: tokenSeconds }));
}

function answerSoap({ request, response, body, state, take, path }: Exchange): void {
  const action = String(request.headers['soapaction'] ?? '');
  if (new URL(path, 'http://x').searchParams.get('soapAction') !== action) return send(response, 400, 'text/plain', 'soapAction does not match');
  const parsed = parseSoapRequest(body, action);
  const mishap = take(parsed.method) ?? take('*');
  if (mishap?.kind === 'expire') state.forgetSessions();
  else if (mishap?.kind !== 'cut' && strike(mishap, response, state)) return;
  let text: string;
  let status = 200;
  try {
    if (mishap?.kind !== 'cut' || mishap.done) text = callMethod(state, parsed, request.headers);
    else text = '';
  } catch (error) {
    if (!(error instanceof FaultError)) throw error;
    status = error.status;
    text = writeFault(error.message, error.detail);
  }
  if (mishap?.kind === 'cut') response.destroy();
  else send(response, status, 'application/soap+xml;charset=utf-8', text);
}

/** True when the mishap has answered, or has decided never to. */
function strike(mishap: Mishap | undefined, response: ServerResponse, state: CampaignState): boolean {
  if (mishap === undefined) return false;
  if (mishap.kind === 'expire') {
    state.forgetSessions();
    return false;
  }
  if (mishap.kind === 'fault')
    send(response, mishap.status, 'application/soap+xml', writeFault(typeof mishap.text === 'string' ? mishap.text : mishap.text(), mishap.detail));
  else if (mishap.kind === 'status') send(response, mishap.status, 'text/plain', mishap.body ?? '', mishap.headers);
  else if (mishap.kind === 'html')
    send(response, 200, 'text/html', '<!doctype html><html><head><title>Sign in</title></head><body><form>Sign in</form></body></html>');
  else if (mishap.kind === 'redirect') send(response, 302, 'text/plain', '', { location: mishap.to });
  else if (mishap.kind === 'cut') response.destroy();
  return true;
}

function send(response: ServerResponse, status: number, type: string, body: string, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body), ...headers });
  response.end(body);
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
