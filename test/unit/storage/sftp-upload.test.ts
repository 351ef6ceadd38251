import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SendingTurns } from '../../../src/storage/sftp/sending-turns.ts';
import type { SftpSession } from '../../../src/storage/sftp/sftp-session.ts';
import { uploadFile } from '../../../src/storage/sftp/upload-file.ts';
import type { LocalFile } from '../../../src/storage/storage.ts';
import { patternedBytes, spoolFile } from '../../support/spool-file.ts';

let folder: string;
let file: LocalFile;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sftp-upload-'));
  file = await spoolFile(folder, patternedBytes(100_000));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Server {
  readonly session: SftpSession;
  /** What it was asked for, writes as one. */
  readonly asked: string[];
}

/** A server that keeps so many bytes of what it is sent. */
function serverThat({
  keeps = 100_000,
  syncs = true,
  sync = () => Promise.resolve(),
}: {
  keeps?: number;
  syncs?: boolean;
  sync?: () => Promise<void>;
}): Server {
  const asked: string[] = [];
  const ask = (what: string): void => {
    if (asked.at(-1) !== what) asked.push(what);
  };
  const session = {
    maxWriteBytes: 32_768,
    fastestMs: 10,
    offers: () => syncs,
    openNew: async () => (ask('open'), Buffer.from('handle')),
    write: async () => ask('write'),
    fstat: async () => (ask('size'), { size: keeps, mode: 0o660 }),
    sync: async () => (ask('sync'), sync()),
    close: async () => ask('close'),
  };
  return { session: session as unknown as SftpSession, asked };
}

function upload({ session }: Server): Promise<void> {
  return uploadFile(session, { file, path: '/in/.a.csv.t.part', uploads: () => 1, turns: new SendingTurns(), ownThread: false });
}

it('has a file on the server’s disk before its caller may give it its name', async () => {
  const server = serverThat({});
  await upload(server);
  expect(server.asked).toEqual(['open', 'write', 'size', 'sync', 'close']);
  const other = serverThat({ syncs: false });
  await upload(other);
  expect(other.asked).toEqual(['open', 'write', 'size', 'close']);
});

it('fails where the server’s disk does, or kept less than was sent, and closes the file', async () => {
  const broken = serverThat({ sync: () => Promise.reject(Object.assign(new Error('Failure'), { code: 4 })) });
  await expect(upload(broken)).rejects.toMatchObject({ code: 4 });
  const short = serverThat({ keeps: 99_999 });
  await expect(upload(short)).rejects.toMatchObject({ kind: 'transient', message: expect.stringContaining('99999 of 100000') as string });
  expect([broken.asked.at(-1), short.asked.at(-1), short.asked.includes('sync')]).toEqual(['close', 'close', false]);
});
