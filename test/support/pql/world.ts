import type { DuckDBConnection } from '@duckdb/node-api';
import type { AttributesSpec } from '../../../src/model/generated/kinds.ts';
import { columnTypeOf, sqlOf } from './sql-values.ts';
import { toProfileSchema, type ProfileSchema } from '../../../src/segment/profile-schema.ts';
import { readFixture } from '../../../src/segment/evaluate/read-fixture.ts';
import type { EvaluatedProfile } from '../../../src/segment/evaluate/evaluate.ts';
import { printSql } from '../../../src/sql/print-sql.ts';
import { ident, joinSql, sql, type Sql } from '../../../src/sql/sql.ts';

/** Draws a whole number from 0 to below `count`. */
export type Draw = (count: number) => number;

export type Plain = Readonly<Record<string, unknown>>;

/** People with attributes and events, as plain values: what a segment's test would hold. */
export interface World {
  readonly schema: ProfileSchema;
  readonly fields: Readonly<Record<string, FieldDeclaration>>;
  readonly eventFields: Readonly<Record<string, FieldDeclaration>>;
  readonly people: readonly { readonly id: string; readonly profile: Plain; readonly events: readonly Plain[] }[];
}

export interface FieldDeclaration {
  readonly type: string;
  readonly items?: FieldDeclaration;
  readonly values?: FieldDeclaration;
  readonly fields?: Readonly<Record<string, FieldDeclaration>>;
}

/** What `now` means in generated cases: the day after a leap day, a Friday, in the afternoon. */
export const WORLD_NOW: number = Date.UTC(2024, 2, 1, 15, 30, 0, 250);

export const TEXTS = [
  '',
  'a',
  'A',
  'ab',
  'Ab',
  'b',
  'ba',
  'é',
  'É',
  '😀',
  '\uff61',
  'a%b',
  'a_b',
  "it's",
  'x"y',
  ' ',
  'one\ntwo',
  'İ',
  'ß',
  'DE',
  'de@ex.com',
  '42',
];
const INTEGERS = ['-3', '-1', '0', '1', '2', '3', '7', '100', '9007199254740993'];
const DECIMALS = ['-2.25', '-0.01', '0.00', '0.10', '1.00', '1.50', '2.00', '99.99', '100.00', '12345678.90'];
const LONG_DECIMALS = ['-0.0050', '0.0001', '1.5000', '1.5049', '2.0000', '99.9949', '100.0000'];
const DOUBLES = [-1.25, 0, 0.5, 1, 2, 3.75, 1e10];
export const DAYS = [
  '0001-01-01',
  '1999-12-31',
  '2000-02-29',
  '2019-12-31',
  '2023-03-01',
  '2023-12-31',
  '2024-01-01',
  '2024-01-31',
  '2024-02-01',
  '2024-02-26',
  '2024-02-29',
  '2024-03-01',
  '2024-03-02',
  '2024-03-31',
  '2025-01-01',
  '9999-12-31',
];
const TIMES = ['00:00:00Z', '15:30:00.250Z', '15:30:00.251Z', '15:29:59.999999Z', '23:59:59.999Z', '09:00:00Z'];

const SCALARS = ['string', 'integer', 'decimal(12,2)', 'double', 'boolean', 'date', 'timestamp'];

