import type { DuckDBConnection } from '@duckdb/node-api';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createDuckDbEngine } from '../../../src/engine/duckdb/duckdb-engine.ts';
import { printSql } from '../../../src/sql/print-sql.ts';
import { ident, joinSql, literal, sql, type Sql } from '../../../src/sql/sql.ts';
import { openDatabase } from '../segment-database.ts';
import { createTempProject } from '../temp-project.ts';
import { columnTypeOf } from './sql-values.ts';
import { loadWorld, specOf, type Draw, type FieldDeclaration, type World } from './world.ts';

/** How people and events are stored. All but the first are files, which the engine reads as it reads anybody's. */
export const STORAGE_FORMS = ['table', 'csv', 'json', 'parquet', 'parquet of other types', 'parquet of several types', 'folders'] as const;
export type StorageForm = (typeof STORAGE_FORMS)[number];

export interface StoredWorld {
  /** Rows of a query over `profile` and `event`. */
  readonly ask: (query: Sql) => Promise<readonly Readonly<Record<string, unknown>>[]>;
  readonly close: () => Promise<void>;
}

interface Column {
  readonly name: string;
  /** In the table that the column is taken from. */
  readonly from: string;
  readonly field: FieldDeclaration;
}

const STRING: FieldDeclaration = { type: 'string' };
/** So few that almost every condition lets the engine leave some files out by what they say of their values. */
const ROWS_PER_FILE = 3;

/** Types that may hold a declared type's values; each is used where it loses none of them. */
const OTHER_TYPES: Readonly<Record<string, readonly string[]>> = {
  string: ['varchar', 'enum'],
  integer: ['bigint', 'integer', 'smallint', 'utinyint', 'ubigint', 'decimal(25,0)', 'double', 'varchar'],
  decimal: ['decimal(38,10)', 'decimal(18,4)', 'integer', 'double', 'float', 'varchar'],
  double: ['double', 'float', 'integer', 'decimal(18,4)', 'varchar'],
  boolean: ['boolean', 'varchar'],
  date: ['date', 'timestamp', 'timestamptz', 'timestamp_ms', 'timestamp_s', 'timestamp_ns', 'varchar'],
  timestamp: ['timestamp', 'timestamptz', 'timestamp_ms', 'timestamp_s', 'timestamp_ns', 'date', 'varchar'],
  'array string': ['varchar[]', 'json'],
  'array date': ['date[]', 'timestamp[]', 'varchar[]', 'json'],
  'array decimal': ['decimal(38,10)[]', 'decimal(18,4)[]', 'double[]', 'varchar[]', 'json'],
  'array integer': ['bigint[]', 'decimal(25,0)[]', 'integer[]', 'varchar[]', 'json'],
  'array double': ['double[]', 'float[]', 'integer[]', 'varchar[]', 'json'],
  'array object': ['json'],
  map: ['map(varchar, varchar)', 'map(varchar, integer)', 'json'],
  object: ['json'],
};

/** Stores a world in one of these forms and opens it. */
export async function storeWorld(world: World, form: StorageForm, draw: Draw): Promise<StoredWorld> {
  const connection = await openDatabase(["set timezone = 'UTC'"]);
  await loadWorld(connection, world);
  if (form === 'table')
    return {
      ask: async (query) => (await connection.runAndReadAll(printSql(query, 'duckdb'))).getRowObjectsJS(),
      close: async () => connection.closeSync(),
    };
  const project = createTempProject();
  const profile = [{ name: 'id', from: 'id', field: STRING }, { name: 'email', from: 'identityMap.Email', field: STRING }, ...columnsOf(world.fields)];
  const event = [
    { name: 'id', from: 'id', field: STRING },
    { name: 't', from: 'timestamp', field: { type: 'timestamp' } },
    { name: 'k', from: 'eventType', field: STRING },
    ...columnsOf(world.eventFields),
  ];
  await connection.run(
    `create table profile_rows as select * from profile; create table event_rows as select p.id, e.* from event e join profile p using ("#key")`,
  );
  const files = {
    d: await write(connection, { rows: 'profile_rows', folder: join(project.directory, 'd'), columns: profile, form, draw }),
    e: await write(connection, { rows: 'event_rows', folder: join(project.directory, 'e'), columns: event, form, draw }),
  };
  connection.closeSync();
  const attributes = specOf(world.fields, world.eventFields);
  const cache = join(project.directory, 'cache');
  const engine = createDuckDbEngine({
    model: {
      name: 'a',
      attributes,
      sourceName: 's',
      source: { engine: 'duckdb', datasets: { d: { path: `d/**/*.${files.d}` }, e: { path: `e/**/*.${files.e}` } } },
    },
    project: project.directory,
    cacheFolder: cache,
    temporaryFolder: join(cache, 'engine'),
    memoryLimitMb: 512,
    threads: 2,
  });
  const { health } = await engine.open({
    profile: ['identityMap.crmId', 'identityMap.Email', ...Object.keys(world.fields)],
    event: Object.keys(world.eventFields),
  });
  if (health.badValues.length > 0) throw new Error(`${form}: ${JSON.stringify(health.badValues[0])}`);
  return {
    ask: (query) => engine.rows(query),
    async close() {
      await engine[Symbol.asyncDispose]();
      project[Symbol.dispose]();
    },
  };
}

