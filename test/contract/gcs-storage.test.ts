import { createGcsStorage } from '../../src/storage/gcs/gcs-storage.ts';
import { createMemoryJournal } from '../../src/storage/upload-journal.ts';
import { FAKE_GCS, startFakeGcs } from '../support/servers/gcs.ts';
import { describeWithServer } from '../support/servers/real-server.ts';
import { storageSuite } from './storage-suite.ts';

describeWithServer('gcs on fake-gcs-server', FAKE_GCS, () => {
  storageSuite('gcs', async () => {
    const server = await startFakeGcs();
    const journal = createMemoryJournal();
    return {
      open: async () => createGcsStorage({ access: { endpoint: server.endpoint }, bucket: server.bucket, prefix: 'in/audiences', journal }),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  });
});
