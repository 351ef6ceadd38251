import type { Transaction } from 'kysely';
import { sha256 } from '../../support/digest.ts';
import { countPrunable } from '../prunable-journal.ts';
import type { JournalEntry, StateStore } from '../state-store.ts';
import { inChunks } from './chunks.ts';
import type { Reader } from './connection.ts';
import type { StateTables } from './tables.ts';

/** Adds entries; each one's digest covers it and the digest before it, so that no line can be changed or taken away unseen. */
export async function appendJournal(tx: Transaction<StateTables>, entries: readonly JournalEntry[]): Promise<void> {
  if (entries.length === 0) return;
  const last = await tx.selectFrom('journal').select('digest').orderBy('seq', 'desc').limit(1).executeTakeFirst();
  let digest = last?.digest ?? (await readBase(tx));
  const rows = entries.map((entry) => {
    const body = JSON.stringify(entry);
    digest = chainDigest(digest, body);
    return { apply_id: entry.applyId, type: entry.type, body, digest };
  });
  for (const part of inChunks(rows)) await tx.insertInto('journal').values(part).execute();
}

/** Entries of applies that began and did not end. */
export async function unfinishedEntries(db: Reader): Promise<readonly JournalEntry[]> {
  const rows = await db
    .selectFrom('journal')
    .select('body')
    .where(
      'apply_id',
      'in',
      db
        .selectFrom('journal as begun')
        .select('begun.apply_id')
        .where('begun.type', '=', 'begin')
        .where(({ not, exists, selectFrom }) =>
          not(exists(selectFrom('journal as ended').select('ended.seq').whereRef('ended.apply_id', '=', 'begun.apply_id').where('ended.type', '=', 'end'))),
        ),
    )
    .orderBy('seq')
    .execute();
  return rows.map(({ body }) => JSON.parse(body) as JournalEntry);
}

/** Who began an apply, as its `begin` entry says; empty when there is none. */
export async function actorOf(db: Reader, applyId: string | undefined): Promise<string> {
  if (applyId === undefined) return '';
  const begin = await db.selectFrom('journal').select('body').where('apply_id', '=', applyId).where('type', '=', 'begin').executeTakeFirst();
  return begin === undefined ? '' : (JSON.parse(begin.body) as Extract<JournalEntry, { type: 'begin' }>).actor;
}

/** The sequence numbers of entries that are not what was written: changed, or with one missing before them. */
export async function brokenEntries(db: Reader): Promise<readonly number[]> {
  const broken: number[] = [];
  let digest = await readBase(db);
  for (const row of await db.selectFrom('journal').selectAll().orderBy('seq').execute()) {
    if (chainDigest(digest, row.body) !== row.digest) broken.push(row.seq);
    digest = row.digest;
  }
  return broken;
}

/** Drops the oldest entries and keeps the digest that the first one left follows from. Returns how many there are to drop. */
export async function pruneJournal(tx: Transaction<StateTables>, { before, dryRun = false }: Parameters<StateStore['pruneJournal']>[0]): Promise<number> {
  const rows = await tx.selectFrom('journal').selectAll().orderBy('seq').execute();
  const count = countPrunable(
    rows.map(({ body }) => JSON.parse(body) as JournalEntry),
    before,
  );
  const last = rows[count - 1];
  if (last === undefined || dryRun) return count;
  await tx.deleteFrom('journal').where('seq', '<=', last.seq).execute();
  await tx.deleteFrom('meta').where('name', '=', BASE).execute();
  await tx.insertInto('meta').values({ name: BASE, value: last.digest }).execute();
  return count;
}

/** In `meta`: the digest of the last entry that was dropped. */
const BASE = 'journalBase';

async function readBase(db: Reader): Promise<string> {
  const row = await db.selectFrom('meta').select('value').where('name', '=', BASE).executeTakeFirst();
  return row?.value ?? '';
}

function chainDigest(before: string, body: string): string {
  return sha256(`${before}\n${body}`);
}
