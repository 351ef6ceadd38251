import type { Instant } from '../model/instant.ts';

export interface KeyEnd {
  /** Sixteen hex digits. */
  readonly id: string;
  /** Undefined: it does not expire. */
  readonly end: Instant | undefined;
}

/** When the OpenPGP keys of an armored text end. */
export async function readKeyEnd(armored: string): Promise<readonly KeyEnd[]> {
  const { readKeys } = await import('openpgp');
  const keys = await readKeys({ armoredKeys: armored });
  return await Promise.all(
    keys.map(async (key) => {
      const end = await key.getExpirationTime();
      return { id: key.getKeyID().toHex(), end: end instanceof Date ? end.getTime() : undefined };
    }),
  );
}
