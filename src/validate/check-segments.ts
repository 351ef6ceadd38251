import type { ManifestLocator } from '../manifest/load-manifests.ts';
import { escapePointer } from '../manifest/variables.ts';
import type { AttributesSpec, SegmentSpec } from '../model/generated/kinds.ts';
import type { Resource } from '../model/resource.ts';
import type { Expression } from '../segment/ast.ts';
import { readFixture } from '../segment/evaluate/read-fixture.ts';
import { toProfileSchema, type ProfileSchema } from '../segment/profile-schema.ts';
import { readCondition, readValue } from '../segment/read-pql.ts';
import { digestOf, sha256 } from '../support/digest.ts';
import type { CheckCache } from './check-cache.ts';
import { checkCycles, type SegmentReference } from './check-cycles.ts';
import { suggest } from './check-references.ts';
import type { Reporter } from './reporter.ts';
import type { ResourceIndex } from './resource-index.ts';

export interface SegmentChecks {
  readonly index: ResourceIndex;
  readonly brokenNames: ReadonlySet<string>;
  readonly locator: ManifestLocator;
  readonly cache: CheckCache;
  readonly report: Reporter;
}

/** A digest of a short text costs more than the text itself as a key. */
const MAX_KEY_CHARACTERS = 500;

/** What PQL is checked against, read off each Attributes once. */
interface Schema {
  readonly resource: Resource<AttributesSpec>;
  readonly schema: ProfileSchema;
  readonly digest: string;
}

/** Every Segment's PQL and every calculated column against its Attributes; references between segments, and that they do not go round. */
export function checkSegments(checks: SegmentChecks): void {
  const { index, report, cache } = checks;
  const schemas = new Map<string, Schema>();
  for (const resource of index.all('Attributes')) {
    schemas.set(resource.metadata.name, { resource, schema: toProfileSchema(resource.spec), digest: digestOf(resource.spec).slice(0, 32) });
  }
  const references: SegmentReference[] = [];
  for (const segment of index.all('Segment')) {
    const schema = schemas.get(segment.spec.attributes);
    const { pql } = segment.spec;
    const key = schema === undefined ? undefined : keyOf(segment.spec, schema);
    if (key !== undefined && cache.passed(key)) continue;
    const found = checkText(segment, '/spec/pql', pql, schema, readCondition, checks);
    references.push(...found.references);
    const fixturesHold = schema === undefined || checkFixtures(segment, schema.schema, report);
    if (key !== undefined && found.clean && fixturesHold) cache.pass(key);
  }
  for (const activation of index.all('Activation')) checkExpressions(activation, schemas, checks);
  checkReferencesBetween(references, checks);
  checkCycles(references, report);
}

/** What all of a segment's checks look at. An expression that names other segments depends on more than itself and has no key. */
function keyOf({ pql, tests }: SegmentSpec, schema: Schema): string | undefined {
  if (pql.includes('inSegment')) return undefined;
  const short = tests === undefined && pql.length <= MAX_KEY_CHARACTERS;
  return `pql ${schema.digest} ${short ? pql : sha256(JSON.stringify([pql, tests]))}`;
}

/** The profiles and events of a segment's own tests hold what its Attributes declare: a mistyped path would make a test say nothing. */
function checkFixtures(segment: Resource<SegmentSpec>, schema: ProfileSchema, report: Reporter): boolean {
  let clean = true;
  for (const [position, { profile = {}, events = [] }] of (segment.spec.tests ?? []).entries()) {
    for (const { path, message, hint } of readFixture(profile, events, schema).problems) {
      clean = false;
      const pointer = ['', 'spec', 'tests', position, ...path].map((part) => escapePointer(String(part))).join('/');
      const part = message.startsWith('unknown') ? 'key' : 'value';
      report.at(segment, pointer, { code: 'RC1216', part, message, ...(hint === undefined ? {} : { hint }) });
    }
  }
  return clean;
}

