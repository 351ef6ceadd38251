import { migration0001 } from './0001-resources-runs-journal.ts';
import { migration0002 } from './0002-first-applied-at.ts';
import { migration0003 } from './0003-cancel-request.ts';
import { migration0004 } from './0004-segments-from.ts';

/**
 * The formats of the database, oldest first; `user_version` counts them. Only ever add to the end, a numbered file each: a database of any older format
 * is brought forward, after a copy of it was made; one of a newer format is refused.
 */
export const MIGRATIONS: readonly string[] = [migration0001, migration0002, migration0003, migration0004];
