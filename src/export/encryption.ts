import { AppError } from '../model/app-error.ts';
import { digestOf } from '../support/digest.ts';
import type { DestinationSpec, EncryptionSpec, SigningSpec } from '../model/generated/kinds.ts';
import type { ExportDeps } from './deps.ts';
import type { SigningText } from './openpgp-stage.ts';
import type { ByteStage } from './write-file.ts';

export interface Encryption {
  readonly stages: readonly ByteStage[];
  /** Digest of the receivers' keys; undefined where nothing is encrypted. */
  readonly keys: string | undefined;
}

/** The stage that encrypts to a Destination's OpenPGP keys, and signs where it says so; none when it has none. The library is loaded only when it is needed. */
export async function encryptionOf({ encryption }: DestinationSpec, deps: Pick<ExportDeps, 'secret' | 'clock'>): Promise<Encryption> {
  if (encryption === undefined) return { stages: [], keys: undefined };
  const texts = await readKeys(encryption, deps.secret);
  const signing = await signingText(encryption.signWith, deps.secret);
  const { createEncryption } = await import('./openpgp-stage.ts');
  const stage = await createEncryption(texts, deps.clock(), signing).catch((error: unknown) => {
    if (error instanceof AppError) throw error;
    throw new AppError({
      code: 'RC4020',
      message: `the OpenPGP key cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      hint: 'give the receiver’s public key, ASCII-armored',
      cause: error,
    });
  });
  return { stages: [stage], keys: digestOf(texts) };
}

/**
 * The same digest of what the references lead to now, without judging the keys: whoever replaces a key, or revokes it, does so in the place where it stands, and the manifest stays
 * as it is.
 */
export async function receiverKeys({ encryption }: DestinationSpec, secret: ExportDeps['secret']): Promise<string | undefined> {
  return encryption === undefined ? undefined : digestOf(await readKeys(encryption, secret));
}

function readKeys({ pgpPublicKey }: EncryptionSpec, secret: ExportDeps['secret']): Promise<readonly string[]> {
  const references = Array.isArray(pgpPublicKey) ? pgpPublicKey : [pgpPublicKey];
  return Promise.all(references.map((reference) => secret(reference)));
}

/** The secrets that `signWith` names; undefined when files are not signed. */
export async function signingText(signing: SigningSpec | undefined, secret: ExportDeps['secret']): Promise<SigningText | undefined> {
  if (signing === undefined) return undefined;
  const [privateKey, passphrase] = await Promise.all([secret(signing.privateKey), signing.passphrase === undefined ? undefined : secret(signing.passphrase)]);
  return { privateKey, passphrase };
}
