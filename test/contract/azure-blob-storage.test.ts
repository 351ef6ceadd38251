import { createAzureBlobStorage } from '../../src/storage/azure-blob/azure-blob-storage.ts';
import { AZURITE, startAzurite } from '../support/servers/azurite.ts';
import { describeWithServer } from '../support/servers/real-server.ts';
import { storageSuite } from './storage-suite.ts';

describeWithServer('azure-blob on azurite', AZURITE, () => {
  storageSuite('azure-blob', async () => {
    const server = await startAzurite();
    return {
      open: async () =>
        createAzureBlobStorage({
          access: { kind: 'connection-string', connectionString: server.connectionString },
          container: server.container,
          prefix: 'in/audiences',
        }),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  });
});
