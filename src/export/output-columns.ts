import { attributeColumn } from '../model/attribute-column.ts';
import type { MappingEntry } from '../model/generated/kinds.ts';
import type { LogicalColumn } from '../engine/engine.ts';
import { JSON_TEXT } from '../sql/json-text.ts';
import { ident, literal, sql, type Sql, type SqlPart } from '../sql/sql.ts';
import { hashedIdentity, joinsSpellings } from './hashed-identity.ts';

type Expression = Exclude<SqlPart, string>;

/** A column of the files, in file order. */
export interface OutputColumn {
  readonly target: string;
  readonly kind: 'identity' | 'attribute' | 'status' | 'expression';
  /** It is the primary identity: rows are unique by it, and whoever knows the row's id knows its value. */
  readonly primary: boolean;
  /** It is made of the primary identity, so that an id tells its value: it is `primary`, or the hash of several spellings that are one. */
  readonly ofId: boolean;
  /** The path it reads, `undefined` for the status and for expressions. */
  readonly path: string | undefined;
  /** The value over `profile p`, in its declared type. */
  readonly value: Expression;
  /** The value as the source writes it, when that keeps digits the type would not show. */
  readonly text: Expression | undefined;
  readonly type: string;
  /** A row without it is excluded. */
  readonly mandatory: boolean;
  /** Part of the deduplication key. */
  readonly key: boolean;
  readonly expect: MappingEntry['expect'];
  /** A calculated value is none of its type; it counts as a bad value of a column does. */
  readonly overflow?: Expression | undefined;
  /** What is expected is expected of the value before it is hashed. */
  readonly plain?: Pick<OutputColumn, 'value' | 'type' | 'text'>;
  /** What a plain text that we keep of the value becomes before it leaves; undefined where it leaves as it is. */
  readonly hash?: (text: Expression) => Sql;
  /** The name that a snapshot carries the value under: what is read, and how it is written. By tomorrow the target may be another one's. */
  readonly carriedAs: string;
}

/** A mapping entry whose target is settled (the activation room's work). */
export interface SettledMapping {
  readonly entry: MappingEntry;
  readonly target: string;
}

/** A calculated field, compiled by the segment room over `profile p`. */
export interface CompiledExpression {
  readonly value: Expression;
  readonly type: string;
  /** Doubles can overflow, and no format of files knows infinity: the condition that a value is such a bad one. */
  readonly overflow?: Expression | undefined;
}

const STATUS_SOURCE = 'segmentMembership.status';

/** The attribute paths that a mapping reads by itself; expressions bring their own. */
export function mappedPaths(mapping: readonly SettledMapping[]): readonly string[] {
  return mapping.flatMap(({ entry }) => ('source' in entry && entry.source !== STATUS_SOURCE ? [entry.source] : []));
}

/**
 * Turns a mapping into columns over `profile p`. An identity is mandatory and the deduplication key by itself (activation-rules 2.7); the primary
 * one is unique already, so that nothing needs deduplicating (contract section 6).
 */
export function outputColumns(
  mapping: readonly SettledMapping[],
  columns: ReadonlyMap<string, LogicalColumn>,
  primary: string,
  compiled: ReadonlyMap<string, CompiledExpression>,
  excludeOverflow: boolean,
): readonly OutputColumn[] {
  return mapping.map(({ entry, target }) => {
    const expect = entry.expect;
    if ('expression' in entry) {
      const expression = compiled.get(entry.expression);
      if (expression === undefined) throw new TypeError(`the expression of \`${target}\` was not compiled`);
      const { overflow } = expression;
      return hashed(entry, target, {
        target,
        carriedAs: carriedName(entry.expression),
        kind: 'expression',
        primary: false,
        ofId: false,
        path: undefined,
        ...expression,
        // Exits go out even so, and have nothing there.
        ...(overflow === undefined || !excludeOverflow ? {} : { value: sql`case when not (${overflow}) then ${expression.value} end` }),
        text: undefined,
        mandatory: entry.mandatory === true,
        key: entry.key === true,
        expect,
      });
    }
    if (entry.source === STATUS_SOURCE) {
      return {
        target,
        carriedAs: carriedName(entry.source),
        kind: 'status',
        primary: false,
        ofId: false,
        path: undefined,
        value: literal('realized'),
        text: undefined,
        type: 'string',
        mandatory: false,
        key: false,
        expect,
      };
    }
    const identity = entry.source.startsWith('identityMap.');
    const ofId = entry.source === `identityMap.${primary}`;
    const isPrimary = ofId && !(entry.transform === 'sha256' && joinsSpellings(entry.source, target));
    const column = columns.get(entry.source);
    const value = ofId ? ident('p', 'id') : ident('p', attributeColumn(entry.source));
    return hashed(entry, target, {
      target,
      carriedAs: carriedName(entry.source),
      kind: identity ? 'identity' : 'attribute',
      primary: isPrimary,
      ofId,
      path: entry.source,
      // An empty text identifies nobody.
      value: identity && !isPrimary ? sql`nullif(${value}, '')` : value,
      text: column?.hasText === true ? ident('p', `${entry.source}#text`) : undefined,
      type: column?.type ?? 'string',
      mandatory: (identity && !isPrimary) || entry.mandatory === true,
      key: !isPrimary && (identity || entry.key === true),
      expect,
    });
  });
}

/** The deduplication key; empty when there is none, or when the primary identity is mapped and rows are unique by it. They are not by its hash, where several spellings have one. */
export function keyColumns(columns: readonly OutputColumn[]): readonly OutputColumn[] {
  return columns.filter((column) => column.key);
}

