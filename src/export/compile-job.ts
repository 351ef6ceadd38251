import { createLineIndex } from '../manifest/line-index.ts';
import { AppError } from '../model/app-error.ts';
import type { Diagnostic } from '../model/diagnostic.ts';
import { ExitCode } from '../model/exit-code.ts';
import type { AttributesSpec, SegmentSpec } from '../model/generated/kinds.ts';
import type { SegmentUses } from '../model/plan.ts';
import type { Instant } from '../model/instant.ts';
import type { PqlProblem } from '../segment/ast.ts';
import { compileSegments, compileValues, withClause, type CompiledRelations, type CompiledSegments } from '../segment/compile/compile-segments.ts';
import { countStatement } from '../segment/compile/count-statement.ts';
import { lineage, type Lineage } from '../segment/lineage.ts';
import { toProfileSchema } from '../segment/profile-schema.ts';
import { readCondition, readValue } from '../segment/read-pql.ts';
import type { PqlType } from '../segment/type.ts';
import type { Typed } from '../segment/typed.ts';
import { ident, joinSql, noSql, sql, type Sql } from '../sql/sql.ts';
import type { Audience } from './audience.ts';
import type { AppliedResources } from './deps.ts';
import { findApplied } from './find-applied.ts';
import type { CompiledExpression, SettledMapping } from './output-columns.ts';

/** A statement that counts the members of segments: one row, `c0`, `c1` … in their order; and what it reads. */
export interface CompiledCounts extends Pick<Audience, 'profileColumns' | 'eventColumns'> {
  readonly statement: Sql;
}

/** The calculated fields of a mapping. */
export interface CompiledExpressions {
  readonly compiled: ReadonlyMap<string, CompiledExpression>;
  /** Joined to `profile p` where the values are needed; nothing when they need no more than the profile. */
  readonly join: Sql;
  /** What is joined, when it is computed of events: a row per profile, in brackets. */
  readonly rows: Sql | undefined;
  readonly paths: { readonly profile: readonly string[]; readonly event: readonly string[] | undefined };
}

const CALCULATED = 'calculated';

/** An applied segment's typed tree, and those of every segment it names, by name; its own among them. */
export function typeApplied(resources: AppliedResources, segment: string): ReadonlyMap<string, Typed> {
  const typed = typeSegment(resources, segment);
  return new Map([...namedSegments(resources, [{ name: segment, typed }]), [segment, typed]]);
}

/** Compiles one applied segment; its own relations only. */
export function compileAudience(resources: AppliedResources, segment: string, now: Instant): Audience {
  const compiled = compileApplied(resources, [segment], now);
  return { ...audienceOf(compiled), segment, predicate: compiled.filters.get(segment) ?? sql`false` };
}

/** Compiles segments of the same Attributes together: what they ask of events is computed once for all. */
export function compileCounts(resources: AppliedResources, segments: readonly string[], now: Instant): CompiledCounts {
  const compiled = compileApplied(resources, segments, now);
  return { statement: countStatement(compiled, segments), profileColumns: compiled.profileColumns, eventColumns: compiled.eventColumns };
}

/** Compiles a condition that is no segment, for `preview --pql`. Throws (exit 64) with the place of each mistake in the text. */
export function compileCondition(resources: AppliedResources, attributes: string, name: string, pql: string, now: Instant): Audience {
  const typed = typeText(resources, attributes, pql, readCondition, name, segmentsOver(resources, attributes));
  const compiled = compileSegments([{ name, typed }], { now, dialect: 'duckdb', segments: namedSegments(resources, [{ name, typed }]) });
  return { ...audienceOf(compiled), segment: name, predicate: compiled.filters.get(name) ?? sql`false` };
}

/** Compiles the calculated fields of a mapping over `profile p`. */
export function compileExpressions(resources: AppliedResources, attributes: string, mapping: readonly SettledMapping[], now: Instant): CompiledExpressions {
  const texts = [...new Set(mapping.flatMap(({ entry }) => ('expression' in entry ? [entry.expression] : [])))];
  if (texts.length === 0) return { compiled: new Map(), join: noSql, rows: undefined, paths: { profile: [], event: undefined } };
  const typed = texts.map((text) => typeText(resources, attributes, text, readValue, 'expression'));
  const values = compileValues(typed, {
    now,
    dialect: 'duckdb',
    segments: namedSegments(
      resources,
      typed.map((one) => ({ name: '', typed: one })),
    ),
  });
  const paths = { profile: values.profileColumns, event: values.eventColumns };
  if (values.eventColumns === undefined) {
    return {
      compiled: new Map(texts.map((text, index) => [text, compiledExpression(values.values[index]?.value ?? sql`null`, values.values[index]?.type)])),
      join: noSql,
      rows: undefined,
      paths,
    };
  }
  // What is computed of events joins relations of its own; a subquery keeps their names apart from the segment's.
  const list = values.values.map(({ value }, index) => sql`${value} as ${ident(`v${index}`)}`);
  const rows = sql`(${withClause(values.with)}select p."id" as "#of", ${joinSql(list, ', ')} from ${values.from})`;
  return {
    compiled: new Map(texts.map((text, index) => [text, compiledExpression(sql`${ident(CALCULATED, `v${index}`)}`, values.values[index]?.type)])),
    join: calculatedJoin(rows),
    rows,
    paths,
  };
}

