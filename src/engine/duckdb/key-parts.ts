import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ident, joinSql, literal, sql, type Sql, type SqlPart } from '../../sql/sql.ts';
import { FIRST_PARTS, type ProfilePart } from '../engine.ts';
import type { Database } from './database.ts';

/** Rows that each thread sorts by part before it writes: what the writing costs, and what it keeps in memory. */
const ROWS_AT_ONCE = 65_536;
const ROW_GROUP_ROWS = 8192;
const RELATIONS = ['profile', 'event'] as const;
/** Parquet has no such integers: the engine would write doubles. */
const WIDE = /^U?HUGEINT$/;
type Relation = (typeof RELATIONS)[number];

interface Written {
  /** As it is read back, a column each. */
  readonly columns: readonly Sql[];
  /** By part; a part without rows has none. */
  readonly files: ReadonlyMap<number, string>;
}

/** The relations `profile` and `event`, written once in files by the hash of their keys: reading a part costs no more than its rows. */
export class KeyParts {
  readonly #db: Database;
  readonly #folder: string;
  readonly #key: Exclude<SqlPart, string>;
  readonly #written: ReadonlyMap<Relation, Written>;

  private constructor(db: Database, folder: string, key: Exclude<SqlPart, string>, written: ReadonlyMap<Relation, Written>) {
    this.#db = db;
    this.#folder = folder;
    this.#key = key;
    this.#written = written;
  }

  /** Writes what the views of these names hold into an empty folder. */
  static async write(db: Database, folder: string, withEvents: boolean, signal: AbortSignal | undefined): Promise<KeyParts> {
    const relations = withEvents ? RELATIONS : (['profile'] as const);
    const types = new Map<Relation, ReadonlyMap<string, string>>();
    for (const relation of relations) {
      const rows = await db.rows(sql`describe select * from ${ident(relation)}`, signal);
      types.set(relation, new Map(rows.map((row) => [String(row['column_name']), String(row['column_type'])])));
    }
    // Equal keys fall into the same part, whatever types of numbers hold them.
    const alike = new Set([...types.values()].map((columns) => columns.get('#key'))).size === 1;
    const key = alike ? ident('#key') : sql`cast("#key" as double)`;
    await db.run(sql`set partitioned_write_flush_threshold = ${literal(ROWS_AT_ONCE)}`);
    const written = new Map<Relation, Written>();
    for (const [relation, columns] of types) written.set(relation, await writeRelation(db, join(folder, relation), { relation, columns, key }, signal));
    return new KeyParts(db, folder, key, written);
  }

  /** Makes the views hold this part alone. */
  async open({ number, of }: ProfilePart): Promise<void> {
    const finer = of === FIRST_PARTS ? sql`` : sql` where hash(${this.#key}) % ${literal(of)} = ${literal(number)}`;
    for (const [relation, { columns, files }] of this.#written) {
      const file = files.get(number % FIRST_PARTS);
      const [any] = files.values();
      // Without any row the view is as it should be.
      if (any === undefined) continue;
      const none = file === undefined ? sql` limit 0` : finer;
      await this.#db.run(
        sql`create or replace temp view ${ident(relation)} as select ${joinSql(columns, ', ')} from read_parquet(${literal(file ?? any)}, hive_partitioning => false)${none}`,
      );
    }
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

interface WriteRequest {
  readonly relation: Relation;
  /** Their types by name. */
  readonly columns: ReadonlyMap<string, string>;
  readonly key: Exclude<SqlPart, string>;
}

async function writeRelation(db: Database, folder: string, { relation, columns, key }: WriteRequest, signal: AbortSignal | undefined): Promise<Written> {
  const list = [...columns].map(([name, type]) => (WIDE.test(type) ? sql`cast(${ident(name)} as varchar) as ${ident(name)}` : sql`${ident(name)}`));
  const back = [...columns].map(([name, type]) =>
    WIDE.test(type) ? sql`cast(${ident(name)} as ${type === 'HUGEINT' ? sql`hugeint` : sql`uhugeint`}) as ${ident(name)}` : sql`${ident(name)}`,
  );
  const query = sql`select ${joinSql(list, ', ')}, hash(${key}) % ${literal(FIRST_PARTS)} as "#part" from ${ident(relation)}`;
  // What an attempt that ran out of memory has written is in the way of the next one, which has more.
  const options = sql`format parquet, compression snappy, row_group_size ${literal(ROW_GROUP_ROWS)}, partition_by ("#part"), overwrite`;
  const rows = await db.copy(sql`copy (${query}) to ${literal(folder)} (${options})`, columns.size, signal);
  const files = rows === 0 ? new Map<number, string>() : await findFiles(folder);
  if (rows > 0) await checkComplete(db, [...files.values()], rows, relation, signal);
  return { columns: back, files };
}

/** `#part=17/data_0.parquet`, the first character perhaps as `%23`. */
async function findFiles(folder: string): Promise<ReadonlyMap<number, string>> {
  const files = new Map<number, string>();
  for (const name of await readdir(folder, { recursive: true })) {
    const part = /part=(\d+)[\\/][^\\/]+\.parquet$/.exec(name)?.[1];
    if (part === undefined) continue;
    if (files.has(Number(part))) throw new Error(`part ${part} of ${folder} has several files`);
    files.set(Number(part), join(folder, name));
  }
  return files;
}

/** Rows that were lost on the way would be people who are in no part. */
async function checkComplete(db: Database, files: readonly string[], rows: number, relation: Relation, signal: AbortSignal | undefined): Promise<void> {
  const [row] = await db.rows(sql`select sum(num_rows)::bigint as "n" from parquet_file_metadata([${joinSql(files.map(literal), ', ')}])`, signal);
  if (Number(row?.['n']) !== rows) throw new Error(`${rows} rows of ${relation} were divided, and ${String(row?.['n'])} are in the parts`);
}
