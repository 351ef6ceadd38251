import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, zstdDecompressSync } from 'node:zlib';
import { execFileSync } from 'node:child_process';
import { generateKey } from 'openpgp';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { gzipMembers, zstdFrames } from '../../../src/export/compress.ts';
import { followFile } from '../../../src/export/follow-file.ts';
import { createEncryption } from '../../../src/export/openpgp-stage.ts';
import { strftimeOf } from '../../../src/export/strftime.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bytes-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

const TEXT = Buffer.from(Array.from({ length: 400_000 }, (_, line) => `${line},person${line}@example.org,${(line * 7919) % 1000}\n`).join(''));

test('gzip members: the same bytes however the input arrives, and any reader reads them as one file', async () => {
  const one = await collect(gzipMembers(inChunks(TEXT, 1 << 20)));
  const other = await collect(gzipMembers(inChunks(TEXT, 77_777)));
  expect(one.equals(other)).toBe(true);
  expect(gunzipSync(one).equals(TEXT)).toBe(true);
  await writeFile(join(folder, 'x.gz'), one);
  expect(execFileSync('gzip', ['-dc', join(folder, 'x.gz')], { maxBuffer: 1 << 28 }).equals(TEXT)).toBe(true);
  expect(gunzipSync(await collect(gzipMembers(inChunks(Buffer.alloc(0), 1)))).length).toBe(0);
});

test('zstd comes back equal', async () => {
  expect(zstdDecompressSync(await collect(zstdFrames(inChunks(TEXT, 1 << 20)))).equals(TEXT)).toBe(true);
});

test('a file is followed while it grows, to its very end, and a writer’s failure is passed on', async () => {
  const path = join(folder, 'growing');
  const writing = (async () => {
    await using file = await open(path, 'w');
    for await (const chunk of inChunks(TEXT, 300_001)) await file.write(chunk);
  })();
  expect((await collect(followFile(path, writing))).equals(await readFile(path))).toBe(true);
  const failing = Promise.reject(new Error('disk full'));
  await expect(collect(followFile(join(folder, 'never'), failing))).rejects.toThrow('disk full');
});

test('OpenPGP keys that cannot be used are refused with the reason', async () => {
  const now = Date.now();
  const expired = await generateKey({
    userIDs: [{ name: 'x' }],
    type: 'curve25519',
    format: 'armored',
    keyExpirationTime: 60,
    date: new Date(now - 3_600_000),
  });
  const good = await generateKey({ userIDs: [{ name: 'x' }], type: 'curve25519', format: 'armored', date: new Date(now - 1000) });
  const signOnly = await generateKey({ userIDs: [{ name: 'x' }], type: 'curve25519', format: 'armored', subkeys: [], date: new Date(now - 1000) });
  await expect(createEncryption([expired.publicKey], now)).rejects.toMatchObject({ code: 'RC4020', message: expect.stringContaining('expired') });
  await expect(createEncryption([good.privateKey], now)).rejects.toMatchObject({ code: 'RC4020', message: expect.stringContaining('private') });
  await expect(createEncryption([signOnly.publicKey], now)).rejects.toMatchObject({ code: 'RC4020', message: expect.stringContaining('encrypt') });
  expect((await collect((await createEncryption([good.publicKey], now))(inChunks(TEXT, 1 << 20)))).includes('person1@')).toBe(false);
});

test.each([
  ['YYYY-MM-DD', '%Y-%m-%d'],
  ['DD.MM.YYYY HH:mm:ss', '%d.%m.%Y %H:%M:%S'],
  ["YYYYMMdd'T'HHmmss", '%Y%m%dT%H%M%S'],
  ['100% YYYY', '100%% %Y'],
])('the format %s is %s to the engine', (format, wanted) => {
  expect(strftimeOf(format)).toBe(wanted);
});
