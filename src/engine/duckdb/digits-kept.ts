import { ident, joinSql, literal, sql, type Sql, type SqlPart } from '../../sql/sql.ts';
import type { PhysicalType } from './physical-type.ts';

type Expression = Exclude<SqlPart, string>;

const FLOATING = /^(FLOAT|DOUBLE)$/;
/** What a double does not hold; all whole numbers of 32 bits it does. */
const LONG = /^(BIGINT|UBIGINT|U?HUGEINT|DECIMAL\(.*)$/;
const NUMBER = /^(FLOAT|DOUBLE|BIGINT|U?HUGEINT|U(TINY|SMALL|BIG)?INT(EGER)?|TINYINT|SMALLINT|INTEGER|DECIMAL\(.*)$/;

/**
 * A list, a struct or a map of one of several files whose types are `all`: where some have long numbers inside and others floating ones, these are JSON's numbers, for as
 * doubles, which the engine makes of both, 9007199254740993 would be 9007199254740992. All else is the same.
 */
export function withDigitsKept(value: Expression, native: PhysicalType, all: readonly PhysicalType[], depth = 0): Expression {
  const name = ident(`#${depth}`);
  const inner = (part: Expression, type: PhysicalType, beside: (one: PhysicalType) => PhysicalType | undefined): Expression =>
    withDigitsKept(
      part,
      type,
      all.flatMap((one) => beside(one) ?? []),
      depth + 1,
    );
  switch (native.kind) {
    case 'list': {
      const item = inner(name, native.item, (one) => (one.kind === 'list' ? one.item : undefined));
      return item === name ? value : sql`list_transform(${value}, lambda ${name}: ${item})`;
    }
    case 'map': {
      const own = sql`${name}.value`;
      const item = inner(own, native.value, (one) => (one.kind === 'map' ? one.value : undefined));
      return item === own ? value : sql`map_from_entries(list_transform(map_entries(${value}), lambda ${name}: {k: ${name}.key, v: ${item}}))`;
    }
    case 'struct': {
      const members = [...native.fields].map(([field, type]) => {
        const own = sql`struct_extract(${value}, ${literal(field)})`;
        return { field, own, kept: inner(own, type, (one) => (one.kind === 'struct' ? fieldOf(one.fields, field) : undefined)) };
      });
      if (members.every(({ own, kept }) => own === kept)) return value;
      const fields = members.map(({ field, kept }) => sql`${ident(field)}: ${kept}`);
      return sql`case when ${value} is not null then {${joinSql(fields, ', ')}} end`;
    }
    case 'scalar':
      return isMixed(all) ? asJsonNumber(value, native.name) : value;
  }
}

/** Whether these are lists, maps, structs and single values at the same places. */
export function areAlike(all: readonly PhysicalType[]): boolean {
  const [first] = all;
  if (first === undefined || !all.every(({ kind }) => kind === first.kind)) return first === undefined;
  const lists = all.flatMap((one) => (one.kind === 'list' ? one.item : one.kind === 'map' ? one.value : []));
  const structs = all.flatMap((one) => (one.kind === 'struct' ? [one.fields] : []));
  const names = new Set(structs.flatMap((fields) => [...fields.keys()]));
  return areAlike(lists) && [...names].every((name) => areAlike(structs.flatMap((fields) => fieldOf(fields, name) ?? [])));
}

function isMixed(all: readonly PhysicalType[]): boolean {
  const names = all.map((one) => (one.kind === 'scalar' ? one.name : one.kind));
  return names.every((name) => NUMBER.test(name)) && names.some((name) => FLOATING.test(name)) && names.some((name) => LONG.test(name));
}

/** A whole number is written as one, whatever holds it. */
function asJsonNumber(value: Expression, type: string): Sql {
  if (!FLOATING.test(type)) return sql`to_json(${value})`;
  const whole = sql`try_cast(${value} as bigint)`;
  return sql`case when ${value} = ${whole} then to_json(${whole}) else to_json(${value}) end`;
}

/** The engine tells names apart without their case. */
function fieldOf(fields: ReadonlyMap<string, PhysicalType>, name: string): PhysicalType | undefined {
  return [...fields].find(([other]) => other.toLowerCase() === name.toLowerCase())?.[1];
}
