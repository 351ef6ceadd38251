import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEncryption, type SigningText } from '../../../src/export/openpgp-stage.ts';

const TEXT = Buffer.from(Array.from({ length: 50_000 }, (_, line) => `${line},person${line}@example.org\n`).join(''));
const PASSPHRASE = 'correct horse';
let home: string;
const exported: Record<string, string> = {};

/** Keys are made, and files are opened, by GnuPG: another hand than ours. */
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'gnupg-'));
  const make = (name: string, passphrase: string, ...how: readonly string[]): void => {
    gpg(['--passphrase', passphrase, '--quick-generate-key', `${name} <${name}@example.org>`, ...how]);
    exported[name] = gpg(['--armor', '--export', name]).toString();
    exported[`${name} secret`] = gpg(['--passphrase', passphrase, '--armor', '--export-secret-keys', name]).toString();
  };
  make('receiver', '');
  make('archive', '');
  make('sender', PASSPHRASE);
  make('open', '');
  make('signonly', '', 'ed25519', 'sign');
  make('certonly', '', 'ed25519', 'cert');
  make('old', '', 'default', 'default', '2020-01-01');
  make('gone', '');
  const revocation = execFileSync('gpg', ['--homedir', home, '--no-tty', '--command-fd', '0', '--yes', '--gen-revoke', 'gone'], {
    input: 'y\n0\n\ny\n',
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  gpg(['--import'], revocation);
  exported['gone'] = gpg(['--armor', '--export', 'gone']).toString();
  exported['several secret'] = gpg(['--armor', '--export-secret-keys', 'receiver', 'archive']).toString();
  exported['gone secret'] = gpg(['--armor', '--export-secret-keys', 'gone']).toString();
}, 60_000);

afterAll(() => {
  spawnSync('gpgconf', ['--homedir', home, '--kill', 'all']);
  rmSync(home, { recursive: true, force: true });
});

function gpg(args: readonly string[], input?: Buffer): Buffer {
  const base = ['--homedir', home, '--batch', '--yes', '--pinentry-mode', 'loopback', '--faked-system-time', '20191231T000000'];
  const end = args.includes('old') || args.some((word) => word.startsWith('old <')) ? base : base.slice(0, -2);
  return execFileSync('gpg', [...end, ...args], { input: input ?? '', stdio: ['pipe', 'pipe', 'ignore'], maxBuffer: 1 << 27 });
}

function keyOf(name: string): string {
  return exported[name] ?? '';
}

async function encrypted(receivers: readonly string[], signing?: SigningText): Promise<Buffer> {
  const stage = await createEncryption(receivers.map(keyOf), Date.now(), signing);
  const chunks: Buffer[] = [];
  for await (const chunk of stage(inChunks(TEXT))) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* inChunks(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 70_001) yield bytes.subarray(at, at + 70_001);
}

/** What `gpg --decrypt` gives, and what it says of the signature. */
function opened(bytes: Buffer, as: string): { readonly text: Buffer; readonly status: string } {
  const file = join(home, 'message.pgp');
  writeFileSync(file, bytes);
  const ended = spawnSync(
    'gpg',
    ['--homedir', home, '--batch', '--pinentry-mode', 'loopback', '--passphrase', '', '--try-secret-key', as, '--status-fd', '2', '--decrypt', file],
    {
      maxBuffer: 1 << 27,
    },
  );
  return { text: ended.stdout, status: String(ended.stderr) };
}

test('gpg decrypts a file for each of its receivers and finds the sender’s signature good', async () => {
  const bytes = await encrypted(['receiver', 'archive'], { privateKey: keyOf('sender secret'), passphrase: PASSPHRASE });
  for (const receiver of ['receiver', 'archive']) {
    const { text, status } = opened(bytes, receiver);
    expect(text.equals(TEXT), status).toBe(true);
    expect(status).toMatch(/GOODSIG [0-9A-F]+ sender/);
    expect(status).toContain('DECRYPTION_OKAY');
    // One keyring holds both secret keys: that the file opens does not say for whom it is.
    expect(new Set(status.match(/ENC_TO [0-9A-F]+/g)).size).toBe(2);
  }
  expect(bytes.includes('person1@')).toBe(false);
});

test('a key without a passphrase signs too; unsigned files say nothing of a signature', async () => {
  expect(opened(await encrypted(['receiver'], { privateKey: keyOf('open secret'), passphrase: undefined }), 'receiver').status).toMatch(
    /GOODSIG [0-9A-F]+ open/,
  );
  const plain = opened(await encrypted(['receiver']), 'receiver');
  expect([plain.text.equals(TEXT), plain.status.includes('SIG')]).toEqual([true, false]);
});

test('a byte that changed on the way is found out', async () => {
  const bytes = await encrypted(['receiver'], { privateKey: keyOf('open secret'), passphrase: undefined });
  bytes[bytes.length - 400] = (bytes[bytes.length - 400] ?? 0) ^ 1;
  expect(opened(bytes, 'receiver').status).not.toContain('DECRYPTION_OKAY');
});

test.each([
  ['old', 'expired on 2020-01-01'],
  ['gone', 'is revoked'],
  ['signonly', 'cannot encrypt'],
  ['sender secret', 'is a private key'],
])('the receiver’s key `%s` is refused: it %s', async (name, why) => {
  const refused = { code: 'RC4020', message: expect.stringContaining(why), hint: expect.any(String) };
  await expect(createEncryption([keyOf(name)], Date.now())).rejects.toMatchObject(refused);
  await expect(createEncryption([keyOf('archive'), keyOf(name)], Date.now())).rejects.toMatchObject(refused);
});

test.each([
  ['sender secret', undefined, 'is locked'],
  ['sender secret', 'wrong', 'the passphrase does not open key'],
  ['receiver', undefined, 'it is not an ASCII-armored private key'],
  ['old secret', undefined, 'expired on 2020-01-01'],
  ['gone secret', undefined, 'is revoked'],
  ['several secret', undefined, 'it holds several keys'],
  ['certonly secret', undefined, 'cannot sign'],
])('the sender’s key `%s` with the passphrase %s is refused: %s', async (name, passphrase, why) => {
  const refused = createEncryption([keyOf('receiver')], Date.now(), { privateKey: keyOf(name), passphrase });
  await expect(refused).rejects.toMatchObject({ code: 'RC4027', message: expect.stringContaining(why), hint: expect.any(String) });
  await expect(refused).rejects.not.toThrow(PASSPHRASE);
});
