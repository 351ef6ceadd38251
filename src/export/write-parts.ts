import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Engine } from '../engine/engine.ts';
import { SCRATCH_FORMAT } from '../engine/file-format.ts';
import type { Sql } from '../sql/sql.ts';
import { emptyFile, engineFormat, type FileSettings } from './file-settings.ts';
import type { OutputColumn } from './output-columns.ts';
import { headerLine, lineQuery, needsLines, renderFor, renderForLines } from './row-text.ts';
import { stagedRows, toStage, type RowsQuery } from './select-rows.ts';
import { compressionStages, writeFile, type ByteStage, type WrittenFile } from './write-file.ts';

export interface WritePartsRequest {
  readonly engine: Engine;
  /** The rows as columns named after their targets, values as `render` gives them. */
  readonly query: RowsQuery;
  readonly columns: readonly OutputColumn[];
  readonly settings: FileSettings;
  /** How many rows there are; undefined: probably no more than fit into one file. */
  readonly rows: number | undefined;
  /** Absolute folder of the spool. */
  readonly folder: string;
  /** Keep in the spool, as `STAGED`, who stands in which row: `#who`, in the order of the parts. */
  readonly who?: boolean;
  /** Further stages behind compression, such as encryption. */
  readonly stages: readonly ByteStage[];
  readonly signal?: AbortSignal | undefined;
  /** Rows and bytes so far, and files that are finished. */
  readonly onProgress?: (rows: number, bytes: number, files: number) => void;
}

/** A part in the spool; `file` is its name there. */
export interface WrittenPart extends WrittenFile {
  readonly file: string;
}

export const STAGED = 'staged.parquet';

/**
 * Writes the rows as parts of exactly `maxRows`, the last one shorter. Mostly that is one part, written by one COPY. More are cut from a staged copy
 * of the rows, so that they are the same rows in the same order whatever the engine's threads do; so is one whose rows have to be known by number.
 */
export async function writeParts(request: WritePartsRequest): Promise<readonly WrittenPart[]> {
  const { engine, settings, columns, folder } = request;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const lines = needsLines(settings, columns);
  const format = engineFormat(settings, lines ? { header: headerLine(settings, columns) } : undefined);
  const render = lines ? renderForLines(settings) : renderFor(settings);
  const finish = (rows: Sql): Sql => (lines ? lineQuery(rows, settings, columns) : rows);
  const { who = false } = request;
  const rows = request.query(render, who);
  const write = async (query: Sql, index: number, before: WrittenFile): Promise<WrittenPart> => {
    const file = `part-${index}`;
    const { signal, onProgress } = request;
    const stages = [...compressionStages(settings.format, settings.compression), ...request.stages];
    const report =
      onProgress === undefined ? {} : { onProgress: (some: number, bytes: number) => onProgress(before.rows + some, before.bytes + bytes, index - 1) };
    return {
      file,
      ...(await writeFile({
        engine,
        query,
        columns: lines ? 1 : columns.length,
        format,
        whenEmpty: emptyFile(settings, format),
        stages,
        path: join(folder, file),
        signal,
        ...report,
      })),
    };
  };
  const none: WrittenFile = { rows: 0, bytes: 0, sha256: '' };

  if (!who && (request.rows === undefined || request.rows <= settings.maxRows)) {
    const whole = await write(finish(rows), 1, none);
    if (whole.rows <= settings.maxRows) return [whole];
    await rm(join(folder, whole.file), { force: true });
  }

  const targets = columns.map((column) => column.target);
  const staged = join(folder, STAGED);
  const total = await engine.write({
    query: toStage(rows, targets, who),
    path: staged,
    format: SCRATCH_FORMAT,
    ...(request.signal === undefined ? {} : { signal: request.signal }),
  });
  const parts: WrittenPart[] = [];
  let before = none;
  for (let from = 0; from < Math.max(total, 1); from += settings.maxRows) {
    const part = await write(finish(stagedRows(engine.files([staged]), targets, from, from + settings.maxRows)), parts.length + 1, before);
    before = { rows: before.rows + part.rows, bytes: before.bytes + part.bytes, sha256: '' };
    parts.push(part);
    request.onProgress?.(before.rows, before.bytes, parts.length);
  }
  if (!who) await rm(staged, { force: true });
  return parts;
}