/** Columns whose values may not occur twice in a file, and could. */
export function uniqueColumns(columns: readonly OutputColumn[]): readonly OutputColumn[] {
  return columns.filter(isUnique);
}

function isUnique({ expect, path, primary }: OutputColumn): boolean {
  return expect?.unique === true && path !== undefined && !primary;
}

/**
 * Values that a snapshot keeps beside the primary identity: those that an exit row of a vanished profile still has, and what has to be unique, to be
 * compared.
 */
export function carriedColumns(columns: readonly OutputColumn[]): readonly OutputColumn[] {
  return [...new Map(columns.filter(isCarried).map((column) => [column.carriedAs, column])).values()];
}

function isCarried(column: OutputColumn): boolean {
  return identifies(column) || isUnique(column);
}

/** Whether an exit is found by the column's value, so that its row has the last one known; of anything else a vanished profile has nothing (contract section 6). */
export function identifies({ primary, key, kind }: OutputColumn): boolean {
  return !primary && (key || kind === 'identity');
}

/** What a snapshot calls the value of an attribute, an identity or an expression. */
export function carriedName(read: string): string {
  return `of ${read}`;
}

/** The same, hashed. */
export function hashedName(carriedAs: string): string {
  return `${carriedAs} sha256`;
}

/**
 * The text that a snapshot `s`, which carries the values of these names, has for a column. A value that was carried before it was to be hashed is hashed now; snapshots of
 * earlier versions went by the targets. What the id tells was not carried either while rows were unique by it.
 */
export function carriedText({ carriedAs, target, hash, ofId }: OutputColumn, names: readonly string[], id: Expression): Sql {
  const plain = names.find((name) => name === target || (hash !== undefined && hashedName(name) === carriedAs));
  const name = names.includes(carriedAs) ? carriedAs : plain;
  if (name === undefined) return ofId && hash !== undefined ? hash(id) : sql`cast(null as varchar)`;
  const text = sql`s.${ident(`k_${name}`)}`;
  return name === carriedAs || hash === undefined ? text : hash(text);
}

/** The value as text, as it stands in a CSV file. */
export function textOf(column: Pick<OutputColumn, 'value' | 'type' | 'text'>): Sql {
  if (column.text !== undefined) return sql`${column.text}`;
  if (column.type === 'timestamp') return sql`strftime(${column.value}, '%Y-%m-%dT%H:%M:%SZ')`;
  if (isNested(column.type)) return jsonText(column.value);
  return sql`cast(${column.value} as varchar)`;
}

/** A key's text as it is compared: of a number its value, whatever zeros or sign of zero the source writes. A row still has the digits of its source. */
export function comparedKey({ type }: Pick<OutputColumn, 'type'>, text: Expression): Expression {
  if (type === 'double') return sql`case when ${text} = '-0.0' then '0.0' else ${text} end`;
  if (!type.startsWith('decimal')) return text;
  const short = sql`case when contains(${text}, '.') then rtrim(rtrim(${text}, '0'), '.') else ${text} end`;
  const bare = sql`regexp_replace(${short}, '^[+]?(-?)0*', '\\1')`;
  return sql`case when ${bare} in ('', '-') then '0' else ${bare} end`;
}

/**
 * The column when profiles have values that are none of their type: such a value is nothing, whatever the source writes there. Who has one is excluded, but an exit
 * goes out even so, and a snapshot is written.
 */
export function withoutBadText(column: OutputColumn): OutputColumn {
  return column.text === undefined ? column : { ...column, text: sql`case when ${column.value} is not null then ${column.text} end` };
}

/**
 * An array, a map or an object as JSON on one line. What the source holds as JSON keeps its digits (the engine reads numbers anew, as doubles) and loses white space, and
 * commas after the last item, which the engine takes.
 */
export function jsonText(value: Expression): Sql {
  const text = sql`cast(${value} as varchar)`;
  const minified = sql`regexp_replace(regexp_replace(${text}, ${literal(`(${JSON_TEXT})|[ \\t\\r\\n]+`)}, '\\1', 'g'), ${literal(`(${JSON_TEXT})|,([\\]}])`)}, '\\1\\2', 'g')`;
  return sql`case when typeof(${value}) = 'JSON' then ${minified} else cast(to_json(${value}) as varchar) end`;
}

/** Where a file holds times to the microsecond, keys are told apart by them and exits have them; texts end with the second. */
export function withMicroseconds(column: OutputColumn): OutputColumn {
  if (column.type !== 'timestamp') return column;
  const exact = sql`strftime(${column.value}, '%Y-%m-%dT%H:%M:%S.%fZ')`;
  return { ...column, text: sql`case when epoch_us(${column.value}) % 1000000 = 0 then ${textOf(column)} else ${exact} end` };
}

export function isNested(type: string): boolean {
  return type === 'array' || type === 'map' || type === 'object';
}

function hashed(entry: MappingEntry, target: string, column: OutputColumn): OutputColumn {
  if (entry.transform !== 'sha256') return column;
  const hash = (text: Expression): Sql => hashedIdentity(text, 'source' in entry ? entry.source : '', target);
  return {
    ...column,
    carriedAs: hashedName(column.carriedAs),
    plain: { value: column.value, type: column.type, text: column.text },
    hash,
    value: hash(textOf(column)),
    text: undefined,
    type: 'string',
  };
}
