import { AppError } from '../model/app-error.ts';
import type { DestinationSpec } from '../model/generated/kinds.ts';
import type { ExportDeps } from './deps.ts';
import type { ByteStage } from './write-file.ts';

/** The stage that encrypts to a Destination's OpenPGP keys; none when it has none. The library is loaded only when it is needed. */
export async function encryptionStages(destination: DestinationSpec, deps: Pick<ExportDeps, 'secret' | 'clock'>): Promise<readonly ByteStage[]> {
  const { encryption } = destination;
  if (encryption === undefined) return [];
  const references = Array.isArray(encryption.pgpPublicKey) ? encryption.pgpPublicKey : [encryption.pgpPublicKey];
  const texts = await Promise.all(references.map((reference) => deps.secret(reference)));
  const { createEncryption } = await import('./openpgp-stage.ts');
  return [
    await createEncryption(texts, deps.clock()).catch((error: unknown) => {
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
