import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, it } from 'vitest';
import { ROOT } from '../reconcile.ts';

const SERVERS = process.env['RECONCILE_TEST_SERVERS'] ?? join(ROOT, '.cache', 'servers');
const READY_MS = 60_000;
const STOP_MS = 5_000;

/** The path of an installed server's file, e.g. `versitygw-1.8.0/versitygw`; undefined when it is not there. */
export function findServer(...candidates: readonly string[]): string | undefined {
  return candidates.map((one) => (one.startsWith('/') ? one : join(SERVERS, one))).find((path) => existsSync(path));
}

/**
 * A suite that needs a real server. Without one it is left out and says so; with RECONCILE_REQUIRE_SERVERS=1, as in the gate, it fails instead.
 */
export function describeWithServer(name: string, server: string | undefined, suite: () => void): void {
  if (server !== undefined) {
    describe(name, suite);
    return;
  }
  const message = `left out: ${name}: its server is not installed; run \`bash scripts/install-test-servers.sh\``;
  if (process.env['RECONCILE_REQUIRE_SERVERS'] === '1') {
    describe(name, () => {
      it('has its server', () => {
        throw new Error(message);
      });
    });
    return;
  }
  process.stderr.write(`${message}\n`);
  describe.skip(name, suite);
}

/** A free port of this machine. Somebody else may take it before it is used, which has not been seen. */
export function freePort(): Promise<number> {
  return new Promise((done, failed) => {
    const server = createServer();
    server.on('error', failed);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (address !== null && typeof address === 'object' ? done(address.port) : failed(new Error('no port'))));
    });
  });
}

/** True where tests may mount: as root. */
export const CAN_MOUNT: boolean = process.getuid?.() === 0;

/**
 * The command with a disk of so many bytes at `folder`, with these folders on it. In a mount namespace of its own: nothing of the machine is changed,
 * and what lies on that disk is seen by the server alone.
 */
export function onTinyDisk(command: string, args: readonly string[], folder: string, bytes: number, folders: readonly string[] = []): [string, string[]] {
  const script = [
    'set -e',
    `mount -t tmpfs -o size=${bytes} tmpfs ${quoted(folder)}`,
    ...folders.map((one) => `mkdir -p ${quoted(join(folder, one))}`),
    `exec ${[command, ...args].map(quoted).join(' ')}`,
  ];
  return ['unshare', ['-m', 'sh', '-c', script.join('\n')]];
}

export interface RunningServer extends AsyncDisposable {
  readonly process: ChildProcess;
  /** What it printed so far. */
  output(): string;
}

/** Starts a server and waits until its port answers; fails with what it printed when it ends before. */
export async function startServer(
  command: string,
  args: readonly string[],
  port: number,
  options: { env?: NodeJS.ProcessEnv; cwd?: string } = {},
): Promise<RunningServer> {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
    ...(options.cwd !== undefined && { cwd: options.cwd }),
  });
  let printed = '';
  child.stdout.on('data', (text: Buffer) => (printed += text.toString()));
  child.stderr.on('data', (text: Buffer) => (printed += text.toString()));
  const ended = new Promise<void>((go) => child.once('close', () => go()));
  child.on('error', (error) => (printed += error.message));
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await ended;
    clearTimeout(timer);
  };
  const deadline = Date.now() + READY_MS;
  while (!(await answers(port))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Error(`${command} did not start: ${printed}`);
    }
    await wait(20);
  }
  return { process: child, output: () => printed, [Symbol.asyncDispose]: stop };
}

function answers(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      done(true);
    });
    socket.once('error', () => done(false));
  });
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
