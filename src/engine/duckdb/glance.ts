import { NESTED_DECIMAL } from '../../model/decimal.ts';
import type { ElementTypeSpec } from '../../model/generated/kinds.ts';
import { ident, joinSql, literal, sql, type Sql, type SqlPart } from '../../sql/sql.ts';
import { fixedDigits, partsOf } from './declared-parts.ts';
import { ISO_DATE, ISO_TIMESTAMP, ISO_UTC_TIMESTAMP } from './typed-value.ts';

type Expression = Exclude<SqlPart, string>;

/**
 * True for JSON that has to be looked at closely (`nested-value.ts`), NULL for what is none. It may be true for what is fine, never false for what is not:
 * most values look the way most values do, and that is seen at a third of the cost, since lists of objects are taken apart at once and leaves tried with
 * short patterns.
 */
export function glance(json: Expression, declared: ElementTypeSpec): Sql {
  let names = 0;
  const name = (): Expression => ident(`g${(names += 1)}`);

  const container = (text: Expression, type: ElementTypeSpec): Sql => {
    const { type: kind, items, values } = partsOf(type);
    const item = name();
    if (kind === 'object')
      return sql`coalesce(list_transform([${fromJson(text, shapeOf(type))}], lambda ${item}: ${inside(item, type) ?? sql`false`})[1], ${text} is null)`;
    const [open, list, element] =
      kind === 'array'
        ? (['[', fromJson(text, `${shapeOf(items)}[]`), items] as const)
        : (['{', sql`map_values(${fromJson(text, `MAP(VARCHAR, ${shapeOf(values)})`)})`, values] as const);
    const wrong = sql`not starts_with(cast(${text} as varchar), ${literal(open)})`;
    const within = inside(item, element);
    return within === undefined ? wrong : sql`(${wrong} or coalesce(list_bool_or(list_transform(${list}, lambda ${item}: ${within})), false))`;
  };

  const inside = (value: Expression, type: ElementTypeSpec): Sql | undefined => {
    const { type: kind, fields } = partsOf(type);
    if (kind === 'string') return undefined;
    if (kind === 'array' || kind === 'map') return sql`(${value} is not null and ${container(value, type)})`;
    if (kind !== 'object') return leaf(value, kind);
    const members = fields.map(([name, field]) => ({ member: sql`struct_extract(${value}, ${literal(name)})`, field }));
    // What is no object is taken apart into nothing.
    const nothing = joinSql(
      members.map(({ member }) => sql`${member} is null`),
      ' and ',
    );
    return sql`(${value} is not null and (${joinSql([sql`(${nothing})`, ...members.flatMap(({ member, field }) => inside(member, field) ?? [])], ' or ')}))`;
  };

  return container(json, declared);
}

/** Texts of leaves and inner objects at once; lists and maps inside an object stay JSON, so that one that is not there costs nothing. */
function shapeOf(type: ElementTypeSpec): string {
  const { type: kind, fields } = partsOf(type);
  if (kind === 'array' || kind === 'map') return 'JSON';
  return kind === 'object' ? `STRUCT(${fields.map(([name, field]) => `"${name}" ${shapeOf(field)}`).join(', ')})` : 'VARCHAR';
}

function fromJson(json: Expression, type: string): Sql {
  return sql`from_json(${json}, ${literal(JSON.stringify(type))})`;
}

/** False for texts that surely are of the type, whether they stood in quotes or not; NULL for NULL. */
function leaf(text: Expression, declared: string): Sql {
  const fixed = fixedDigits(declared);
  if (fixed !== undefined || declared === 'decimal') {
    const { precision, scale } = fixed ?? NESTED_DECIMAL;
    const whole = precision - scale - 1;
    const fraction = fixed === undefined ? '[0-9]+' : `[0-9]{1,${scale}}`;
    return whole < 1 ? sql`true` : sql`not ${alike(text, `-?[0-9]{1,${whole}}${scale === 0 ? '' : `([.]${fraction})?`}`)}`;
  }
  switch (declared) {
    case 'integer':
      return sql`not ${alike(text, '0|-?[1-9][0-9]{0,17}')}`;
    case 'double':
      return sql`not ${alike(text, '-?[0-9]{1,99}([.][0-9]+)?')}`;
    case 'boolean':
      return sql`${text} not in ('true', 'false')`;
    case 'date':
      return sql`case when ${alike(text, ISO_DATE)} then try_cast(${text} as date) is null else ${text} is not null end`;
    case 'timestamp':
      return sql`case when ${alike(text, ISO_UTC_TIMESTAMP)} then try_cast(${text} as timestamp) is null when ${alike(text, ISO_TIMESTAMP)} then try_cast(${text} as timestamptz) is null else ${text} is not null end`;
    default:
      return sql`true`;
  }
}

function alike(text: Expression, pattern: string): Sql {
  return sql`regexp_full_match(${text}, ${literal(pattern)})`;
}
