import { createHash } from 'node:crypto';
import { open, rm, writeFile as writeWhole } from 'node:fs/promises';
import type { Engine } from '../engine/engine.ts';
import type { FileFormat } from '../engine/file-format.ts';
import type { Sql } from '../sql/sql.ts';
import { gzipMembers, zstdFrames } from './compress.ts';
import { followFile } from './follow-file.ts';

/** What stands in the spool, as it was read back from there. */
export interface WrittenFile {
  readonly rows: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** A stage between the engine's bytes and the file's, such as compression or encryption. */
export type ByteStage = (source: AsyncIterable<Buffer>) => AsyncIterable<Buffer>;

export interface WriteFileRequest {
  readonly engine: Engine;
  readonly query: Sql;
  readonly columns: number;
  readonly format: FileFormat;
  /** What a file without rows holds, where the engine would write something else. */
  readonly whenEmpty: string | undefined;
  readonly stages: readonly ByteStage[];
  /** Absolute path in the spool. */
  readonly path: string;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (rows: number, bytes: number) => void;
}

/** The stages that a compression asks for. Parquet is compressed inside, by the engine. */
export function compressionStages(format: 'csv' | 'json' | 'parquet', compression: 'none' | 'gzip' | 'zstd'): readonly ByteStage[] {
  if (format === 'parquet' || compression === 'none') return [];
  return compression === 'gzip' ? [gzipMembers] : [zstdFrames];
}

/** Writes one file into the spool; hashing, counting and compressing overlap with the engine's writing, and memory does not grow with the rows. */
export async function writeFile(request: WriteFileRequest): Promise<WrittenFile> {
  const { engine, query, columns, format, path, signal, stages, onProgress } = request;
  await rm(path, { force: true });
  const plain = stages.length === 0 ? path : `${path}.plain`;
  await rm(plain, { force: true });
  let bytesSoFar = 0;
  let again = false;
  const writing = engine.write({
    query,
    columns,
    format,
    path: plain,
    ...(signal === undefined ? {} : { signal }),
    onProgress: (rows) => onProgress?.(rows, bytesSoFar),
    onAgain: () => void (again = true),
  });
  const read = (written: Promise<unknown>, onBytes: (bytes: number) => void): Promise<Omit<WrittenFile, 'rows'>> => {
    const source = followFile(plain, written);
    if (stages.length === 0) return digest(source, onBytes);
    return store(
      stages.reduce<AsyncIterable<Buffer>>((bytes, stage) => stage(bytes), source),
      path,
      onBytes,
    );
  };
  let result = await read(writing, (bytes) => void (bytesSoFar += bytes));
  const rows = await writing;
  const isEmpty = rows === 0 && request.whenEmpty !== undefined;
  if (isEmpty) await writeWhole(plain, request.whenEmpty);
  // What was read is not what stands there in the end.
  if (isEmpty || again) result = await read(Promise.resolve(), () => {});
  if (plain !== path) await rm(plain, { force: true });
  return { rows, ...result };
}

/** Size and SHA-256 of a stream. */
export async function digest(
  source: AsyncIterable<Buffer>,
  onBytes: (bytes: number) => void = () => {},
): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of source) {
    hash.update(chunk);
    bytes += chunk.length;
    onBytes(chunk.length);
  }
  return { bytes, sha256: hash.digest('hex') };
}

async function store(
  source: AsyncIterable<Buffer>,
  path: string,
  onBytes: (bytes: number) => void,
): Promise<{ readonly bytes: number; readonly sha256: string }> {
  await using file = await open(path, 'w', 0o600);
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of source) {
    await file.writev([chunk]);
    hash.update(chunk);
    bytes += chunk.length;
    onBytes(chunk.length);
  }
  return { bytes, sha256: hash.digest('hex') };
}
