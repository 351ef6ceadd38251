import { describe, expect, it } from 'vitest';
import { EarlySync } from '../../../src/storage/sftp/early-sync.ts';
import type { SftpSession } from '../../../src/storage/sftp/sftp-session.ts';

const FILE_BYTES = 64 * 2 ** 20;

/** A server whose first sync fails so, and whose others do not: what a system may say of a broken disk. */
function failingOnce(error: Error): SftpSession {
  let syncs = 0;
  const channel = {
    openExisting: async () => Buffer.from('handle'),
    sync: async () => {
      if (syncs++ === 0) throw error;
    },
    close: async () => {},
    endChannel: () => {},
  };
  return { offers: () => true, openChannel: async () => channel } as unknown as SftpSession;
}

async function uploadOver(session: SftpSession): Promise<void> {
  await using early = await EarlySync.start(session, 'a.csv', FILE_BYTES);
  early?.reached(FILE_BYTES / 2);
  await new Promise((go) => setImmediate(go));
  early?.reached(FILE_BYTES);
  await early?.settled();
}

describe('a sync during an upload that fails', () => {
  it('fails the upload where the server says so, even when it is the only one', async () => {
    await expect(uploadOver(failingOnce(Object.assign(new Error('Failure'), { code: 4 })))).rejects.toMatchObject({ code: 4 });
  });

  it('is left to the sync that decides where only its channel ended', async () => {
    await expect(uploadOver(failingOnce(new Error('the channel ended')))).resolves.toBeUndefined();
  });
});
