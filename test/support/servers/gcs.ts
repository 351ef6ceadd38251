import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findServer, freePort, onTinyDisk, startServer } from './real-server.ts';

export const FAKE_GCS: string | undefined = findServer('fake-gcs-server-1.56.1/fake-gcs-server');
export const GCP_EMULATOR: string | undefined = findServer('gcp-storage-emulator-2026.7.19/bin/gcp-storage-emulator');

export interface GcsServer extends AsyncDisposable {
  readonly port: number;
  readonly endpoint: string;
  readonly bucket: string;
}

/** fake-gcs-server on a free port with one bucket. `externalUrl` is what its upload sessions are named by, e.g. a proxy's; with `diskBytes` it keeps its objects on a disk of that size (root only). */
export async function startFakeGcs(externalUrl?: string, diskBytes?: number): Promise<GcsServer> {
  if (FAKE_GCS === undefined) throw new Error('no fake-gcs-server');
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const external = externalUrl ?? endpoint;
  const folder = await mkdtemp(join(tmpdir(), 'reconcile-fake-gcs-'));
  const args = [
    '-scheme',
    'http',
    '-host',
    '127.0.0.1',
    '-port',
    String(port),
    '-backend',
    diskBytes === undefined ? 'memory' : 'filesystem',
    ...(diskBytes === undefined ? [] : ['-filesystem-root', folder]),
    '-public-host',
    new URL(external).host,
    '-external-url',
    external,
  ];
  const server = await startServer(...(diskBytes === undefined ? ([FAKE_GCS, args] as const) : onTinyDisk(FAKE_GCS, args, folder, diskBytes)), port);
  await makeBucket(endpoint);
  return {
    port,
    endpoint,
    bucket: BUCKET,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** gcp-storage-emulator on a free port with one bucket: it knows how to resume, which fake-gcs-server does not, and no preconditions. */
export async function startGcpEmulator(): Promise<GcsServer> {
  if (GCP_EMULATOR === undefined) throw new Error('no gcp-storage-emulator');
  const folder = await mkdtemp(join(tmpdir(), 'reconcile-gcs-'));
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const server = await startServer(GCP_EMULATOR, ['start', '--host=127.0.0.1', `--port=${port}`, '--in-memory'], port, {
    cwd: folder,
    env: { STORAGE_EMULATOR_HOST: endpoint },
  });
  await makeBucket(endpoint);
  return {
    port,
    endpoint,
    bucket: BUCKET,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const BUCKET = 'audiences';

async function makeBucket(endpoint: string): Promise<void> {
  const answer = await fetch(`${endpoint}/storage/v1/b?project=test`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: BUCKET }),
  });
  if (!answer.ok) throw new Error(`no bucket: ${answer.status} ${await answer.text()}`);
}
