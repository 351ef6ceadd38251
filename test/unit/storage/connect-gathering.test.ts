import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { randomFillSync } from 'node:crypto';
import { expect, it } from 'vitest';
import { connectGathering } from '../../../src/storage/sftp/connect-gathering.ts';

it('sends everything in order, whatever becomes of the buffers it was given', async () => {
  // Nothing is read until all is written: much of it waits on our side.
  const server = createServer({ pauseOnConnect: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const socket = connectGathering('127.0.0.1', (server.address() as AddressInfo).port);
  const sent: Buffer[] = [Buffer.from('SSH-2.0-x\r\n')];
  socket.write('SSH-2.0-x\r\n');
  await once(socket, 'connect');

  for (const bytes of [4, 32_784, 16, 300_000, 1, 294_912, 294_913, 100_000, 200_000, 8_000_000, 400_000, 100_000, 250_000, 7]) {
    const given = randomFillSync(Buffer.allocUnsafe(bytes));
    sent.push(Buffer.from(given));
    socket.write(given);
    given.fill(0);
    if (bytes % 2 === 1) await new Promise((go) => setImmediate(go));
  }
  socket.end();
  const [peer] = await accepted;
  const arrived = await buffer(peer);
  server.close();

  expect(arrived.equals(Buffer.concat(sent))).toBe(true);
});
