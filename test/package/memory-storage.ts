/** A storage of somebody else, as small as one can be: what `scripts/check-package.sh` runs the installed package's suites against. */
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { StorageError, storageSuite, type Storage, type StoredObject } from 'audience-reconciler/testing';

interface Held {
  readonly bytes: Buffer;
  readonly token: string;
  readonly sha256: string;
}

function createMemoryStorage(held: Map<string, Held>): Storage {
  return {
    facts: { kind: 'local', verifiedChecksum: true, maxKeyBytes: 1024 },
    async publish(key, file, { replace, token, signal, onProgress }) {
      checked(key);
      const made = { bytes: await readFile(file.path), token, sha256: file.sha256 };
      if (signal?.aborted === true) throw new StorageError('aborted', 'interrupted');
      // From here on nothing waits: of several that want a new name only one finds it free.
      if (held.has(key) && !replace) throw new StorageError('exists', `there is an object \`${key}\``, { hint: 'move it away' });
      held.set(key, made);
      onProgress?.(file.bytes);
      return describe(key, made);
    },
    async stat(key) {
      const found = held.get(checked(key));
      return found && describe(key, found);
    },
    async read(key, start = 0) {
      const found = held.get(checked(key));
      if (!found) throw new StorageError('not-found', `there is no object \`${key}\``);
      return Readable.from([found.bytes.subarray(start)], { objectMode: false });
    },
    async *list(prefix) {
      for (const [key, one] of held) if (key.startsWith(prefix)) yield describe(key, one);
    },
    async remove(key) {
      held.delete(checked(key));
    },
    async abandon(key) {
      checked(key);
    },
    address: (key) => `memory:/${checked(key)}`,
    async [Symbol.asyncDispose]() {},
  };
}

storageSuite('memory', async () => {
  const held = new Map<string, Held>();
  return { open: async () => createMemoryStorage(held), [Symbol.asyncDispose]: async () => held.clear() };
});

function checked(key: string): string {
  const segments = key.split('/');
  // oxlint-disable-next-line no-control-regex
  if (segments.some((one) => one === '' || one === '.' || one === '..') || /[\u0000-\u001f\\]/.test(key)) {
    throw new StorageError('configuration', `${JSON.stringify(key)} is no key`, { hint: 'change `file.name` of the activation' });
  }
  return key;
}

function describe(key: string, { bytes, sha256 }: Held): StoredObject {
  return { key, bytes: bytes.length, sha256 };
}
