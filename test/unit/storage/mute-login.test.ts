import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createStorage } from '../../../src/storage/create-storage.ts';
import { createMemoryJournal } from '../../../src/storage/upload-journal.ts';
import { startMuteServer } from '../../support/mute-server.ts';
import { patternedBytes, spoolFile } from '../../support/spool-file.ts';

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'mute-login-'))));
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

test('an identity endpoint of Azure that never answers ends a call with what to look at, once, and the store is not asked', async () => {
  await using mute = await startMuteServer();
  await using store = await startMuteServer();
  for (const name of ['AZURE_TENANT_ID', 'AZURE_CLIENT_ID', 'AZURE_CLIENT_SECRET', 'AZURE_FEDERATED_TOKEN_FILE', 'MSI_ENDPOINT']) vi.stubEnv(name, undefined);
  vi.stubEnv('IDENTITY_ENDPOINT', `${mute.url}/token`);
  vi.stubEnv('IDENTITY_HEADER', 'header-canary');
  const retries: string[] = [];
  await using storage = await createStorage(
    { type: 'azure-blob', container: 'letters', url: store.url.replace('http:', 'https:') },
    {
      root: folder,
      secret: async () => '',
      journal: createMemoryJournal(),
      deadlines: { loginMs: 500 },
      retry: { onRetry: ({ doing }) => void retries.push(doing) },
    },
  );
  const file = await spoolFile(folder, patternedBytes(1_000));
  const told = {
    kind: 'authentication',
    message: expect.stringContaining('does not answer') as string,
    hint: expect.stringContaining('IDENTITY_ENDPOINT') as string,
  };

  await expect(storage.stat('a.csv')).rejects.toMatchObject(told);
  const asked = mute.connections;
  await expect(storage.publish('a.csv', file, { replace: false, token: 'a' })).rejects.toMatchObject(told);

  expect(retries).toEqual([]);
  expect(asked).toBeGreaterThan(0);
  expect(mute.connections).toBe(asked);
  expect(store.connections).toBe(0);
});
