import type { ElementTypeSpec, NestedTypeSpec } from '../../model/generated/kinds.ts';
import { JSON_TEXT } from '../../sql/json-text.ts';
import { ident, joinSql, literal, sql, type Sql, type SqlPart } from '../../sql/sql.ts';
import { partsOf, type DeclaredParts } from './declared-parts.ts';
import { glance } from './glance.ts';
import { jsonLeafMisfit, nativeLeafMisfit } from './leaf-value.ts';
import { readPhysicalType, type PhysicalType } from './physical-type.ts';
import { withShownFloats } from './shown-floats.ts';

type Expression = Exclude<SqlPart, string>;

/** How a physical column is read as an array, a map or an object. */
export interface NestedValue {
  readonly value: Expression;
  /** True on rows where something inside is not of its type; undefined when that cannot be. */
  readonly bad: Sql | undefined;
  /**
   * The first thing that is not of its type: a struct of `p` (where inside the value, such as `[3].price`), `v` (what stands there, as JSON) and `t` (the
   * type that it should have). Where the whole is no JSON, `t` says so and `v` is the text.
   */
  readonly place: Sql | undefined;
}

/** What is asked of a value: whether something is wrong, or what is. */
interface Question {
  tell(found: { readonly bad: Sql; readonly text: Expression; readonly type: string; readonly at: Expression }, inner?: Sql): Sql;
  any(parts: readonly Sql[]): Sql;
  each(list: Sql, item: Expression, position: Expression, body: Sql): Sql;
}

const TRUTH: Question = {
  tell: ({ bad }, inner) => (inner === undefined ? bad : sql`case when ${bad} then true else ${inner} end`),
  any: (parts) => sql`(${joinSql(parts, ' or ')})`,
  each: (list, item, _position, body) => sql`list_bool_or(list_transform(${list}, lambda ${item}: ${body}))`,
};

const PLACE: Question = {
  tell: ({ bad, text, type, at }, inner = sql`null`) => sql`case when ${bad} then {p: ${at}, v: ${text}, t: ${literal(type)}} else ${inner} end`,
  any: (parts) => sql`coalesce(${joinSql(parts, ', ')})`,
  each: (list, item, position, body) =>
    sql`(list_filter(list_transform(${list}, lambda ${item}, ${position}: ${body}), lambda ${item}: ${item} is not null))[1]`,
};

/**
 * Lists, structs and maps of the declared shape are used bare, and looked into only where a type inside is another than declared, or knows NaN or infinity. All else is read as JSON.
 * What is inside is judged by the rules for columns. Nulls, missing keys and keys that nobody declared are fine; a string takes any value, as a column does.
 */
export function nestedValue(raw: Expression, physical: string, declared: NestedTypeSpec, trusted: boolean): NestedValue {
  const native = readPhysicalType(physical);
  if (native.kind !== 'scalar' && isShaped(native, declared)) {
    const shown = withShownFloats(raw, native);
    const look = (question: Question): Sql | undefined => new Looking(question).native(raw, native, declared, literal(''));
    const truth = look(TRUTH);
    if (truth === undefined) return { value: shown, bad: undefined, place: undefined };
    const bad = sql`coalesce(${truth}, false)`;
    return { value: onlyWhere(bad, shown, trusted), bad, place: look(PLACE) };
  }
  // A column that claims to be JSON may hold anything: a Parquet file's is not looked at by who writes it.
  const json = physical === 'JSON' ? raw : sql`try_cast(${raw} as json)`;
  const text = sql`cast(${json} as varchar)`;
  const parsed = physical === 'JSON' ? sql`json_valid(${raw})` : sql`${json} is not null`;
  // The engine takes NaN and infinity for JSON wherever they stand, and nobody else does.
  const valid = sql`${parsed} and not (${mayHoldNoNumber(text)} and ${mayHoldNoNumber(sql`regexp_replace(${text}, ${literal(JSON_TEXT)}, '', 'g')`)})`;
  const closely = (question: Question, fine: Sql): Sql =>
    sql`case when trim(cast(${json} as varchar), ${WHITE_SPACE}) = 'null' then ${fine} else ${new Looking(question).json(json, declared, literal('')) ?? fine} end`;
  // Where a first glance finds nothing, nothing is wrong. It fails, and is tried again row by row, over a JSON column that holds no JSON.
  const glanced = physical === 'JSON' ? sql`try(${glance(json, declared)})` : glance(json, declared);
  const flagged = sql`(${glanced} or ${mayHoldNoNumber(text)})`;
  const bad = sql`coalesce(case when ${raw} is null or not coalesce(${flagged}, true) then false when not (${valid}) then true else ${closely(TRUTH, sql`false`)} end, false)`;
  const place = sql`case when not (${valid}) then {p: '', v: cast(${raw} as varchar), t: 'JSON'} else ${closely(PLACE, sql`null`)} end`;
  return { value: onlyWhere(bad, json, trusted), bad, place };
}

/** Also words such as finance, where these stand in texts. */
function mayHoldNoNumber(text: Sql): Sql {
  return sql`regexp_matches(${text}, '(?i)nan|inf')`;
}

const WHITE_SPACE = literal(' \t\r\n');

function onlyWhere(bad: Sql, value: Expression, trusted: boolean): Expression {
  return trusted ? value : sql`case when not ${bad} then ${value} end`;
}

