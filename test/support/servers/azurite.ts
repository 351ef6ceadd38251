import { BlobServiceClient } from '@azure/storage-blob';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shiftedClock } from '../shifted-clock.ts';
import { findServer, freePort, onTinyDisk, startServer } from './real-server.ts';

export const AZURITE: string | undefined = findServer('azurite-3.37.0/node_modules/azurite/dist/src/blob/main.js');

export interface AzureServer extends AsyncDisposable {
  readonly port: number;
  readonly account: string;
  readonly key: string;
  /** Of the account, e.g. `http://127.0.0.1:1234/testaccount`. */
  readonly url: string;
  readonly connectionString: string;
  readonly container: string;
}

export interface AzuriteOptions {
  /** On a disk of so many bytes (root only). */
  readonly diskBytes?: number;
  /** Its clock is so much ahead of this machine's. */
  readonly aheadMs?: number;
  /** Serves HTTPS with it and takes bearer tokens, of which it checks issuer, audience and times. The one who calls trusts it already. */
  readonly certificate?: { readonly certFile: string; readonly keyFile: string };
}

/** azurite's blob service on a free port, with one account and one container. */
export async function startAzurite({ diskBytes, aheadMs = 0, certificate }: AzuriteOptions = {}): Promise<AzureServer> {
  if (AZURITE === undefined) throw new Error('no azurite');
  const base = await mkdtemp(join(tmpdir(), 'reconcile-azure-'));
  const port = await freePort();
  const account = 'testaccount';
  const key = Buffer.from('azure-account-key-canary').toString('base64');
  const container = 'audiences';
  const args = ['--blobHost', '127.0.0.1', '--blobPort', String(port), '--location', base, '--silent', '--skipApiVersionCheck', '--disableTelemetry'];
  if (certificate) args.push('--cert', certificate.certFile, '--key', certificate.keyFile, '--oauth', 'basic');
  const scheme = certificate ? 'https' : 'http';
  const command = [...(aheadMs === 0 ? [] : ['--import', shiftedClock(aheadMs)]), AZURITE, ...args];
  const started = diskBytes === undefined ? ([process.execPath, command] as const) : onTinyDisk(process.execPath, command, base, diskBytes);
  const server = await startServer(...started, port, { env: { AZURITE_ACCOUNTS: `${account}:${key}`, NODE_OPTIONS: '' } });
  const url = `${scheme}://127.0.0.1:${port}/${account}`;
  const connectionString = `DefaultEndpointsProtocol=${scheme};AccountName=${account};AccountKey=${key};BlobEndpoint=${url};`;
  await BlobServiceClient.fromConnectionString(connectionString).createContainer(container);
  return {
    port,
    account,
    key,
    url,
    connectionString,
    container,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await rm(base, { recursive: true, force: true });
    },
  };
}
