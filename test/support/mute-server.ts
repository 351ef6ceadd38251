import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';

export interface MuteServer extends AsyncDisposable {
  readonly url: string;
  /** Connections so far. */
  readonly connections: number;
}

/** Takes connections and never says a word. */
export async function startMuteServer(): Promise<MuteServer> {
  const open: Socket[] = [];
  const server = createServer((socket) => void open.push(socket.on('error', () => {})));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get connections() {
      return open.length;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}
