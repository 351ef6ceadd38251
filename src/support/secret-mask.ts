/** Shorter ones stand in too many words by chance. */
const LEAST_CHARACTERS = 4;

/** Takes secrets out of texts. */
export interface SecretMask {
  readonly learn: (secret: string) => void;
  readonly clean: (text: string) => string;
}

export function createSecretMask(known: readonly string[] = []): SecretMask {
  const secrets = new Set<string>();
  const learn = (secret: string): void => void (secret.length >= LEAST_CHARACTERS && secrets.add(secret));
  for (const secret of known) learn(secret);
  return { learn, clean: (text) => [...secrets].reduce((cleaned, secret) => cleaned.replaceAll(secret, '***'), text) };
}
