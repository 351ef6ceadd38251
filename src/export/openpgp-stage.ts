import { Readable } from 'node:stream';
import { createMessage, encrypt, enums, readKeys, type Key } from 'openpgp';
import { AppError } from '../model/app-error.ts';
import { copies } from './compress.ts';
import type { ByteStage } from './write-file.ts';

/**
 * Encryption to one or more OpenPGP public keys, as a stream and without the format's own compression (files are compressed before, in parallel).
 * Throws RC4020 for a key that is expired, revoked, private, or cannot encrypt.
 */
export async function createEncryption(armored: readonly string[], now: number): Promise<ByteStage> {
  const keys = (await Promise.all(armored.map((text) => readKeys({ armoredKeys: text })))).flat();
  if (keys.length === 0) throw refused('there is no key in it', 'give the receiver’s public key, ASCII-armored');
  for (const key of keys) await checkKey(key, new Date(now));
  return async function* encryptStream(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const stream = Readable.toWeb(Readable.from(copies(source), { objectMode: false, highWaterMark: 1 << 20 })) as ReadableStream<Uint8Array<ArrayBuffer>>;
    const message = await createMessage({ binary: stream as never });
    const encrypted = (await encrypt({
      message,
      encryptionKeys: [...keys],
      format: 'binary',
      config: { preferredCompressionAlgorithm: enums.compression.uncompressed, aeadProtect: false },
    })) as unknown as AsyncIterable<Uint8Array>;
    for await (const chunk of encrypted) yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  };
}

async function checkKey(key: Key, now: Date): Promise<void> {
  const name = key.getKeyID().toHex();
  if (key.isPrivate()) throw refused(`key ${name} is a private key`, 'give the public one; a private key never belongs here');
  if (await key.isRevoked(undefined, undefined, now)) throw refused(`key ${name} is revoked`, 'ask the receiver for the new key');
  const expires = await key.getExpirationTime();
  if (expires instanceof Date && expires <= now)
    throw refused(`key ${name} expired on ${expires.toISOString().slice(0, 10)}`, 'ask the receiver for the new key');
  try {
    await key.getEncryptionKey(undefined, now);
  } catch (error) {
    throw refused(
      `key ${name} cannot encrypt: ${error instanceof Error ? error.message : String(error)}`,
      'the key needs a subkey for encryption that is valid now',
    );
  }
}

function refused(what: string, hint: string): AppError {
  return new AppError({ code: 'RC4020', message: `the OpenPGP key of the destination cannot be used: ${what}`, hint });
}