function checkText(
  resource: Resource,
  pointer: string,
  text: string,
  schema: Schema | undefined,
  read: typeof readCondition,
  { report, locator }: SegmentChecks,
): { readonly clean: boolean; readonly references: readonly SegmentReference[] } {
  const { expression, problems } = read(text, schema === undefined ? undefined : { schema: schema.schema, attributes: schema.resource.metadata.name });
  for (const { start, end, ...problem } of problems) {
    report.inText(resource, pointer, start, end, { ...problem, ...withDeclaration(problem.hint, schema, locator) });
  }
  const references =
    resource.kind === 'Segment' ? findSegmentCalls(expression).map(({ to, start, end }) => ({ to, start, end, from: resource as Resource<SegmentSpec> })) : [];
  return { clean: problems.length === 0, references };
}

/** Every `inSegment("name")` of an expression, right or wrong otherwise, with the range of its name. */
function findSegmentCalls(expression: Expression | undefined): Omit<SegmentReference, 'from'>[] {
  const found: Omit<SegmentReference, 'from'>[] = [];
  const look = (node: unknown): void => {
    if (node === null || typeof node !== 'object') return;
    const call = node as Partial<Extract<Expression, { kind: 'call' }>>;
    const argument = call.kind === 'call' && call.name === 'inSegment' && call.object === undefined ? call.args?.[0] : undefined;
    if (argument?.kind === 'string') found.push({ to: argument.value, start: argument.start, end: argument.end });
    else for (const child of Object.values(node)) look(child);
  };
  look(expression);
  return found;
}

/** "did you mean `x`?" is followed by where `x` is declared. */
function withDeclaration(hint: string | undefined, schema: Schema | undefined, locator: ManifestLocator): { readonly hint?: string } {
  const name = /^did you mean `([^`]+)`\?$/.exec(hint ?? '')?.[1];
  const pointer = name === undefined || schema === undefined ? undefined : pointerOf(name, schema.resource.spec);
  if (hint === undefined || pointer === undefined || schema === undefined) return hint === undefined ? {} : { hint };
  const { file, line } = locator.place(schema.resource, pointer, 'key');
  return { hint: `${hint}   (${file}:${line})` };
}

function pointerOf(name: string, { fields = {}, identities, events }: AttributesSpec): string | undefined {
  if (Object.hasOwn(fields, name)) return `/spec/fields/${escapePointer(name)}`;
  const namespace = name.replace(/^identityMap\./, '');
  if (namespace !== name && Object.hasOwn(identities, namespace)) return `/spec/identities/${escapePointer(namespace)}`;
  return Object.hasOwn(events?.fields ?? {}, name) ? `/spec/events/fields/${escapePointer(name)}` : undefined;
}

/** `expression` in a mapping, typed against the Attributes of the activation's segments. */
function checkExpressions(activation: ReturnType<ResourceIndex['all']>[number], schemas: ReadonlyMap<string, Schema>, checks: SegmentChecks): void {
  const { mapping, segments } = activation.spec as { mapping: readonly object[]; segments: readonly (string | { name: string })[] };
  const names = new Set(segments.flatMap((entry) => checks.index.find('Segment', typeof entry === 'string' ? entry : entry.name)?.spec.attributes ?? []));
  for (const [position, entry] of mapping.entries()) {
    if (!('expression' in entry) || typeof entry.expression !== 'string') continue;
    for (const name of names) checkText(activation, `/spec/mapping/${position}/expression`, entry.expression, schemas.get(name), readValue, checks);
  }
}

function checkReferencesBetween(references: readonly SegmentReference[], { index, brokenNames, report }: SegmentChecks): void {
  for (const { from, to, start, end } of references) {
    const target = index.find('Segment', to);
    if (target === undefined) {
      if (!brokenNames.has(to))
        report.inText(from, '/spec/pql', start, end, { code: 'RC1303', message: `unknown Segment \`${to}\``, ...suggest(index.all('Segment'), 'Segment', to) });
    } else if (target.spec.attributes !== from.spec.attributes) {
      const { file, line } = target.source;
      report.inText(from, '/spec/pql', start, end, {
        code: 'RC1308',
        message: `the Segment \`${to}\` is over other Attributes: \`${target.spec.attributes}\`, not \`${from.spec.attributes}\``,
        hint: `only segments over the same people can name each other   (${file}:${line})`,
      });
    }
  }
}
