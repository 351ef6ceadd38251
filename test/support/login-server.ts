import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request as forward, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface LoginRequest {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Of what is answered here; `''` of what is passed on. */
  readonly body: string;
}

/** An answer, or the port of 127.0.0.1 that the request is passed on to. */
export type LoginAnswer =
  | { readonly status?: number; readonly body: string; readonly type?: string; readonly headers?: Readonly<Record<string, string>> }
  | { readonly passTo: number };

export interface LoginServer extends AsyncDisposable {
  readonly url: string;
  readonly requests: readonly LoginRequest[];
}

export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
}

/** A certificate for these names, signed by itself, in the folder. */
export async function makeCertificate(folder: string, names: readonly string[]): Promise<Certificate> {
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'cert-key.pem')];
  const subject = names.map((name) => (/^[\d.]+$/.test(name) ? `IP:${name}` : `DNS:${name}`)).join(',');
  const args = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=tests', '-addext', `subjectAltName=${subject}`];
  await promisify(execFile)('openssl', [...args, '-keyout', keyFile, '-out', certFile]);
  return { certFile, keyFile };
}

/**
 * Stands for what hands out logins: over plain HTTP at its own address, and, given a certificate, as a proxy that answers in the place of any HTTPS host
 * (`HTTPS_PROXY`).
 */
export async function startLoginServer(answer: (request: LoginRequest) => LoginAnswer, certificate?: Certificate): Promise<LoginServer> {
  const requests: LoginRequest[] = [];
  const open = new Set<Socket>();
  const handle = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', url: path = '', headers } = incoming;
    const told = { method, host: headers.host ?? '', path, headers };
    const early = answer({ ...told, body: '' });
    if ('passTo' in early) {
      requests.push({ ...told, body: '' });
      const outgoing = forward({ host: '127.0.0.1', port: early.passTo, method, path, headers }, (result) => {
        response.writeHead(result.statusCode ?? 500, result.headers);
        result.pipe(response);
      });
      outgoing.on('error', () => response.destroy());
      incoming.pipe(outgoing);
      return;
    }
    let body = '';
    for await (const piece of incoming) body += String(piece);
    requests.push({ ...told, body });
    const final = answer({ ...told, body });
    if ('passTo' in final) throw new Error('only a body decides');
    response.writeHead(final.status ?? 200, { 'content-type': final.type ?? 'application/json', ...final.headers }).end(final.body);
  };
  const plain = createServer((incoming, response) => void handle(incoming, response));
  plain.on('connection', (socket: Socket) => open.add(socket));
  plain.listen(0, '127.0.0.1');
  await once(plain, 'listening');
  const tls =
    certificate &&
    createTlsServer(
      { cert: await readFile(certificate.certFile), key: await readFile(certificate.keyFile) },
      (incoming, response) => void handle(incoming, response),
    );
  if (tls) {
    tls.on('connection', (socket: Socket) => open.add(socket));
    tls.listen(0, '127.0.0.1');
    await once(tls, 'listening');
    plain.on('connect', (_: IncomingMessage, client: Socket) => {
      const inner = connect((tls.address() as AddressInfo).port, '127.0.0.1', () => client.write('HTTP/1.1 200 OK\r\n\r\n'));
      for (const socket of [client, inner]) socket.on('error', () => socket.destroy());
      client.pipe(inner).pipe(client);
    });
  }
  return {
    url: `http://127.0.0.1:${(plain.address() as AddressInfo).port}`,
    requests,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      for (const server of [plain, tls]) await new Promise<void>((done) => (server ? server.close(() => done()) : done()));
    },
  };
}
