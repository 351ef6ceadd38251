import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createAzureBlobStorage } from '../../src/storage/azure-blob/azure-blob-storage.ts';
import { createGcsStorage } from '../../src/storage/gcs/gcs-storage.ts';
import { createS3Storage } from '../../src/storage/s3/s3-storage.ts';
import { createSftpStorage } from '../../src/storage/sftp/sftp-storage.ts';
import { withUploadThreads } from '../../src/storage/sftp/upload-threads.ts';
import { createMemoryJournal } from '../../src/storage/upload-journal.ts';
import { AZURITE, startAzurite } from '../support/servers/azurite.ts';
import { GCP_EMULATOR, startGcpEmulator } from '../support/servers/gcs.ts';
import { describeWithServer } from '../support/servers/real-server.ts';
import { SSHD, startSshd } from '../support/servers/sshd.ts';
import { startVersitygw, VERSITYGW } from '../support/servers/versitygw.ts';
import { storageFaultSuite } from './storage-fault-suite.ts';

describeWithServer('sftp under faults on OpenSSH', SSHD, () => {
  storageFaultSuite('sftp', async () => {
    const server = await startSshd();
    const path = join(server.folder, randomUUID());
    const privateKey = await readFile(server.privateKeyFile, 'utf8');
    const login = { kind: 'key' as const, privateKey };
    return {
      port: server.port,
      open: async (port) => {
        const access = { host: '127.0.0.1', port, username: server.username, hostKey: server.hostKeys.ed25519, login, name: 'sftp://tests' };
        const options = { access, path, mkdir: true, connections: 4 };
        // The rounds' large files in threads, their small ones without.
        return withUploadThreads(createSftpStorage(options), options, { largeBytes: 2 ** 20 });
      },
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  });
});

describeWithServer('s3 under faults on versitygw', VERSITYGW, () => {
  storageFaultSuite('s3', async () => {
    const server = await startVersitygw();
    const journal = createMemoryJournal();
    const { bucket, region } = server;
    return {
      port: server.port,
      open: async (port) =>
        createS3Storage({ access: { endpoint: `http://127.0.0.1:${port}`, forcePathStyle: true, region, credentials: server }, bucket, journal }),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  });
});

describeWithServer('azure-blob under faults on azurite', AZURITE, () => {
  storageFaultSuite('azure-blob', async () => {
    const server = await startAzurite();
    return {
      port: server.port,
      open: async (port) =>
        createAzureBlobStorage({
          access: { kind: 'connection-string', connectionString: server.connectionString.replace(`:${server.port}/`, `:${port}/`) },
          container: server.container,
        }),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  });
});

describeWithServer('gcs under faults on gcp-storage-emulator', GCP_EMULATOR, () => {
  storageFaultSuite('gcs', async () => {
    const server = await startGcpEmulator();
    const journal = createMemoryJournal();
    return {
      port: server.port,
      open: async (port) => createGcsStorage({ access: { endpoint: `http://127.0.0.1:${port}` }, bucket: server.bucket, journal }),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  });
});
