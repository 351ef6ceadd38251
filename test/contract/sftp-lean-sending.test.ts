/** Packets sent without garbage are those that ssh2 would have sent: OpenSSH takes them, and the installed ssh2 is one this knows. */
import { randomFillSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, type Algorithms, type SFTPWrapper } from 'ssh2';
import { expect, it } from 'vitest';
import { connectGathering } from '../../src/storage/sftp/connect-gathering.ts';
import { sendLean } from '../../src/storage/sftp/lean-sending.ts';
import { SftpSession } from '../../src/storage/sftp/sftp-session.ts';
import { describeWithServer } from '../support/servers/real-server.ts';
import { SSHD, startSshd, type Sshd } from '../support/servers/sshd.ts';

const MEBIBYTE = 2 ** 20;
const LARGE_BYTES = 8192;

describeWithServer('sftp without garbage', SSHD, () => {
  it.each(['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com'] as const)('sends large pieces itself with %s, and their bytes arrive', async (cipher) => {
    await using server = await startSshd();
    await using connection = await connect(server, { cipher: [cipher] });
    const sent = await uploadOddly(connection.session, join(server.folder, 'odd.bin'), 12 * MEBIBYTE);

    expect((await readFile(join(server.folder, 'odd.bin'))).equals(sent)).toBe(true);
    expect(connection.usual.filter((bytes) => bytes >= LARGE_BYTES)).toEqual([]);
    // Small messages, the opening of the file among them, go ssh2's way.
    expect(connection.usual.length).toBeGreaterThan(0);
  });

  it.each([
    ['another cipher', { cipher: ['aes128-ctr'] }],
    ['compression', { compress: ['zlib@openssh.com'] }],
  ] as const)('leaves everything to ssh2 with %s', async (_, algorithms) => {
    await using server = await startSshd();
    await using connection = await connect(server, algorithms as unknown as Algorithms);
    const sent = await uploadOddly(connection.session, join(server.folder, 'usual.bin'), 3 * MEBIBYTE);

    expect((await readFile(join(server.folder, 'usual.bin'))).equals(sent)).toBe(true);
    expect(sum(connection.usual)).toBeGreaterThan(3 * MEBIBYTE);
  });

  it('goes on while keys are exchanged again and again', async () => {
    await using server = await startSshd(['RekeyLimit 1M']);
    await using connection = await connect(server, {});
    const sent = await uploadOddly(connection.session, join(server.folder, 'keys.bin'), 24 * MEBIBYTE);

    expect((await readFile(join(server.folder, 'keys.bin'))).equals(sent)).toBe(true);
    expect(connection.handshakes()).toBeGreaterThan(5);
    expect(sum(connection.usual)).toBeLessThan(12 * MEBIBYTE);
  });

  it('gives back the memory of every message and packet that was sent', async () => {
    await using server = await startSshd();
    await using connection = await connect(server, {});
    await uploadOddly(connection.session, join(server.folder, 'memory.bin'), 8 * MEBIBYTE);

    const { messages, packets } = connection;
    expect([messages.size, packets.size].map((count) => count > 10)).toEqual([true, true]);
    expect([...messages, ...packets].filter(({ byteLength }) => byteLength > 0)).toEqual([]);
  });
});

interface Connection extends AsyncDisposable {
  readonly session: SftpSession;
  /** The sizes of what ssh2 sent itself. */
  readonly usual: number[];
  handshakes(): number;
  /** The memory of large messages as ssh2 made them, and of large encrypted packets as the socket got them. */
  readonly messages: ReadonlySet<ArrayBufferLike>;
  readonly packets: ReadonlySet<ArrayBufferLike>;
}

async function connect(server: Sshd, algorithms: Algorithms): Promise<Connection> {
  const client = new Client();
  const sock = connectGathering('127.0.0.1', server.port);
  const usual: number[] = [];
  const messages = new Set<ArrayBufferLike>();
  const packets = new Set<ArrayBufferLike>();
  let handshakes = 0;
  client.on('handshake', () => (handshakes += 1));
  const sftp = await new Promise<SFTPWrapper>((done, failed) => {
    client.once('error', failed);
    client.once('ready', () => {
      const protocol = (client as unknown as { _protocol: { channelData: (channel: number, data: Buffer) => void } })._protocol;
      const channelData = protocol.channelData.bind(protocol);
      protocol.channelData = (channel, data) => {
        usual.push(data.length);
        channelData(channel, data);
      };
      const write = sock.write.bind(sock) as (data: Buffer, ...more: unknown[]) => boolean;
      sock.write = (data: Buffer, ...more: unknown[]) => {
        if (data.length >= LARGE_BYTES) packets.add(data.buffer);
        return write(data, ...more);
      };
      sendLean(client, sock);
      const lean = protocol.channelData;
      protocol.channelData = (channel, data) => {
        if (data.buffer.byteLength > 2 * Buffer.poolSize) messages.add(data.buffer);
        lean(channel, data);
      };
      client.sftp((error, channel) => (error ? failed(error) : done(channel)));
    });
    client.connect({ sock, username: server.username, privateKey: server.keys.right, algorithms });
  });
  const session = new SftpSession(client, sftp);
  return {
    session,
    usual,
    messages,
    packets,
    handshakes: () => handshakes,
    async [Symbol.asyncDispose]() {
      session.end();
    },
  };
}

/** Writes of all sizes around what matters, many on their way at once. */
async function uploadOddly(session: SftpSession, path: string, bytes: number): Promise<Buffer> {
  const content = randomFillSync(Buffer.allocUnsafe(bytes));
  const handle = await session.openNew(path);
  const sizes = [session.maxWriteBytes, 1, 32_768, LARGE_BYTES, LARGE_BYTES - 1, 100_003, 32_737, 65_536, session.maxWriteBytes - 1];
  const writes: Promise<void>[] = [];
  for (let at = 0, turn = 0; at < bytes; turn += 1) {
    const end = Math.min(bytes, at + (sizes[turn % sizes.length] ?? 1));
    writes.push(session.write(handle, content.subarray(at, end), at));
    at = end;
    if (writes.length > 24) await writes.shift();
  }
  await Promise.all(writes);
  await session.close(handle);
  return content;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0);
}
