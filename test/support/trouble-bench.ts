import { mkdtempSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, expect } from 'vitest';
import type { StorageSpec } from '../../src/model/generated/kinds.ts';
import type { SecretRef } from '../../src/model/resource.ts';
import { createStorage } from '../../src/storage/create-storage.ts';
import type { LocalFile, StorageErrorKind } from '../../src/storage/storage.ts';
import { createMemoryJournal } from '../../src/storage/upload-journal.ts';
import { patternedBytes, spoolFile } from './spool-file.ts';

export interface Told {
  readonly kind: StorageErrorKind | 'none';
  readonly message: string;
  readonly hint: string;
}

export interface TroubleBench {
  readonly folder: string;
  /** By the name that `{env: NAME}` of a spec has; none of them may ever be in what is said. */
  readonly secrets: Record<string, string>;
  readonly secret: (ref: SecretRef) => Promise<string>;
  readonly retry: { readonly attempts: number; readonly baseMs: number; readonly maxMs: number };
  /** Publishes a file (200,000 bytes unless given) and says how that failed; checks that no secret is in what was thrown, causes included. */
  troubleOf(spec: StorageSpec, given?: LocalFile): Promise<Told>;
}

/** For a test file: a folder of its own, removed at the end, and what its suites of troubles share. */
export function troubleBench(): TroubleBench {
  const folder = mkdtempSync(join(tmpdir(), 'storage-trouble-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const secrets: Record<string, string> = {};
  const retry = { attempts: 3, baseMs: 1, maxMs: 2 };
  const secret = async (ref: SecretRef): Promise<string> => ('env' in ref ? (secrets[ref.env] ?? '') : readFile(ref.file, 'utf8'));
  let file: Promise<LocalFile> | undefined;
  return {
    folder,
    secrets,
    secret,
    retry,
    async troubleOf(spec, given) {
      const published = given ?? (await (file ??= spoolFile(folder, patternedBytes(200_000))));
      try {
        const storage = await createStorage(spec, { root: folder, secret, retry, journal: createMemoryJournal() });
        await using _ = storage;
        await storage.publish('trouble.csv', published, { replace: false, token: 'trouble' });
        return { kind: 'none', message: '', hint: '' };
      } catch (error) {
        const said = inspect(error, { depth: 20, showHidden: true });
        for (const canary of Object.values(secrets)) if (canary !== '') expect(said).not.toContain(canary);
        expect(said).not.toMatch(/sig=|Bearer|-----BEGIN/);
        const { kind, message, hint } = error as { kind: StorageErrorKind; message: string; hint?: string };
        expect(hint ?? '', message).not.toBe('');
        return { kind, message, hint: hint ?? '' };
      }
    },
  };
}
