import type { ManifestLocator } from '../manifest/load-manifests.ts';
import { escapePointer } from '../manifest/variables.ts';
import type { ActivationSpec, AttributesSpec, SegmentSpec } from '../model/generated/kinds.ts';
import type { Resource } from '../model/resource.ts';
import type { Expression } from '../segment/ast.ts';
import { readFixture } from '../segment/evaluate/read-fixture.ts';
import { toProfileSchema, type ProfileSchema } from '../segment/profile-schema.ts';
import { lineComments } from '../segment/parse/tokens.ts';
import { readCondition, readValue, type ReadPql } from '../segment/read-pql.ts';
import { suggest } from './check-references.ts';
import type { CheckContext, ResourceFacts } from './check-resource.ts';
import type { Reporter } from './reporter.ts';

/** What PQL is checked against. */
interface Schema {
  readonly resource: Resource<AttributesSpec>;
  readonly schema: ProfileSchema;
}

/** A segment that another one names, and where in its PQL. */
export interface SegmentCall {
  readonly to: string;
  readonly start: number;
  readonly end: number;
}

/** A Segment's PQL against its Attributes, its own tests, and the segments that it names. */
export function checkSegment(segment: Resource<SegmentSpec>, context: CheckContext): ResourceFacts {
  const schema = schemaOf(segment.spec.attributes, context);
  const calls = findSegmentCalls(checkText(segment, '/spec/pql', segment.spec.pql, schema, readCondition, context).expression);
  if (schema !== undefined) checkFixtures(segment, schema.schema, context.report);
  checkCalls({ resource: segment, pointer: '/spec/pql', attributes: segment.spec.attributes }, calls, context);
  return calls.length === 0 ? {} : { calls };
}

/** `expression` in a mapping, typed against the Attributes of the activation's segments. `flat`: the destination that takes plain values only. */
export function checkExpressions(activation: Resource<ActivationSpec>, flat: string | undefined, context: CheckContext): void {
  const { mapping, segments } = activation.spec;
  const attributesOf = (entry: (typeof segments)[number]): string | undefined =>
    context.index.find('Segment', typeof entry === 'string' ? entry : entry.name)?.spec.attributes;
  for (const [position, entry] of mapping.entries()) {
    if (!('expression' in entry) || typeof entry.expression !== 'string') continue;
    const pointer = `/spec/mapping/${position}/expression`;
    for (const attributes of new Set(segments.flatMap((segment) => attributesOf(segment) ?? []))) {
      const { expression, typed } = checkText(activation, pointer, entry.expression, schemaOf(attributes, context), readValue, context);
      const kind = typed?.type.kind;
      if (flat !== undefined && (kind === 'array' || kind === 'map' || kind === 'object')) {
        context.report.at(activation, pointer, { code: 'RC1347', message: `${flat} takes no ${kind}s`, hint: 'write an expression that gives one value' });
      }
      checkCalls({ resource: activation, pointer, attributes }, findSegmentCalls(expression), context);
    }
  }
}

const schemas = new WeakMap<Resource, ProfileSchema>();

/** Thousands of segments share an Attributes: it is read once. */
function schemaOf(name: string, { index }: CheckContext): Schema | undefined {
  const resource = index.find('Attributes', name);
  if (resource === undefined) return undefined;
  const schema = schemas.get(resource) ?? toProfileSchema(resource.spec);
  schemas.set(resource, schema);
  return { resource, schema };
}

/** The profiles and events of a segment's own tests hold what its Attributes declare: a mistyped path would make a test say nothing. */
function checkFixtures(segment: Resource<SegmentSpec>, schema: ProfileSchema, report: Reporter): void {
  for (const [position, { profile = {}, events = [] }] of (segment.spec.tests ?? []).entries()) {
    for (const { path, message, hint } of readFixture(profile, events, schema).problems) {
      const pointer = ['', 'spec', 'tests', position, ...path].map((part) => escapePointer(String(part))).join('/');
      const part = message.startsWith('unknown') ? 'key' : 'value';
      report.at(segment, pointer, { code: 'RC1216', part, message, ...(hint === undefined ? {} : { hint }) });
    }
  }
}

/** Tells what is wrong with a text; returns what could be read of it, with types where nothing is wrong. */
function checkText(
  resource: Resource,
  pointer: string,
  text: string,
  schema: Schema | undefined,
  read: typeof readCondition,
  { report, locator }: CheckContext,
): Pick<ReadPql, 'expression' | 'typed'> {
  checkComments(resource, pointer, text, report, locator);
  const { expression, typed, problems } = read(text, schema === undefined ? undefined : { schema: schema.schema, attributes: schema.resource.metadata.name });
  for (const { start, end, ...problem } of problems) {
    report.inText(resource, pointer, start, end, { ...problem, ...withDeclaration(problem.hint, schema, locator) });
  }
  return { expression, typed };
}

/** YAML folds lines into one, unless the text stands behind `|`: a comment then swallows the conditions of the next lines, and the segment has other people. */
function checkComments(resource: Resource, pointer: string, text: string, report: Reporter, locator: ManifestLocator): void {
  for (const { image, startOffset } of lineComments(text)) {
    let start = startOffset;
    // Lines that are comments themselves lose nothing.
    for (const part of image.split(/(?<= )(?=\/\/)/)) {
      const end = start + part.trimEnd().length;
      const { line } = locator.textPlace(resource, pointer, start, start + 1);
      const last = locator.textPlace(resource, pointer, end - 1, end).line;
      if (line !== last) {
        const message = `this comment goes on to line ${last}: YAML folds these lines into one`;
        report.inText(resource, pointer, start, start + 2, {
          code: 'RC1218',
          message,
          hint: 'begin the text with `|`, which keeps its lines, or write /* … */',
        });
        return;
      }
      start += part.length;
    }
  }
}

/** Every `inSegment("name")` of an expression, right or wrong otherwise, with the range of its name. */
function findSegmentCalls(expression: Expression | undefined): SegmentCall[] {
  const found: SegmentCall[] = [];
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

/** A text that names segments, and over whose people it is. */
interface CallingText {
  readonly resource: Resource;
  readonly pointer: string;
  readonly attributes: string;
}

/** What a text names must be there, and over the same people. */
function checkCalls({ resource, pointer, attributes }: CallingText, calls: readonly SegmentCall[], { index, brokenNames, report }: CheckContext): void {
  for (const { to, start, end } of calls) {
    const target = index.find('Segment', to);
    if (target === undefined) {
      if (!brokenNames.has(to))
        report.inText(resource, pointer, start, end, { code: 'RC1303', message: `unknown Segment \`${to}\``, ...suggest(index.all('Segment'), 'Segment', to) });
    } else if (target.spec.attributes !== attributes) {
      const { file, line } = target.source;
      report.inText(resource, pointer, start, end, {
        code: 'RC1308',
        message: `the Segment \`${to}\` is over other Attributes: \`${target.spec.attributes}\`, not \`${attributes}\``,
        hint: `only segments over the same people can name each other   (${file}:${line})`,
      });
    }
  }
}
