import type { Engine } from '../engine/engine.ts';
import { attributeColumn } from '../model/attribute-column.ts';
import { shaped } from '../segment/compile/columns.ts';
import { readValue } from '../segment/evaluate/read-fixture.ts';
import type { EvaluatedProfile } from '../segment/evaluate/evaluate.ts';
import type { Value } from '../segment/evaluate/value.ts';
import type { ProfileSchema, SchemaField } from '../segment/profile-schema.ts';
import { ident, joinSql, literal, noSql, sql, type Sql } from '../sql/sql.ts';
import { isNested } from './output-columns.ts';

interface ProfileQuery {
  readonly schema: ProfileSchema;
  /** The primary identity. */
  readonly id: string;
  /** Attribute paths, opened before. */
  readonly profileColumns: readonly string[];
  /** Undefined: no events. */
  readonly eventColumns: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

type Row = Readonly<Record<string, unknown>>;

/** One person's values as the evaluator takes them; undefined when no profile has that identity. Values that are not of their type are NULL. */
export async function readProfile(engine: Engine, query: ProfileQuery): Promise<EvaluatedProfile | undefined> {
  const { schema, id, signal } = query;
  const fields = chooseFields(schema.fields, query.profileColumns);
  const [row] = await engine.rows(sql`select p."id" as "#id"${selected('p', fields)} from profile p where p."id" = ${literal(id)} limit 1`, signal);
  if (row === undefined) return undefined;
  if (query.eventColumns === undefined || schema.events === undefined) return { fields: toValues(row, fields), events: [] };
  const ofEvents = chooseFields(schema.events, ['timestamp', 'eventType', ...query.eventColumns]);
  const rows = await engine.rows(
    sql`select 1 as "#one"${selected('e', ofEvents)} from event e where e."#key" in (select p."#key" from profile p where p."id" = ${literal(id)})`,
    signal,
  );
  return { fields: toValues(row, fields), events: rows.map((event) => ({ members: toValues(event, ofEvents) })) };
}

function chooseFields(known: ReadonlyMap<string, SchemaField>, paths: readonly string[]): ReadonlyMap<string, SchemaField> {
  return new Map([...new Set(paths)].flatMap((path) => (known.has(path) ? [[path, known.get(path) as SchemaField] as const] : [])));
}

function selected(alias: string, fields: ReadonlyMap<string, SchemaField>): Sql {
  if (fields.size === 0) return noSql;
  const list = [...fields].map(
    ([path, { type }]) => sql`${asText(shaped(ident(alias, alias === 'p' ? attributeColumn(path) : path), type, true), type.kind)} as ${ident(path)}`,
  );
  return sql`, ${joinSql(list, ', ')}`;
}

/** Text keeps every digit on its way out of the engine. */
function asText(column: ReturnType<typeof shaped>, kind: string): Sql {
  if (kind === 'timestamp') return sql`strftime(${column}, '%Y-%m-%dT%H:%M:%S.%fZ')`;
  return isNested(kind) ? sql`cast(to_json(${column}) as varchar)` : sql`cast(${column} as varchar)`;
}

function toValues(row: Row, fields: ReadonlyMap<string, SchemaField>): ReadonlyMap<string, Value> {
  return new Map([...fields].map(([path, { type }]) => [path, readValue(toPlain(row[path], type.kind), type, [], ignoreProblem)]));
}

/** What is not of its type is NULL, as the engine reads it. */
function ignoreProblem(): void {}

function toPlain(cell: unknown, kind: string): unknown {
  if (typeof cell !== 'string') return cell;
  if (kind === 'boolean') return cell === 'true';
  // Numbers as they are written: a JSON number may have more digits than one of ours.
  return isNested(kind) ? JSON.parse(cell, keepNumbers) : cell;
}

/** Without the zeros that a decimal has only because those inside a value have ten digits. */
function keepNumbers(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  return typeof value === 'number' ? (context?.source?.replace(/(\.\d*[1-9])0+$|\.0+$/, '$1') ?? value) : value;
}
