import { existsSync } from 'node:fs';
import type { Engine } from '../engine/engine.ts';
import { AppError } from '../model/app-error.ts';
import { sql } from '../sql/sql.ts';
import { isAsSealed } from './sealed-file.ts';

/**
 * What a selection that failed is to be told as: where the members on record cannot be read by themselves either, their file is to blame, and not the
 * source. Costs nothing while all is well.
 */
export async function blameSnapshot(engine: Engine, path: string, error: unknown, signal: AbortSignal | undefined): Promise<unknown> {
  if (signal?.aborted === true) return error;
  try {
    await engine.rows(sql`select max(columns(*)) from ${engine.files([path])}`, signal);
    return error;
  } catch (second) {
    const code = second instanceof AppError ? second.code : 'RC2003';
    if (code !== 'RC2003') return error;
    return damaged(path, second);
  }
}

/** Fails with RC2003 when the members on record are not those that were written: bytes that changed on the disk may still be read as somebody else. */
export async function requireAsSealed(path: string): Promise<void> {
  // One that is not there is told by whoever reads it.
  if (existsSync(path) && !(await isAsSealed(path))) throw damaged(path);
}

function damaged(path: string, cause?: unknown): AppError {
  return new AppError({
    code: 'RC2003',
    message: `the file \`${path}\` is damaged`,
    hint: 'it says who was delivered, and belongs to the state: put it back from the same backup as the state. Without one, delete the activation and apply it again: its next export is everybody',
    cause,
  });
}
