import { nearest } from '../../support/nearest.ts';
import type { PqlProblem, Range } from '../ast.ts';
import { nearestName } from '../nearest-name.ts';
import type { ProfileSchema } from '../profile-schema.ts';
import { eventType } from '../profile-schema.ts';
import { arrayOf, describeType, scalar, type PqlType } from '../type.ts';
import type { Typed } from '../typed.ts';
import type { Checker } from './check-pql.ts';
import { elsewhere, FUNCTIONS, withBrackets } from './function-names.ts';
import type { Scope } from './scope.ts';

interface PathPart {
  readonly name: string;
  readonly range: Range;
}

type Tools = Pick<Checker, 'report' | 'newVariable'>;

/** Finds what a dotted path means: a variable's member, a member of the element at hand, an attribute of the profile, or nothing (a problem). */
export function resolvePath(parts: readonly PathPart[], scope: Scope, schema: ProfileSchema, profileName: string, tools: Tools): Typed {
  const [head] = parts;
  const whole: Range = { start: head?.range.start ?? 0, end: parts.at(-1)?.range.end ?? 0 };
  if (head === undefined) return unknown(whole);
  for (const frame of scope) {
    if (frame.kind === 'variable') {
      if (frame.name !== head.name) continue;
      if (frame.profile === true) return resolveProfile(parts.slice(1), schema, profileName, whole, tools);
      return resolveMembers({ kind: 'variable', id: frame.id, name: frame.name, type: frame.type, ...head.range }, parts.slice(1), tools);
    }
    const element: Typed = { kind: 'variable', id: frame.id, name: '', type: frame.type, start: head.range.start, end: head.range.start };
    if (frame.type.kind === 'object' && matchLength(parts, frame.type.fields) > 0) return resolveMembers(element, parts, tools);
  }
  const inElement = scope.find((frame) => frame.kind === 'element' && frame.type.kind === 'object');
  if (inElement !== undefined && !isKnownToProfile(parts, schema))
    return resolveMembers({ kind: 'variable', id: inElement.id, name: '', type: inElement.type, start: whole.start, end: whole.start }, parts, tools);
  return resolveProfile(parts, schema, profileName, whole, tools);
}

/** Follows names from a value on: `E.product.category`, `address.city`; from an array of objects on, the member of each item: `orders.storeId`. */
export function resolveMembers(object: Typed, parts: readonly PathPart[], tools: Tools, isProjected = false): Typed {
  let at = object;
  let rest = parts;
  while (rest.length > 0) {
    const [first] = rest;
    if (first === undefined || at.type.kind === 'any')
      return at.type.kind === 'any' ? unknown({ start: object.start, end: parts.at(-1)?.range.end ?? object.end }) : at;
    if (at.type.kind === 'array' && at.type.item.kind === 'object' && !isProjected) return project(at, at.type.item, rest, tools);
    const fields = membersOf(at.type);
    if (fields === undefined) {
      tools.report(cannotTake(first.name, at, first.range));
      return unknown(first.range);
    }
    const length = matchLength(rest, fields);
    if (length === 0) {
      const wanted = rest.map(({ name }) => name).join('.');
      const names = [...fields.keys()];
      const near = nearestName(wanted, names) ?? nearest(first.name, names);
      tools.report({
        code: 'RC1207',
        severity: 'error',
        message: at.type.kind === 'object' && at.type.event === true ? `unknown event field \`${wanted}\`` : `unknown member \`${wanted}\``,
        start: first.range.start,
        end: rest.at(-1)?.range.end ?? first.range.end,
        hint:
          near === undefined
            ? `it has ${names
                .slice(0, 8)
                .map((name) => `\`${name}\``)
                .join(', ')}`
            : `did you mean \`${near}\`?`,
        ...(withBrackets(first.name) ?? (near === undefined ? elsewhere(first.name) : undefined)),
      });
      return unknown(first.range);
    }
    const name = rest
      .slice(0, length)
      .map((part) => part.name)
      .join('.');
    at = { kind: 'member', object: at, name, type: fields.get(name) ?? scalar('any'), start: object.start, end: rest[length - 1]?.range.end ?? at.end };
    rest = rest.slice(length);
  }
  return at;
}

/** `orders.storeId` is `orders.map(storeId)`; the public examples write `orders.storeId.distinct()`. */
function project(source: Typed, item: PqlType, parts: readonly PathPart[], tools: Tools): Typed {
  const id = tools.newVariable();
  const start = parts[0]?.range.start ?? source.end;
  const value = resolveMembers({ kind: 'variable', id, name: '', type: item, start, end: start }, parts, tools, true);
  if (value.type.kind === 'any') return value;
  return { kind: 'map', source, id, value, type: arrayOf(value.type), implicit: true, start: source.start, end: value.end };
}

