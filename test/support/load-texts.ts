import { loadManifests, type LoadedManifests } from '../../src/manifest/load-manifests.ts';
import { readVariables } from '../../src/manifest/read-variables.ts';
import type { ParseCache } from '../../src/manifest/read-documents.ts';
import { sha256 } from '../../src/support/digest.ts';

const NO_CACHE: ParseCache = { get: () => undefined, set: () => {} };

/** Loads manifests from texts by path, as the project reader would from files. */
export function loadTexts(
  texts: Readonly<Record<string, string | Uint8Array>>,
  overrides: Readonly<Record<string, string>> = {},
  cache = NO_CACHE,
): LoadedManifests {
  const files = Object.entries(texts).map(([path, text]) => {
    const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
    return { path, bytes, sha256: sha256(bytes) };
  });
  return loadManifests(files, readVariables(undefined, overrides).variables, cache);
}

/** The diagnostics as `CODE file:line:column message`, for short expectations. */
export function told({ diagnostics }: Pick<LoadedManifests, 'diagnostics'>): string[] {
  return diagnostics.map(({ code, file, line, column, message }) => `${code} ${file}:${line}:${column} ${message}`);
}