interface Write {
  readonly rows: string;
  readonly folder: string;
  readonly columns: readonly Column[];
  readonly form: StorageForm;
  readonly draw: Draw;
}

/** Writes the rows into files; returns how these end. */
async function write(connection: DuckDBConnection, request: Write): Promise<string> {
  const { rows, folder, columns, form, draw } = request;
  mkdirSync(folder);
  const copy = async (file: string, expressions: readonly Sql[], where: Sql, options: Sql): Promise<void> =>
    void (await connection.run(
      printSql(sql`copy (select ${joinSql(expressions, ', ')} from ${ident(rows)} where ${where}) to ${literal(join(folder, file))} (${options})`, 'duckdb'),
    ));
  if (form === 'csv') {
    await copy(
      'all.csv',
      columns.map((column) => asText(column, draw)),
      sql`true`,
      sql`format csv, force_quote *`,
    );
    return 'csv';
  }
  if (form === 'json') {
    await copy('all.json', columns.map(asItIs), sql`true`, sql`format json`);
    return 'json';
  }
  if (form === 'folders') {
    const keys = columns.filter(
      ({ field, name }) => name !== 'id' && OTHER_TYPES[field.type.replace(/\(.*/, '')] !== undefined && field.type !== 'map' && field.type !== 'object',
    );
    const key = keys[draw(keys.length)] as Column;
    await copy(
      '',
      columns.map((column) => (column === key ? sql`cast(${ident(column.from)} as varchar) as ${ident(column.name)}` : asItIs(column))),
      sql`true`,
      sql`format parquet, partition_by (${ident(key.name)})`,
    );
    return 'parquet';
  }
  // Now in the order of some column, so that files differ in what they hold, now in none.
  const order = columns[draw(columns.length)] as Column;
  await connection.run(
    printSql(
      sql`create or replace table ${ident(rows)} as select *, (row_number() over (order by ${draw(3) === 0 ? sql`hash(id)` : ident(order.from)}, id) - 1) // ${literal(ROWS_PER_FILE)} as "#file" from ${ident(rows)}`,
      'duckdb',
    ),
  );
  const count = Number((await connection.runAndReadAll(printSql(sql`select max("#file") + 1 from ${ident(rows)}`, 'duckdb'))).getRows()[0]?.[0] ?? 0);
  const everywhere = form === 'parquet' ? columns.map(asItIs) : await asOtherTypes(connection, request, sql`true`);
  for (let file = 0; file < count; file += 1) {
    const where = sql`"#file" = ${literal(file)}`;
    const expressions = form === 'parquet of several types' ? await asOtherTypes(connection, request, where) : everywhere;
    await copy(`${file}.parquet`, expressions, where, sql`format parquet, dictionary_size_limit 1000`);
  }
  return 'parquet';
}

function columnsOf(fields: World['fields']): readonly Column[] {
  return Object.entries(fields).map(([name, field]) => ({ name, from: name, field }));
}

function asItIs({ from, name }: Column): Sql {
  return sql`${ident(from)} as ${ident(name)}`;
}

/** Times with and without a zone; what holds other values as JSON. */
function asText({ from, name, field }: Column, draw: Draw): Sql {
  const value = ident(from);
  const text =
    field.type === 'array' || field.type === 'map' || field.type === 'object'
      ? sql`to_json(${value})`
      : field.type === 'timestamp' && draw(2) === 0
        ? sql`case when year(${value}) between 2 and 9998 then cast(${value} + interval 150 minutes as varchar) || '+02:30' else cast(${value} as varchar) || 'Z' end`
        : value;
  return sql`cast(${text} as varchar) as ${ident(name)}`;
}

/** Each column in a type that loses none of the values in these rows. */
async function asOtherTypes(connection: DuckDBConnection, { rows, columns, draw, form }: Write, where: Sql): Promise<readonly Sql[]> {
  const expressions: Sql[] = [];
  for (const { from, name, field } of columns) {
    const value = ident(from);
    const kind = field.type.replace(/\(.*/, '');
    const types = (OTHER_TYPES[kind === 'array' ? `array ${(field.items?.type ?? 'string').replace(/\(.*/, '')}` : kind] ?? []).filter(
      // What is text in one file is text in all, to the engine: what other files hold shows as other text than anybody means.
      (type) => form !== 'parquet of several types' || !/varchar|json|_ns/.test(type),
    );
    const fits: Sql[] = [value as unknown as Sql];
    for (const type of types) {
      const other =
        type === 'json'
          ? sql`to_json(${value})`
          : type === 'enum'
            ? sql`cast(${value} as varchar)`
            : sql`try_cast(${value} as ${{ type: 'sql', parts: [type] }})`;
      const same = sql`select coalesce(bool_and(${value} is not distinct from try_cast(${other} as ${columnTypeOf(field)})), true) from ${ident(rows)} where ${where}`;
      // Of a time that nanoseconds cannot tell the engine's try_cast fails.
      const kept = await connection.runAndReadAll(printSql(same, 'duckdb')).then(
        (reader) => reader.getRows()[0]?.[0] === true,
        () => false,
      );
      if (kept) fits.push(other);
    }
    const chosen = fits[draw(fits.length)] as Sql;
    expressions.push(sql`${chosen} as ${ident(name)}`);
  }
  return expressions;
}