/** A schema with fields of every type and some more, and people whose values often meet. */
export function drawWorld(draw: Draw, people: number): World {
  const fields: Record<string, FieldDeclaration> = {};
  const eventFields: Record<string, FieldDeclaration> = {};
  for (const type of SCALARS) {
    const short = type.replace(/\(.*/, '');
    fields[`p.${short}`] = { type };
    if (draw(2) === 0) fields[`q.${short}`] = { type };
    if (draw(2) === 0) eventFields[`e.${short}`] = { type };
  }
  eventFields['amount'] = { type: 'decimal(12,2)' };
  eventFields['kind'] = { type: 'string' };
  fields['list.texts'] = { type: 'array', items: { type: 'string' } };
  fields['list.more'] = { type: 'array', items: { type: 'string' } };
  // More decimals than the others, and all the digits that the engine has: what is brought to one type with it may lose some.
  fields['p.long'] = { type: 'decimal(18,4)' };
  fields['p.wide'] = { type: 'decimal(38,2)' };
  fields['list.days'] = { type: 'array', items: { type: 'date' } };
  fields['list.decimals'] = { type: 'array', items: { type: 'decimal(18,4)' } };
  fields['list.numbers'] = { type: 'array', items: { type: draw(2) === 0 ? 'integer' : 'double' } };
  fields['orders'] = { type: 'array', items: { type: 'object', fields: { sku: { type: 'string' }, price: { type: 'integer' }, on: { type: 'date' } } } };
  fields['map.counts'] = { type: 'map', values: { type: 'integer' } };
  fields['home'] = { type: 'object', fields: { city: { type: 'string' }, rooms: { type: 'integer' } } };
  if (draw(2) === 0) eventFields['items'] = { type: 'array', items: { type: 'object', fields: { sku: { type: 'string' }, price: { type: 'integer' } } } };
  const drawn = Array.from({ length: people }, (_, index) => ({
    id: `p${index}`,
    profile: { 'identityMap.crmId': `p${index}`, 'identityMap.Email': draw(3) === 0 ? null : TEXTS[draw(TEXTS.length)], ...drawMembers(draw, fields) },
    events: Array.from({ length: draw(4) === 0 ? 0 : draw(6) }, () => ({
      timestamp: draw(12) === 0 ? null : drawTimestamp(draw),
      eventType: ['purchase', 'visit', 'view'][draw(3)] ?? 'view',
      ...drawMembers(draw, eventFields),
    })),
  }));
  return { schema: toProfileSchema(specOf(fields, eventFields)), fields, eventFields, people: drawn };
}

/** Attributes of these fields, each in a column that is called like it. */
export function specOf(fields: World['fields'], eventFields: World['eventFields']): AttributesSpec {
  return {
    source: 's',
    dataset: 'd',
    identities: { crmId: { column: 'id', primary: true }, Email: { column: 'email' } },
    fields: withColumns(fields),
    events: { dataset: 'e', profile: 'id', timestamp: 't', eventType: { column: 'k' }, fields: withColumns(eventFields) },
  } as unknown as AttributesSpec;
}

/** The people as the evaluator takes them. */
export function evaluated(world: World): readonly EvaluatedProfile[] {
  return world.people.map(({ profile, events }) => {
    const read = readFixture(profile, events, world.schema);
    if (read.problems.length > 0) throw new Error(JSON.stringify(read.problems[0]));
    return read.profile;
  });
}

/** Makes the relations `profile` and `event` as an engine would offer them. */
export async function loadWorld(connection: DuckDBConnection, world: World): Promise<void> {
  const identities: Record<string, FieldDeclaration> = { 'identityMap.crmId': { type: 'string' }, 'identityMap.Email': { type: 'string' } };
  const profileFields = { ...identities, ...world.fields };
  const eventFields: Record<string, FieldDeclaration> = { timestamp: { type: 'timestamp' }, eventType: { type: 'string' }, ...world.eventFields };
  await createTable(
    connection,
    'profile',
    ['"#key" bigint', 'id varchar'],
    profileFields,
    world.people.map(({ id, profile }, index) => ({ head: sql`${keyOf(index)}, ${sqlOf(id, { type: 'string' })}`, values: profile })),
  );
  await createTable(
    connection,
    'event',
    ['"#key" bigint'],
    eventFields,
    world.people.flatMap(({ events }, index) => events.map((values) => ({ head: keyOf(index), values }))),
  );
}

async function createTable(
  connection: DuckDBConnection,
  name: string,
  head: readonly string[],
  fields: Readonly<Record<string, FieldDeclaration>>,
  rows: readonly { readonly head: Sql; readonly values: Plain }[],
): Promise<void> {
  const columns = Object.entries(fields).map(([path, field]) => sql`${ident(path)} ${columnTypeOf(field)}`);
  await connection.run(`create or replace table ${name} (${head.join(', ')}, ${printSql(joinSql(columns, ', '), 'duckdb')})`);
  if (rows.length === 0) return;
  const list = rows.map(
    (row) =>
      sql`(${row.head}, ${joinSql(
        Object.entries(fields).map(([path, field]) => sqlOf(row.values[path] ?? null, field)),
        ', ',
      )})`,
  );
  await connection.run(printSql(sql`insert into ${ident(name)} values ${joinSql(list, ', ')}`, 'duckdb'));
}

function keyOf(index: number): Sql {
  return { type: 'sql', parts: [String(index)] };
}

function withColumns(fields: Readonly<Record<string, FieldDeclaration>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([path, field]) => [path, { column: path, ...field }]));
}

function drawMembers(draw: Draw, fields: Readonly<Record<string, FieldDeclaration>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).map(([path, field]) => [path, drawValue(draw, field)]));
}

function drawTimestamp(draw: Draw): string {
  return `${DAYS[draw(DAYS.length)] ?? ''}T${TIMES[draw(TIMES.length)] ?? ''}`;
}

function drawValue(draw: Draw, field: FieldDeclaration): unknown {
  if (draw(6) === 0) return null;
  switch (field.type.replace(/\(.*/, '')) {
    case 'string':
      return TEXTS[draw(TEXTS.length)];
    case 'integer':
      return INTEGERS[draw(INTEGERS.length)];
    case 'decimal': {
      const decimals = field.type.endsWith(',4)') ? LONG_DECIMALS : DECIMALS;
      return decimals[draw(decimals.length)];
    }
    case 'double':
      return DOUBLES[draw(DOUBLES.length)];
    case 'boolean':
      return draw(2) === 0;
    case 'date':
      return DAYS[draw(DAYS.length)];
    case 'timestamp':
      return drawTimestamp(draw);
    case 'array':
      return Array.from({ length: draw(4) }, () => drawValue(draw, field.items ?? { type: 'string' }));
    case 'map':
      return Object.fromEntries(['a', 'b', 'é'].filter(() => draw(2) === 0).map((key) => [key, drawValue(draw, field.values ?? { type: 'string' })]));
    default:
      return drawMembers(draw, field.fields ?? {});
  }
}