/** Whether the engine's own cast brings one to the other, member by member. */
function isShaped(native: PhysicalType, declared: ElementTypeSpec): boolean {
  const { type, items, values, fields } = partsOf(declared);
  switch (native.kind) {
    case 'list':
      return type === 'string' || (type === 'array' && isShaped(native.item, items));
    case 'map':
      return type === 'string' || (type === 'map' && isShaped(native.value, values));
    case 'struct': {
      if (type !== 'object') return type === 'string';
      const both = fields.map(([name, field]) => [memberOf(native.fields, name)?.[1], field] as const).filter(([member]) => member !== undefined);
      // The engine refuses to bring structs together that have nothing in common.
      return both.length > 0 && both.every(([member, field]) => member !== undefined && isShaped(member, field));
    }
    case 'scalar':
      return native.name === 'JSON' ? NUMBERS.test(type) : !NESTED.has(type);
  }
}

const NESTED: ReadonlySet<string> = new Set(['array', 'map', 'object']);
/** Of JSON's leaves the engine's cast reads these alone as the rules do. */
const NUMBERS = /^(integer|decimal|double)/;

function memberOf(fields: ReadonlyMap<string, PhysicalType>, name: string): readonly [string, PhysicalType] | undefined {
  const lower = name.toLowerCase();
  return [...fields].find(([other]) => other.toLowerCase() === lower);
}

/** Walks a value with its declared type and writes the question about it; undefined where nothing can be wrong. */
class Looking {
  readonly #question: Question;
  #names = 0;

  constructor(question: Question) {
    this.#question = question;
  }

  native(value: Expression, native: PhysicalType, declared: ElementTypeSpec, at: Expression): Sql | undefined {
    const { type, items, values, fields } = partsOf(declared);
    if (type === 'string') return undefined;
    switch (native.kind) {
      case 'list':
        return this.#items(sql`${value}`, at, (item, place) => this.native(item, native.item, items, place));
      case 'map':
        return this.#entries(sql`${value}`, at, (item, place) => this.native(item, native.value, values, place));
      case 'struct':
        return this.#members(fields, at, (name, field, place) => {
          const [own, member] = memberOf(native.fields, name) ?? [];
          return own === undefined || member === undefined ? undefined : this.native(sql`struct_extract(${value}, ${literal(own)})`, member, field, place);
        });
      case 'scalar': {
        const bad = nativeLeafMisfit(value, native.name, type);
        return bad === undefined ? undefined : this.#question.tell({ bad: known(value, bad), text: sql`cast(to_json(${value}) as varchar)`, type, at });
      }
    }
  }

  json(json: Expression, declared: ElementTypeSpec, at: Expression): Sql | undefined {
    const { type, items, values, fields } = partsOf(declared);
    const text = sql`cast(${json} as varchar)`;
    const container = (open: string, inner: Sql | undefined): Sql =>
      this.#question.tell({ bad: sql`not starts_with(ltrim(${text}, ${WHITE_SPACE}), ${literal(open)})`, text, type, at }, inner);
    switch (type) {
      case 'array':
        return container(
          '[',
          this.#items(fromJson(json, ['JSON']), at, (item, place) => this.json(item, items, place)),
        );
      case 'map':
        return container(
          '{',
          this.#entries(fromJson(json, 'MAP(VARCHAR, JSON)'), at, (item, place) => this.json(item, values, place)),
        );
      case 'object': {
        // Taken apart once, and given a name, however many members are looked at.
        const members = this.#name();
        const shape = Object.fromEntries(fields.map(([name]) => [name, 'JSON']));
        const inner = this.#members(fields, at, (name, field, place) => this.json(sql`struct_extract(${members}, ${literal(name)})`, field, place));
        return container('{', inner === undefined ? undefined : sql`(list_transform([${fromJson(json, shape)}], lambda ${members}: ${inner}))[1]`);
      }
      default: {
        const bad = jsonLeafMisfit(text, type);
        return bad === undefined ? undefined : this.#question.tell({ bad: known(json, bad), text, type, at });
      }
    }
  }

  #items(list: Sql, at: Expression, look: (item: Expression, at: Expression) => Sql | undefined): Sql | undefined {
    const item = this.#name();
    const position = this.#name();
    const body = look(item, sql`(${at} || '[' || (${position} - 1) || ']')`);
    return body === undefined ? undefined : this.#question.each(list, item, position, body);
  }

  #entries(map: Sql, at: Expression, look: (item: Expression, at: Expression) => Sql | undefined): Sql | undefined {
    const entry = this.#name();
    const body = look(sql`${entry}.value`, sql`(${at} || '[' || cast(to_json(${entry}.key) as varchar) || ']')`);
    return body === undefined ? undefined : this.#question.each(sql`map_entries(${map})`, entry, this.#name(), body);
  }

  #members(fields: DeclaredParts['fields'], at: Expression, look: (name: string, field: ElementTypeSpec, at: Expression) => Sql | undefined): Sql | undefined {
    const parts = fields.flatMap(([name, field]) => look(name, field, sql`(${at} || ${literal(`.${name}`)})`) ?? []);
    return parts.length === 0 ? undefined : this.#question.any(parts);
  }

  #name(): Expression {
    this.#names += 1;
    return ident(`#${this.#names}`);
  }
}

function known(value: Expression, bad: Sql): Sql {
  return sql`(${value} is not null and ${bad})`;
}

/** Takes JSON apart by one level; what is not of this shape is NULL. */
function fromJson(json: Expression, shape: unknown): Sql {
  return sql`from_json(${json}, ${literal(JSON.stringify(shape))})`;
}
