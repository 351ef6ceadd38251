import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../model/app-error.ts';
import { formatInstant, type Instant } from '../model/instant.ts';
import { ident, joinSql, literal, sql, type Sql } from '../sql/sql.ts';
import { sha256 } from '../support/digest.ts';
import type { ExportPaths } from './deps.ts';
import { normalIdentity } from './normal-identity.ts';

/** People who are never exported again: keyed hashes, never the identities themselves. */
export interface Suppressions {
  /** 32 random bytes as hex, made with the first entry. */
  readonly key: string;
  readonly entries: readonly { readonly namespace: string; readonly hash: string; readonly at: string }[];
}

export const REASON_FORGOTTEN = 'forgotten';
const FILE = 'suppressed.json';

/** Throws RC4022 when the list is there but cannot be read, or is none: exporting without it could send what must not leave. */
export async function readSuppressions(paths: Pick<ExportPaths, 'state'>): Promise<Suppressions | undefined> {
  const path = join(paths.state, FILE);
  const unreadable = (cause?: unknown): AppError =>
    new AppError({
      code: 'RC4022',
      message: `the list of forgotten people \`${path}\` cannot be read`,
      hint: 'restore it from your backup; nothing is exported without it',
      cause,
    });
  let found: unknown;
  try {
    found = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    // A file where the folder should be holds no list either; whoever makes the folder tells of it.
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw unreadable(error);
  }
  if (!isList(found)) throw unreadable();
  return found;
}

function isList(found: unknown): found is Suppressions {
  const { key, entries } = (found ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof key !== 'string' || key === '' || !Array.isArray(entries)) return false;
  return (entries as readonly (Readonly<Record<string, unknown>> | null)[]).every(
    (entry) => typeof entry?.['namespace'] === 'string' && typeof entry['hash'] === 'string',
  );
}

/** Adds a person, durably; adding twice changes nothing. `value`: as the engine normalises it. Returns the hash that stands for them. */
export async function addSuppression(paths: Pick<ExportPaths, 'state'>, namespace: string, value: string, at: Instant): Promise<string> {
  const before = (await readSuppressions(paths)) ?? { key: randomBytes(32).toString('hex'), entries: [] };
  const hash = sha256(`${before.key}${namespace}\u0001${value}`);
  if (before.entries.some((entry) => entry.namespace === namespace && entry.hash === hash)) return hash;
  await mkdir(paths.state, { recursive: true, mode: 0o700 });
  const temporary = join(paths.state, `${FILE}.${process.pid}`);
  await using file = await open(temporary, 'w', 0o600);
  await file.writeFile(
    JSON.stringify({ key: before.key, entries: [...before.entries, { namespace, hash, at: formatInstant(at) }] } satisfies Suppressions, null, 2),
  );
  await file.sync();
  await rename(temporary, join(paths.state, FILE));
  return hash;
}

/** The condition over `profile p` that a row is of somebody forgotten; undefined when nobody of these namespaces is. */
export function suppressedCondition(suppressions: Suppressions | undefined, namespaces: readonly string[], primary: string): Sql | undefined {
  if (suppressions === undefined) return undefined;
  const conditions = namespaces.flatMap((namespace) => {
    const hashes = suppressions.entries.filter((entry) => entry.namespace === namespace).map(({ hash }) => literal(hash));
    if (hashes.length === 0) return [];
    const value = namespace === primary ? ident('p', 'id') : ident('p', `identityMap.${namespace}`);
    const plain = normalIdentity(namespace, value);
    return [sql`(${value} is not null and sha256(concat(${literal(`${suppressions.key}${namespace}\u0001`)}, ${plain})) in (${joinSql(hashes, ', ')}))`];
  });
  return conditions.length === 0 ? undefined : sql`(${joinSql(conditions, ' or ')})`;
}

/** Namespaces in which somebody is forgotten. */
export function suppressedNamespaces(suppressions: Suppressions | undefined): readonly string[] {
  return [...new Set(suppressions?.entries.map(({ namespace }) => namespace))];
}
