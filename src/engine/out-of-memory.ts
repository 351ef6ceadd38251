import { AppError } from '../model/app-error.ts';

/** RC2004 for want of memory, not of disk: the same may succeed with fewer profiles at a time. */
export class OutOfMemoryError extends AppError {
  constructor(cause: unknown, what = 'the engine has no memory left for this query') {
    super({ code: 'RC2004', message: what, hint: 'raise RECONCILE_MEMORY_MB', cause });
  }
}
