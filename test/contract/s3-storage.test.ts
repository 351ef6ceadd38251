import { createS3Storage } from '../../src/storage/s3/s3-storage.ts';
import { createMemoryJournal } from '../../src/storage/upload-journal.ts';
import { describeWithServer } from '../support/servers/real-server.ts';
import { startVersitygw, VERSITYGW } from '../support/servers/versitygw.ts';
import { storageSuite } from './storage-suite.ts';

describeWithServer('s3 on versitygw', VERSITYGW, () => {
  storageSuite('s3', async () => {
    const server = await startVersitygw();
    const journal = createMemoryJournal();
    return {
      open: async () =>
        createS3Storage({
          access: { endpoint: server.endpoint, forcePathStyle: true, region: server.region, credentials: server },
          bucket: server.bucket,
          prefix: 'in/audiences',
          journal,
        }),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  });
});
