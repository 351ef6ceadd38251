import { basename } from 'node:path/posix';
import { formatInstant, type Instant } from '../model/instant.ts';
import type { ExportMode } from '../model/run.ts';
import type { PlannedFile } from './run-work.ts';

export interface ManifestInput {
  readonly runId: string;
  readonly activation: string;
  readonly segment: string;
  readonly slot: Instant | null;
  readonly mode: ExportMode;
  readonly files: readonly PlannedFile[];
}

/** `manifest-<destination>-<run id>.json` (contract section 4). */
export function manifestName(destination: string, runId: string): string {
  return `manifest-${destination}-${runId}.json`;
}

/** The manifest's text: which files belong to the export, with sizes, rows and digests. */
export function manifestText(input: ManifestInput): string {
  const { runId, activation, segment, slot, mode } = input;
  const files = input.files.map(({ key, bytes, rows, sha256 }) => ({ path: key, name: basename(key), bytes, rows, sha256 }));
  return `${JSON.stringify({ runId, activation, segment, slot: slot === null ? null : formatInstant(slot), mode, files }, null, 2)}\n`;
}

/** `checksums-<destination>-<run id>.sha256`: the manifest's sibling for `sha256sum -c`. */
export function checksumsName(destination: string, runId: string): string {
  return `checksums-${destination}-${runId}.sha256`;
}

/** A line per file, `<digest>  <name>`, as `sha256sum -c` reads it in the folder where the list stands. */
export function checksumsText(files: readonly Pick<PlannedFile, 'key' | 'sha256'>[]): string {
  return files.map(({ key, sha256 }) => `${sha256}  ${basename(key)}\n`).join('');
}
