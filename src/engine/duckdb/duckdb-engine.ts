import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { attributeColumn } from '../../model/attribute-column.ts';
import { AppError } from '../../model/app-error.ts';
import type { FileDatasetSpec } from '../../model/generated/kinds.ts';
import { ident, joinSql, literal, sql, type Sql, type SqlPart } from '../../sql/sql.ts';
import { digestOf } from '../../support/digest.ts';
import { nearest } from '../../support/nearest.ts';
import type { BadValue, ColumnNeed, Engine, LogicalColumn, OpenedSource } from '../engine.ts';
import { eventColumns, primaryIdentity, profileColumns, type ModelColumn, type ProfileModel } from '../profile-model.ts';
import { columnValue } from './column-value.ts';
import { copyStatement } from './copy-statement.ts';
import { Database } from './database.ts';
import { findDamaged } from './damaged-file.ts';
import { findDatasetFiles, type DatasetFiles } from './dataset-files.ts';
import { describeDataset, requireColumn, type DescribedDataset } from './described-dataset.ts';
import { KeptDatasets } from './kept-datasets.ts';
import { KeyParts } from './key-parts.ts';
import { measureDataset, type MeasuredDataset } from './source-facts.ts';
import { DamagedFileError } from './unreadable-data.ts';

export interface DuckDbEngineOptions {
  readonly model: ProfileModel;
  /** Absolute; dataset paths are relative to it. */
  readonly project: string;
  readonly cacheFolder: string;
  readonly temporaryFolder: string;
  readonly memoryLimitMb: number;
  readonly wideMemoryMb?: number;
  readonly mostMemoryMb?: number;
  readonly threads?: number;
  readonly signal?: AbortSignal;
  /** Opens the database, or hands out one that is opening already; by default one is opened with the first use. */
  readonly openDatabase?: () => Promise<Database>;
}

const PROGRESS_MS = 250;

/** The embedded engine: files read in place by DuckDB. The database is opened with the first use. */
export function createDuckDbEngine(options: DuckDbEngineOptions): Engine {
  const { model } = options;
  if (model.source.engine !== 'duckdb') throw new TypeError(`the embedded engine was asked to read the ${model.source.engine} source \`${model.sourceName}\``);
  const { datasets } = model.source;
  let opening: Promise<Database> | undefined;
  const database = (): Promise<Database> => (opening ??= options.openDatabase?.() ?? Database.open(options));
  const described = new Map<string, DescribedDataset>();

  const describe = async (name: string, needed: readonly string[]): Promise<DescribedDataset> => {
    const { files, spec } = await filesOf(name);
    const key = digestOf([name, files.fingerprint, files.format === 'json' ? needed : []]);
    const known = described.get(key);
    if (known) return known;
    const fresh = await describeDataset(await database(), files, spec, needed);
    described.set(key, fresh);
    return fresh;
  };

  const filesOf = async (name: string): Promise<{ readonly files: DatasetFiles; readonly spec: FileDatasetSpec }> => {
    const spec = datasets[name];
    if (spec === undefined) {
      const near = nearest(name, Object.keys(datasets));
      throw new AppError({
        code: 'RC2006',
        message: `the Source \`${model.sourceName}\` has no dataset \`${name}\``,
        hint: near === undefined ? 'declare it under `datasets`' : `did you mean \`${near}\`?`,
      });
    }
    return { files: await findDatasetFiles(options.project, name, spec), spec };
  };

  const datasetNames = (withEvents: boolean): readonly string[] => {
    const { attributes } = model;
    return [...new Set([attributes.dataset, ...(withEvents && attributes.events ? [attributes.events.dataset] : [])])];
  };

  const fingerprint = async (withEvents: boolean): Promise<string> => {
    return digestOf(await Promise.all(datasetNames(withEvents).map(async (name) => (await filesOf(name)).files.fingerprint)));
  };
  let eventsOpened = false;
  /** Whether events are among what was opened last; and that, divided. */
  let withEvents = false;
  let divided: KeyParts | undefined;
  const scratchFolder = async (): Promise<string> => mkdtemp(join((await database()).folder, 'scratch-'));

  const kept = new KeptDatasets({
    database,
    folder: scratchFolder,
    describe,
    fingerprint: async (name) => (await filesOf(name)).files.fingerprint,
    signal: options.signal,
  });

  /**
   * DuckDB breaks down, and its database with it, over text that is not UTF-8 when it reads only some columns; read as a whole, it tells the line. Of Parquet files it does
   * not say which one is damaged.
   */
  const explained = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      const broken = error instanceof Error && /^(INTERNAL|FATAL) Error/.test(error.message);
      if (!broken && !(error instanceof DamagedFileError)) throw error;
      await using fresh = await Database.open(options);
      if (broken) {
        for (const dataset of described.values()) if (dataset.files.format === 'csv') await fresh.rows(sql`select count(columns(*)) from ${dataset.relation}`);
      }
      const files = await Promise.all(datasetNames(withEvents).map(async (name) => (await filesOf(name)).files));
      const paths = files.filter(({ format }) => format === 'parquet').flatMap((dataset) => dataset.paths);
      throw (await findDamaged(fresh, paths, options.project, options.signal)) ?? error;
    }
  };

  return {
    dialect: 'duckdb',

    async open(need) {
      eventsOpened ||= need.event !== undefined;
      withEvents = need.event !== undefined && model.attributes.events !== undefined;
      await divided?.remove();
      divided = undefined;
      const opened = await explained(openRelations({ db: await database(), model, describe, kept, options }, need));
      return { ...opened, fingerprint: await fingerprint(eventsOpened) };
    },

    share(needs) {
      for (const need of needs) for (const { dataset, columns } of columnsRead(model, need)) kept.share(dataset, columns);
    },

    async openPart(part) {
      divided ??= await explained(KeyParts.write(await database(), await scratchFolder(), withEvents, options.signal));
      await divided.open(part);
    },

    scratchFolder,

    givingUp: async (work) => (await database()).givingUp(work),

    columns: async (dataset, looked) => [...(await describe(dataset, looked)).columns.keys()],

    fingerprint: () => fingerprint(eventsOpened),

    async rows(query, signal = options.signal, { joinsAsWritten = false } = {}) {
      const db = await database();
      if (!joinsAsWritten) return explained(db.rows(query, signal));
      await db.run(sql`set disabled_optimizers = 'join_order,build_side_probe_side'`);
      try {
        return await explained(db.rows(query, signal));
      } finally {
        // After a failure that broke the database this one would only hide it.
        await db.run(sql`reset disabled_optimizers`).catch(() => undefined);
      }
    },

    async write(request) {
      const db = await database();
      const { onProgress } = request;
      const timer = onProgress === undefined ? undefined : setInterval(() => onProgress(db.progress()?.rows ?? 0), PROGRESS_MS);
      try {
        return await explained(db.copy(copyStatement(request), request.columns ?? 1, request.signal ?? options.signal, request.onAgain));
      } finally {
        clearInterval(timer);
      }
    },

    files: (paths) => sql`read_parquet([${joinSql(paths.map(literal), ', ')}], hive_partitioning => false)`,

    async [Symbol.asyncDispose]() {
      // One that never opened has been reported already.
      await (await opening?.catch(() => undefined))?.[Symbol.asyncDispose]();
    },
  };
}

