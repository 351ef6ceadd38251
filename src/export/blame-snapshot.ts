import type { Engine } from '../engine/engine.ts';
import { AppError } from '../model/app-error.ts';
import { sql } from '../sql/sql.ts';

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
    return new AppError({
      code,
      message: `the file \`${path}\` is damaged`,
      hint: 'it says who was delivered, and belongs to the state: put it back from the same backup as the state. Without one, delete the activation and apply it again: its next export is everybody',
      cause: second,
    });
  }
}