/** Joins the rows of calculated fields to `profile p`. */
export function calculatedJoin(rows: Sql): Sql {
  return sql` left join ${rows} ${ident(CALCULATED)} on ${ident(CALCULATED, '#of')} = p."id"`;
}

function audienceOf(compiled: CompiledRelations): Omit<Audience, 'segment' | 'predicate'> {
  return { with: withClause(compiled.with), from: compiled.from, profileColumns: compiled.profileColumns, eventColumns: compiled.eventColumns };
}

function compileApplied(resources: AppliedResources, segments: readonly string[], now: Instant): CompiledSegments {
  const typed = segments.map((name) => ({ name, typed: typeSegment(resources, name) }));
  return compileSegments(typed, { now, dialect: 'duckdb', segments: namedSegments(resources, typed) });
}

function typeSegment(resources: AppliedResources, name: string): Typed {
  const { attributes, pql } = findApplied<SegmentSpec>(resources, 'Segment', name).spec;
  return typeText(resources, attributes, pql, readCondition, `Segment \`${name}\``);
}

/** What a segment looks at, itself and through the segments that it names: what a review of a change wants to know, and whose labels it inherits. */
export function segmentUses(resources: AppliedResources, name: string): SegmentUses {
  const typed = typeSegment(resources, name);
  const { attributes } = findApplied<SegmentSpec>(resources, 'Segment', name).spec;
  const schema = toProfileSchema(findApplied<AttributesSpec>(resources, 'Attributes', attributes).spec);
  const all = [typed, ...namedSegments(resources, [{ name, typed }]).values()].map((one) => lineage(one, schema));
  const union = (of: (one: Lineage) => readonly string[]): readonly string[] => [...new Set(all.flatMap(of))].toSorted();
  return {
    attributes: union(({ fields }) => fields),
    events: union(({ events = [] }) => events),
    segments: union(({ segments }) => segments),
    labels: union(({ labels }) => labels),
  };
}

/** The segments that what somebody types may name: of others the columns are others, although the paths may be the same. */
function segmentsOver(resources: AppliedResources, attributes: string): ReadonlySet<string> {
  const names = new Set<string>();
  for (const [key, { metadata, spec }] of resources)
    if (key.startsWith('Segment/') && (spec as SegmentSpec).attributes === attributes) names.add(metadata.name);
  return names;
}

function typeText(
  resources: AppliedResources,
  attributes: string,
  text: string,
  read: typeof readCondition,
  what: string,
  segments?: ReadonlySet<string>,
): Typed {
  const { spec } = findApplied<AttributesSpec>(resources, 'Attributes', attributes);
  const { typed, problems } = read(text, { schema: toProfileSchema(spec), attributes, ...(segments === undefined ? {} : { segments }) });
  if (typed !== undefined) return typed;
  throw explain(
    what,
    text,
    problems.filter(({ severity }) => severity === 'error'),
  );
}

/** Segments that were applied have been validated: what is wrong here is what somebody has just typed. */
function explain(what: string, text: string, problems: readonly PqlProblem[]): AppError {
  const index = createLineIndex(text);
  const lines = text.split('\n');
  const diagnostics = problems.map(({ code, severity, message, hint, start, end }): Diagnostic => {
    const { line, column } = index.place(start);
    const place = { file: what, line, column, length: index.length(start, end), source: lines[line - 1] ?? '' };
    return { code, severity, message, ...place, ...(hint === undefined ? {} : { hint }) };
  });
  const [first] = problems;
  return new AppError({
    code: first?.code ?? 'RC1290',
    message: first === undefined ? `${what}: the expression cannot be read` : '',
    diagnostics,
    exit: ExitCode.badUsage,
  });
}

/** Typed trees of every segment that `inSegment` names, directly or by way of others. */
function namedSegments(resources: AppliedResources, roots: readonly { readonly name: string; readonly typed: Typed }[]): ReadonlyMap<string, Typed> {
  const found = new Map<string, Typed>();
  const schema = { fields: new Map(), events: undefined };
  const follow = (typed: Typed): void => {
    for (const name of lineage(typed, schema).segments) {
      if (found.has(name)) continue;
      const named = typeSegment(resources, name);
      found.set(name, named);
      follow(named);
    }
  };
  for (const { typed } of roots) follow(typed);
  return found;
}

function compiledExpression(value: Sql, type: PqlType | undefined): CompiledExpression {
  return { value, type: typeName(type), overflow: type === undefined ? undefined : overflowOf(value, type) };
}

/** Undefined for types that cannot. */
function overflowOf(value: Sql, type: PqlType, depth = 0): Sql | undefined {
  if (type.kind === 'double') return sql`coalesce(not isfinite(${value}), false)`;
  const item = ident(`#item${depth}`);
  const inside = type.kind === 'array' ? overflowOf(sql`${item}`, type.item, depth + 1) : undefined;
  return inside === undefined ? undefined : sql`coalesce(len(list_filter(${value}, lambda ${item}: ${inside})) > 0, false)`;
}

function typeName(type: PqlType | undefined): string {
  return type === undefined || type.kind === 'null' || type.kind === 'any' ? 'string' : type.kind;
}
