import { AppError } from '../model/app-error.ts';
import type { DestinationSpec, SigningSpec } from '../model/generated/kinds.ts';
import type { ExportDeps } from './deps.ts';
import type { SigningText } from './openpgp-stage.ts';
import type { ByteStage } from './write-file.ts';

/** The stage that encrypts to a Destination's OpenPGP keys, and signs where it says so; none when it has none. The library is loaded only when it is needed. */
export async function encryptionStages(destination: DestinationSpec, deps: Pick<ExportDeps, 'secret' | 'clock'>): Promise<readonly ByteStage[]> {
  const { encryption } = destination;
  if (encryption === undefined) return [];
  const references = Array.isArray(encryption.pgpPublicKey) ? encryption.pgpPublicKey : [encryption.pgpPublicKey];
  const texts = await Promise.all(references.map((reference) => deps.secret(reference)));
  const signing = await signingText(encryption.signWith, deps.secret);
  const { createEncryption } = await import('./openpgp-stage.ts');
  return [
    await createEncryption(texts, deps.clock(), signing).catch((error: unknown) => {
      if (error instanceof AppError) throw error;
      throw new AppError({
        code: 'RC4020',
        message: `the OpenPGP key cannot be read: ${error instanceof Error ? error.message : String(error)}`,
        hint: 'give the receiver’s public key, ASCII-armored',
        cause: error,
      });
    }),
  ];
}

/** The secrets that `signWith` names; undefined when files are not signed. */
export async function signingText(signing: SigningSpec | undefined, secret: ExportDeps['secret']): Promise<SigningText | undefined> {
  if (signing === undefined) return undefined;
  const [privateKey, passphrase] = await Promise.all([secret(signing.privateKey), signing.passphrase === undefined ? undefined : secret(signing.passphrase)]);
  return { privateKey, passphrase };
}