interface Opening {
  readonly db: Database;
  readonly model: ProfileModel;
  readonly describe: (name: string, needed: readonly string[]) => Promise<DescribedDataset>;
  readonly kept: KeptDatasets;
  readonly options: DuckDbEngineOptions;
}

/** The columns of datasets that a need reads, without what is not declared: of that the job itself tells. */
function columnsRead({ attributes }: ProfileModel, need: ColumnNeed): readonly { readonly dataset: string; readonly columns: readonly string[] }[] {
  const profile = {
    dataset: attributes.dataset,
    columns: [primaryIdentity(attributes).column, ...columnsOf(profileColumns(attributes), need.profile)],
  };
  const { events } = attributes;
  if (events === undefined || need.event === undefined) return [profile];
  return [profile, { dataset: events.dataset, columns: [...ownColumns(events), ...columnsOf(eventColumns(attributes), need.event)] }];
}

function columnsOf(all: readonly ModelColumn[], paths: readonly string[]): readonly string[] {
  return all.filter(({ path }) => paths.includes(path)).map(({ column }) => column);
}

/** Of events, what is read in any case. */
function ownColumns({ profile, timestamp, eventType }: NonNullable<ProfileModel['attributes']['events']>): readonly string[] {
  return [profile, timestamp, ...('column' in eventType ? [eventType.column] : [])];
}

