import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** What happens to one connection. Bytes count from the client to the server, or back where `direction` says so. */
export interface Fault {
  /** `cut`: both ends see the end · `reset`: both see a reset · `stall`: nothing passes any more · `slow`: so many bytes a second. */
  readonly kind: 'cut' | 'reset' | 'stall' | 'slow';
  readonly afterBytes: number;
  readonly direction?: 'up' | 'down';
  readonly bytesPerSecond?: number;
}

/** An answer in the server's place, to one HTTP request. */
export interface HttpFault {
  readonly when: (request: { readonly method: string; readonly path: string }) => boolean;
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface FaultProxy extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
  /** Connections so far. */
  readonly connections: number;
  /** Faults that struck: a connection that ends before its point is not broken. */
  readonly struck: number;
  /** Bytes that clients have sent so far. */
  readonly sent: number;
  /** Heads of the HTTP requests that passed, in order: what a client really sent. */
  readonly heads: readonly string[];
  /** The fault of each following connection, in order; without one it passes. */
  inject(...faults: (Fault | undefined)[]): void;
  /** The fault of every connection that has none of its own, until `heal`. */
  injectEach(make: () => Fault | undefined): void;
  /** Takes back the faults that no connection has met yet. */
  heal(): void;
  /** Ends all connections that are open, e.g. those kept alive from before, which have no fault. */
  drop(): void;
  /** Answers in the server's place, each once. */
  answer(...faults: HttpFault[]): void;
}

/** A TCP proxy before a real server, on a free port, that breaks connections as told. */
export async function startFaultProxy(target: number | (() => number)): Promise<FaultProxy> {
  const faults: (Fault | undefined)[] = [];
  const answers: HttpFault[] = [];
  const heads: string[] = [];
  const open = new Set<Socket>();
  let each: (() => Fault | undefined) | undefined;
  let connections = 0;
  let struck = 0;
  let sent = 0;

  const server = createServer((client) => {
    connections += 1;
    const fault = faults.length > 0 ? faults.shift() : each?.();
    const upstream = connect(typeof target === 'number' ? target : target(), '127.0.0.1');
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => {
        open.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    const counted = { up: 0, down: 0 };
    let first = true;
    const breakNow = (): void => {
      if (fault?.kind === 'reset') {
        client.resetAndDestroy();
        upstream.resetAndDestroy();
      } else {
        client.destroy();
        upstream.destroy();
      }
    };
    const pass = (from: Socket, to: Socket, direction: 'up' | 'down') => (data: Buffer) => {
      if (direction === 'up') sent += data.length;
      if (direction === 'up' && interceptRequest(data)) return;
      const before = counted[direction];
      counted[direction] += data.length;
      const hit = fault !== undefined && (fault.direction ?? 'up') === direction && counted[direction] > fault.afterBytes;
      if (!hit) {
        if (!to.write(data)) {
          from.pause();
          to.once('drain', () => from.resume());
        }
        return;
      }
      if (first) struck += 1;
      first = false;
      // Read away and never passed on, so that the proxy still notices when an end gives up.
      if (fault.kind === 'stall') return;
      if (fault.kind === 'slow') {
        from.pause();
        to.write(data);
        setTimeout(() => from.resume(), (data.length / (fault.bytesPerSecond ?? 1_000_000)) * 1000);
        return;
      }
      // What came before the point of the cut gets through, the rest does not.
      to.write(data.subarray(0, Math.max(0, fault.afterBytes - before)), breakNow);
    };
    const interceptRequest = (data: Buffer): boolean => {
      const match = /^(GET|HEAD|PUT|POST|DELETE) (\S+) HTTP\/1\.1\r\n/.exec(data.toString('latin1', 0, 4096));
      if (!match) return false;
      heads.push(data.toString('latin1', 0, Math.max(0, data.indexOf('\r\n\r\n'))));
      const at = answers.findIndex((one) => one.when({ method: match[1] ?? '', path: match[2] ?? '' }));
      const [found] = at < 0 ? [] : answers.splice(at, 1);
      if (!found) return false;
      const body = Buffer.from(found.body ?? '');
      const head = { 'content-length': String(body.length), connection: 'close', date: new Date().toUTCString(), ...found.headers };
      const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}`);
      // The client may be in the middle of its body: it is read away, so that the answer is not lost in a reset.
      client.removeAllListeners('data');
      client.on('data', () => {});
      client.end(Buffer.concat([Buffer.from(`HTTP/1.1 ${found.status} Fault\r\n${lines.join('\r\n')}\r\n\r\n`), body]));
      return true;
    };
    client.on('data', pass(client, upstream, 'up'));
    upstream.on('data', pass(upstream, client, 'down'));
    client.on('end', () => upstream.end());
    upstream.on('end', () => client.end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    get connections() {
      return connections;
    },
    get struck() {
      return struck;
    },
    get sent() {
      return sent;
    },
    heads,
    drop() {
      for (const socket of open) socket.destroy();
    },
    injectEach(make) {
      each = make;
    },
    heal() {
      faults.splice(0);
      each = undefined;
    },
    inject: (...more) => void faults.push(...more),
    answer: (...more) => void answers.push(...more),
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      await new Promise((done) => {
        server.close(done);
      });
    },
  };
}
