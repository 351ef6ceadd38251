import { Readable } from 'node:stream';
import { createMessage, decryptKey, encrypt, enums, readKeys, readPrivateKeys, type Key, type PrivateKey } from 'openpgp';
import { AppError } from '../model/app-error.ts';
import { copies } from './compress.ts';
import type { ByteStage } from './write-file.ts';

/** The sender's key, as it is kept: armored, locked or not. */
export interface SigningText {
  readonly privateKey: string;
  readonly passphrase: string | undefined;
}

/**
 * Encryption to one or more OpenPGP public keys, as a stream and without the format's own compression (files are compressed before, in parallel); with
 * `signing` the content is signed inside. Throws RC4020 for a receiver's key that is expired, revoked, private, or cannot encrypt, RC4027 for a key
 * that cannot sign.
 */
export async function createEncryption(armored: readonly string[], now: number, signing?: SigningText): Promise<ByteStage> {
  const keys = (await Promise.all(armored.map((text) => readKeys({ armoredKeys: text })))).flat();
  if (keys.length === 0) throw refused('there is no key in it', 'give the receiver’s public key, ASCII-armored');
  for (const key of keys) await checkKey(key, new Date(now));
  const signer = signing === undefined ? undefined : await openSigner(signing, new Date(now));
  return async function* encryptStream(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const stream = Readable.toWeb(Readable.from(copies(source), { objectMode: false, highWaterMark: 1 << 20 })) as ReadableStream<Uint8Array<ArrayBuffer>>;
    const message = await createMessage({ binary: stream as never });
    const encrypted = (await encrypt({
      message,
      encryptionKeys: [...keys],
      ...(signer === undefined ? {} : { signingKeys: signer }),
      format: 'binary',
      config: { preferredCompressionAlgorithm: enums.compression.uncompressed, aeadProtect: false },
    })) as unknown as AsyncIterable<Uint8Array>;
    for await (const chunk of encrypted) yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  };
}

async function checkKey(key: Key, now: Date): Promise<void> {
  const name = key.getKeyID().toHex();
  if (key.isPrivate()) throw refused(`key ${name} is a private key`, 'give the public one; only `signWith` takes a private key, the sender’s own');
  const end = await endOf(key, now);
  if (end !== undefined) throw refused(`key ${name} ${end}`, 'ask the receiver for the new key');
  try {
    await key.getEncryptionKey(undefined, now);
  } catch (error) {
    throw refused(
      `key ${name} cannot encrypt: ${error instanceof Error ? error.message : String(error)}`,
      'the key needs a subkey for encryption that is valid now',
    );
  }
}

/** The unlocked key. What it is unlocked with and what it holds never stand in a message. */
async function openSigner({ privateKey, passphrase }: SigningText, now: Date): Promise<PrivateKey> {
  const [key, another] = await readPrivateKeys({ armoredKeys: privateKey }).catch(() => {
    throw unsigned('it is not an ASCII-armored private key', 'export it with `gpg --export-secret-keys --armor KEY`');
  });
  if (key === undefined) throw unsigned('there is no key in it', 'export it with `gpg --export-secret-keys --armor KEY`');
  const name = key.getKeyID().toHex();
  if (another !== undefined) throw unsigned('it holds several keys', 'give the one that signs, alone');
  const end = await endOf(key, now);
  if (end !== undefined) throw unsigned(`key ${name} ${end}`, 'make a new one and give the receiver its public half');
  try {
    await key.getSigningKey(undefined, now);
  } catch (error) {
    throw unsigned(`key ${name} cannot sign: ${error instanceof Error ? error.message : String(error)}`, 'the key or a subkey must be made for signing');
  }
  if (key.isDecrypted()) return key;
  if (passphrase === undefined) throw unsigned(`key ${name} is locked`, 'name its passphrase: signWith: {passphrase: {env: NAME}}');
  return decryptKey({ privateKey: key, passphrase }).catch(() => {
    throw unsigned(`the passphrase does not open key ${name}`, 'correct the secret that `signWith.passphrase` names');
  });
}

/** Why a key is over, if it is. */
async function endOf(key: Key, now: Date): Promise<string | undefined> {
  if (await key.isRevoked(undefined, undefined, now)) return 'is revoked';
  const expires = await key.getExpirationTime();
  return expires instanceof Date && expires <= now ? `expired on ${expires.toISOString().slice(0, 10)}` : undefined;
}

function refused(what: string, hint: string): AppError {
  return new AppError({ code: 'RC4020', message: `the OpenPGP key of the destination cannot be used: ${what}`, hint });
}

function unsigned(what: string, hint: string): AppError {
  return new AppError({ code: 'RC4027', message: `the OpenPGP key that files are signed with cannot be used: ${what}`, hint });
}
