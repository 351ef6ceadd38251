import { connect, type Socket } from 'node:net';

/**
 * Connects with a socket that sends together what is written in one turn of the event loop. ssh2 writes each packet in three pieces (length, body,
 * checksum); sent one by one they are three system calls and three segments, for which the server wakes three times.
 */
export function connectGathering(host: string, port: number): Socket {
  const socket = connect({ host, port });
  // After `connect`, which puts the method of its own class back.
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  let gathering = false;
  const send = (): void => {
    gathering = false;
    socket.uncork();
  };
  socket.write = (...args: unknown[]): boolean => {
    if (!gathering) {
      gathering = true;
      socket.cork();
      process.nextTick(send);
    }
    return write(...args);
  };
  return socket;
}
