/**
 * Which digest each object was proven to have, per version that the store names (ETag, generation): a part of "read back" without a download.
 *
 * A store that verified checksums of every byte it took proves the object once; after that its version proves that it is still that object. What is
 * remembered goes with the process: a later one downloads, or asks a store that keeps SHA-256 itself.
 */
export class VerifiedVersions {
  readonly #known = new Map<string, { readonly version: string; readonly sha256: string }>();

  remember(key: string, version: string, sha256: string): void {
    this.#known.delete(key);
    this.#known.set(key, { version, sha256 });
    const [oldest] = this.#known.keys();
    if (this.#known.size > MOST && oldest !== undefined) this.#known.delete(oldest);
  }

  sha256Of(key: string, version: string | undefined): string | undefined {
    const known = this.#known.get(key);
    return known !== undefined && known.version === version ? known.sha256 : undefined;
  }
}

const MOST = 10_000;
