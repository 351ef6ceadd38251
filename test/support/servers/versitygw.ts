import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
}

/** versitygw, an S3 server over a folder, on a free port, with one bucket; on a disk of `diskBytes` where that is given (root only). */
export async function startVersitygw({ diskBytes }: { readonly diskBytes?: number } = {}): Promise<S3Server> {
  if (VERSITYGW === undefined) throw new Error('no versitygw');
  const base = await mkdtemp(join(tmpdir(), 'reconcile-s3-'));
  const bucket = 'audiences';
  await mkdir(join(base, 'root', bucket), { recursive: true });
  const port = await freePort();
  const accessKeyId = 'access-key-tests';
  const secretAccessKey = 'secret-key-canary-tests';
  const args = ['--port', `127.0.0.1:${port}`, '--health', '/health', '--quiet', 'posix', join(base, 'root')];
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
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await rm(base, { recursive: true, force: true });
    },
  };
}
