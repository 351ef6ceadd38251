import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Storage } from '../../src/storage/storage.ts';
import { createSftpStorage, type SftpStorageOptions } from '../../src/storage/sftp/sftp-storage.ts';
import { withUploadThreads } from '../../src/storage/sftp/upload-threads.ts';
import { describeWithServer } from '../support/servers/real-server.ts';
import { SSHD, startSshd } from '../support/servers/sshd.ts';
import { storageSuite } from './storage-suite.ts';

describeWithServer('sftp on OpenSSH', SSHD, () => {
  suite('sftp', createSftpStorage);
  suite('sftp, in upload threads', (options) => withUploadThreads(createSftpStorage(options), options, { largeBytes: 0 }));
});

function suite(name: string, create: (options: SftpStorageOptions) => Storage): void {
  storageSuite(name, async () => {
    const server = await startSshd();
    const path = join(server.folder, randomUUID());
    const privateKey = await readFile(server.privateKeyFile, 'utf8');
    return {
      open: async () =>
        create({
          access: {
            host: '127.0.0.1',
            port: server.port,
            username: server.username,
            hostKey: server.hostKeys.ed25519,
            login: { kind: 'key', privateKey },
            name: `sftp://${server.username}@127.0.0.1:${server.port}`,
          },
          path,
          mkdir: true,
          connections: 4,
        }),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  });
}
