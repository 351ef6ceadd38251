import { connect, type Socket } from 'node:net';

/** A whole SFTP message of the largest size and its packets' heads and tags. */
const BLOCK_BYTES = 288 * 1024;
/** What two files have on their way. */
const SPARE_BLOCKS = 16;

/** Blocks that were sent, for the next that is; of all connections of a thread. */
const spare: Buffer[] = [];

/**
 * Connects with a socket that sends together what is written in one turn of the event loop. ssh2 writes each packet in three pieces (length, body,
 * checksum), and a message in eight packets; sent one by one they are as many system calls and segments, for which the server wakes each time. What is
 * written is copied at once: the caller may use its buffer again.
 */
export function connectGathering(host: string, port: number): Socket {
  const socket = connect({ host, port });
  // After `connect`, which puts the method of its own class back.
  const write = socket.write.bind(socket) as (data: Uint8Array, done?: (error?: Error | null) => void) => boolean;
  const end = socket.end.bind(socket) as () => Socket;
  let block: Buffer | undefined;
  let filled = 0;
  let due = false;
  const send = (): void => {
    if (!block) return;
    const sent = block;
    write(sent.subarray(0, filled), (error) => {
      // After a failure the system may still hold it.
      if (!error && spare.length < SPARE_BLOCKS) spare.push(sent);
    });
    block = undefined;
    filled = 0;
  };
  const sendLater = (): void => {
    due = false;
    send();
  };
  socket.write = (data: Uint8Array | string): boolean => {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    if (block && filled + bytes.length > BLOCK_BYTES) send();
    // No packet of OpenSSH is that large.
    if (bytes.length > BLOCK_BYTES) return write(Buffer.from(bytes));
    block ??= spare.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES);
    block.set(bytes, filled);
    filled += bytes.length;
    if (!due) {
      due = true;
      process.nextTick(sendLater);
    }
    return !socket.writableNeedDrain;
  };
  socket.end = (): Socket => {
    send();
    return end();
  };
  return socket;
}