/** Makes the views `profile` and `event` over the needed columns. Views, not CTEs: those are materialised when used twice. */
async function openRelations({ db, model, describe, kept, options }: Opening, need: ColumnNeed): Promise<Omit<OpenedSource, 'fingerprint'>> {
  const { attributes } = model;
  const primary = primaryIdentity(attributes);
  const wanted = choose(profileColumns(attributes), need.profile, `the Attributes \`${model.name}\``);
  const read = [primary.column, ...wanted.map(({ column }) => column)];
  const profile = await describe(attributes.dataset, read);
  const keyType = requireColumn(profile, primary.column, `identity \`${primary.namespace}\` of Attributes \`${model.name}\``);
  for (const { column, path } of wanted) requireColumn(profile, column, `\`${path}\` of Attributes \`${model.name}\``);
  const measured = await measureDataset(db, { dataset: profile, columns: wanted, identity: primary.column, cacheFolder: options.cacheFolder }, options.signal);

  const columns = new Map<string, LogicalColumn>();
  const badValues = badOf(wanted, measured, 'profile');
  const events = need.event === undefined || attributes.events === undefined ? undefined : attributes.events;
  let eventRows: number | undefined;
  let sharedKeyType = keyType;
  if (events !== undefined && need.event !== undefined) {
    const fields = choose(
      eventColumns(attributes),
      need.event.filter((path) => path !== 'timestamp' && path !== 'eventType'),
      `the events of Attributes \`${model.name}\``,
    );
    const readOfEvents = [...ownColumns(events), ...fields.map(({ column }) => column)];
    const event = await describe(events.dataset, readOfEvents);
    const usedBy = `the events of Attributes \`${model.name}\``;
    const eventKeyType = requireColumn(event, events.profile, usedBy);
    for (const column of readOfEvents) requireColumn(event, column, usedBy);
    if (!sameKind(keyType, eventKeyType)) sharedKeyType = 'VARCHAR';
    const time: ModelColumn = { path: 'timestamp', column: events.timestamp, type: 'timestamp', declared: { type: 'timestamp' } };
    const facts = await measureDataset(
      db,
      { dataset: event, columns: [time, ...fields], identity: undefined, cacheFolder: options.cacheFolder },
      options.signal,
    );
    eventRows = facts.rows;
    badValues.push(...badOf([time, ...fields], facts, 'event'));
    const parts = [
      sql`${keyExpression(ident(events.profile), eventKeyType, sharedKeyType)} as "#key"`,
      ...[time, ...fields].flatMap((column) => viewColumns(column, event, facts, undefined)),
      sql`${'column' in events.eventType ? sql`cast(${ident(events.eventType.column)} as varchar)` : literal(events.eventType.value)} as "eventType"`,
    ];
    await db.run(sql`create or replace temp view event as select ${joinSql(parts, ', ')} from ${await kept.relationOf(event, readOfEvents)}`);
  }

  const key = keyExpression(ident(primary.column), keyType, sharedKeyType);
  const text = keyType === 'VARCHAR' ? ident(primary.column) : sql`cast(${ident(primary.column)} as varchar)`;
  const emptyToNull = measured.identity.nulls > 0 && keyType === 'VARCHAR';
  const parts: Sql[] = [
    sql`${emptyToNull ? sql`nullif(${key}, '')` : key} as "#key"`,
    sql`${emptyToNull ? sql`nullif(${text}, '')` : text} as "id"`,
    ...wanted.flatMap((column) => viewColumns(column, profile, measured, columns)),
  ];
  await db.run(sql`create or replace temp view profile as select ${joinSql(parts, ', ')} from ${await kept.relationOf(profile, read)}`);
  return {
    columns,
    health: {
      rows: measured.rows,
      withoutIdentity: measured.identity.nulls,
      duplicates: measured.identity.duplicates,
      duplicateExamples: measured.identity.examples,
      badValues,
      events: eventRows,
    },
  };
}

/** `register`: of the columns of `profile`. */
function viewColumns(
  column: ModelColumn,
  dataset: DescribedDataset,
  measured: MeasuredDataset,
  register: Map<string, LogicalColumn> | undefined,
): readonly Sql[] {
  const facts = measured.column(column);
  const typed = columnValue(ident(column.column), dataset.columns.get(column.column) ?? 'VARCHAR', column, facts.digits, facts.bad === 0);
  register?.set(column.path, { name: column.path, type: column.type, hasText: typed.text !== undefined });
  const value = sql`${typed.value} as ${ident(register === undefined ? column.path : attributeColumn(column.path))}`;
  return [
    value,
    ...(typed.text === undefined ? [] : [sql`${typed.text} as ${ident(`${column.path}#text`)}`]),
    ...(facts.bad === 0 || typed.bad === undefined ? [] : [sql`coalesce(${typed.bad}, false) as ${ident(`${column.path}#bad`)}`]),
  ];
}

function choose(all: readonly ModelColumn[], paths: readonly string[], owner: string): readonly ModelColumn[] {
  return [...new Set(paths)].map((path) => {
    const found = all.find((column) => column.path === path);
    if (found) return found;
    const near = nearest(
      path,
      all.map((column) => column.path),
    );
    throw new AppError({
      code: 'RC2002',
      message: `${owner} have no \`${path}\``,
      hint: near === undefined ? 'declare it there' : `did you mean \`${near}\`?`,
    });
  });
}

function badOf(columns: readonly ModelColumn[], measured: MeasuredDataset, of: BadValue['of']): BadValue[] {
  return columns.flatMap((wanted) => {
    const { bad: count, value = '', row = 0, inside } = measured.column(wanted);
    const { column, path, type } = wanted;
    return count === 0 ? [] : [{ column, path, type, count, value, row, of, ...(inside === undefined ? {} : { inside }) }];
  });
}

function keyExpression(raw: Exclude<SqlPart, string>, physical: string, shared: string): Exclude<SqlPart, string> {
  return physical === shared || shared !== 'VARCHAR' || physical === 'VARCHAR' ? raw : sql`cast(${raw} as varchar)`;
}

/** Keys of two datasets that compare as they are: the same type, or two integers. */
function sameKind(left: string, right: string): boolean {
  const integer = /^U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?$/;
  return left === right || (integer.test(left) && integer.test(right));
}
