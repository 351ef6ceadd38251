import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findServer, freePort, onTinyDisk, startServer } from './real-server.ts';

export const VERSITYGW: string | undefined = findServer('versitygw-1.8.0/versitygw');

export interface S3Server extends AsyncDisposable {
  readonly port: number;
  readonly endpoint: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
  readonly bucket: string;
  /** Where its objects lie as files. */
  readonly folder: string;
  /** Makes another pair of keys that may do all, with `accounts` only; what is made is known at once. */
  addAccount(accessKeyId: string, secretAccessKey: string): Promise<void>;
}

export interface VersitygwOptions {
  readonly diskBytes?: number;
  readonly accounts?: boolean;
}

/** versitygw, an S3 server over a folder, on a free port, with one bucket; on a disk of `diskBytes` where that is given (root only); `accounts`: with others than root's. */
export async function startVersitygw({ diskBytes, accounts = false }: VersitygwOptions = {}): Promise<S3Server> {
  if (VERSITYGW === undefined) throw new Error('no versitygw');
  const base = await mkdtemp(join(tmpdir(), 'reconcile-s3-'));
  const bucket = 'audiences';
  await mkdir(join(base, 'root', bucket), { recursive: true });
  const port = await freePort();
  const accessKeyId = 'access-key-tests';
  const secretAccessKey = 'secret-key-canary-tests';
  const known = accounts ? ['--iam-dir', join(base, 'accounts'), '--iam-cache-disable'] : [];
  if (accounts) await mkdir(join(base, 'accounts'));
  const args = ['--port', `127.0.0.1:${port}`, '--health', '/health', '--quiet', ...known, 'posix', join(base, 'root')];
  const started = diskBytes === undefined ? ([VERSITYGW, args] as const) : onTinyDisk(VERSITYGW, args, join(base, 'root'), diskBytes, [bucket]);
  const server = await startServer(...started, port, {
    env: { ROOT_ACCESS_KEY: accessKeyId, ROOT_SECRET_KEY: secretAccessKey },
  });
  return {
    port,
    endpoint: `http://127.0.0.1:${port}`,
    accessKeyId,
    secretAccessKey,
    region: 'us-east-1',
    bucket,
    folder: join(base, 'root', bucket),
    async addAccount(access, secret) {
      const root = ['--access', accessKeyId, '--secret', secretAccessKey, '--endpoint-url', `http://127.0.0.1:${port}`];
      await promisify(execFile)(VERSITYGW ?? '', ['admin', ...root, 'create-user', '--access', access, '--secret', secret, '--role', 'admin']);
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await rm(base, { recursive: true, force: true });
    },
  };
}