/** Where the members of all items stand and one value is wanted; undefined for anything else. */
export function misplacedProjection(typed: Typed): PqlProblem | undefined {
  if (typed.kind !== 'map' || typed.implicit !== true || typed.value.kind !== 'member') return undefined;
  return cannotTake(typed.value.name, typed.source, typed.value);
}

function cannotTake(name: string, from: Typed, { start, end }: Range): PqlProblem {
  const isArray = from.type.kind === 'array';
  const hint =
    from.kind === 'events'
      ? `name one event: \`exists E from xEvent where E.${name} …\``
      : `name one item: \`exists X from … where X.${name} …\`, or filter: \`…[${name} …]\``;
  return {
    code: 'RC1208',
    severity: 'error',
    message: `\`${name}\` cannot be taken from ${withArticle(describeType(from.type))}`,
    start,
    end,
    hint: isArray ? hint : from.type.kind === 'map' ? `write \`.get("${name}")\`` : 'only objects have members',
    ...(isArray ? withBrackets(name) : (withBrackets(name) ?? elsewhere(name))),
  };
}

function membersOf(type: PqlType): ReadonlyMap<string, PqlType> | undefined {
  return type.kind === 'object' ? type.fields : undefined;
}

/** How many of the parts make up the longest name that is a member. */
function matchLength(parts: readonly PathPart[], fields: ReadonlyMap<string, unknown>): number {
  for (let length = parts.length; length > 0; length -= 1) {
    if (
      fields.has(
        parts
          .slice(0, length)
          .map(({ name }) => name)
          .join('.'),
      )
    )
      return length;
  }
  return 0;
}

function isKnownToProfile(parts: readonly PathPart[], schema: ProfileSchema): boolean {
  const name = parts[0]?.name ?? '';
  return name === 'xEvent' || name === 'identityMap' || [...schema.fields.keys()].some((path) => path === name || path.startsWith(`${name}.`));
}

function resolveProfile(parts: readonly PathPart[], schema: ProfileSchema, profileName: string, whole: Range, tools: Tools): Typed {
  const text = parts.map(({ name }) => name).join('.');
  const [first] = parts;
  if (first?.name === 'xEvent') {
    if (schema.events === undefined) {
      tools.report({
        code: 'RC1209',
        severity: 'error',
        message: `the Attributes \`${profileName}\` declare no events`,
        ...whole,
        hint: 'declare them under spec.events',
      });
    }
    return resolveMembers({ kind: 'events', type: arrayOf(eventType(schema)), ...first.range }, schema.events === undefined ? [] : parts.slice(1), tools);
  }
  if (text === 'identityMap') {
    const namespaces = [...schema.fields.keys()].filter((path) => path.startsWith('identityMap.')).map((path) => path.slice('identityMap.'.length));
    return { kind: 'identities', namespaces, type: { kind: 'map', value: scalar('string') }, ...whole };
  }
  const length = matchLength(parts, schema.fields);
  if (length > 0) {
    const path = parts
      .slice(0, length)
      .map(({ name }) => name)
      .join('.');
    const field: Typed = {
      kind: 'field',
      path,
      type: schema.fields.get(path)?.type ?? scalar('any'),
      start: whole.start,
      end: parts[length - 1]?.range.end ?? whole.end,
    };
    return resolveMembers(field, parts.slice(length), tools);
  }
  const below = [...schema.fields.keys()].filter((path) => path.startsWith(`${text}.`));
  if (below.length > 0) return { kind: 'folder', paths: below, type: { kind: 'object', fields: new Map() }, ...whole };
  const names = [...schema.fields.keys(), ...(schema.events === undefined ? [] : ['xEvent'])];
  const near = nearestName(text, names);
  const eventField = schema.events?.has(text) === true;
  tools.report({
    code: 'RC1207',
    severity: 'error',
    message: `unknown attribute \`${text}\``,
    ...whole,
    label: `the Attributes \`${profileName}\` have no such field`,
    ...(near !== undefined
      ? { hint: `did you mean \`${near}\`?` }
      : eventField
        ? { hint: `it is a field of the events: \`exists E from xEvent where E.${text} …\`` }
        : parts.length === 1
          ? { hint: `a text stands in double quotes: \`"${text}"\`` }
          : {}),
    ...(parts.length > 1 ? withBrackets(parts.at(-1)?.name ?? '') : near === undefined ? withBrackets(text, FUNCTIONS) : undefined),
  });
  return unknown(whole);
}

export function unknown(range: Range): Typed {
  return { kind: 'constant', value: null, type: scalar('any'), start: range.start, end: range.end };
}

export function withArticle(word: string): string {
  return /^[aeiou]/.test(word) ? `an ${word}` : `a ${word}`;
}
