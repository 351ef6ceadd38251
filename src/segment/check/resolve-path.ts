import { nearest } from '../../support/nearest.ts';
import type { PqlProblem, Range } from '../ast.ts';
import type { ProfileSchema } from '../profile-schema.ts';
import { eventType } from '../profile-schema.ts';
import { arrayOf, describeType, scalar, type PqlType } from '../type.ts';
import type { Typed } from '../typed.ts';
import type { Scope } from './scope.ts';

interface PathPart {
  readonly name: string;
  readonly range: Range;
}

/** Finds what a dotted path means: a variable's member, a member of the element at hand, an attribute of the profile, or nothing (a problem). */
export function resolvePath(
  parts: readonly PathPart[],
  scope: Scope,
  schema: ProfileSchema,
  profileName: string,
  report: (problem: PqlProblem) => void,
): Typed {
  const [head] = parts;
  const whole: Range = { start: head?.range.start ?? 0, end: parts.at(-1)?.range.end ?? 0 };
  if (head === undefined) return unknown(whole);
  for (const frame of scope) {
    if (frame.kind === 'variable') {
      if (frame.name !== head.name) continue;
      if (frame.profile === true) return resolveProfile(parts.slice(1), schema, profileName, whole, report);
      return resolveMembers({ kind: 'variable', id: frame.id, name: frame.name, type: frame.type, ...head.range }, parts.slice(1), report);
    }
    const element: Typed = { kind: 'variable', id: frame.id, name: '', type: frame.type, start: head.range.start, end: head.range.start };
    if (frame.type.kind === 'object' && matchLength(parts, frame.type.fields) > 0) return resolveMembers(element, parts, report);
  }
  const inElement = scope.find((frame) => frame.kind === 'element' && frame.type.kind === 'object');
  if (inElement !== undefined && !isKnownToProfile(parts, schema))
    return resolveMembers({ kind: 'variable', id: inElement.id, name: '', type: inElement.type, start: whole.start, end: whole.start }, parts, report);
  return resolveProfile(parts, schema, profileName, whole, report);
}

/** Follows names from a value on: `E.product.category`, `address.city`. */
export function resolveMembers(object: Typed, parts: readonly PathPart[], report: (problem: PqlProblem) => void): Typed {
  let at = object;
  let rest = parts;
  while (rest.length > 0) {
    const [first] = rest;
    if (first === undefined || at.type.kind === 'any')
      return at.type.kind === 'any' ? unknown({ start: object.start, end: parts.at(-1)?.range.end ?? object.end }) : at;
    const fields = membersOf(at.type);
    if (fields === undefined) {
      const array = at.type.kind === 'array';
      report({
        code: 'RC1208',
        severity: 'error',
        message: `\`${first.name}\` cannot be taken from ${withArticle(describeType(at.type))}`,
        ...first.range,
        hint: array
          ? 'name one item: `exists X from … where X.' + first.name + ' …`, or filter: `…[' + first.name + ' …]`'
          : 'only objects and maps have members',
      });
      return unknown(first.range);
    }
    const length = matchLength(rest, fields);
    if (length === 0) {
      const wanted = rest.map(({ name }) => name).join('.');
      const near = nearest(wanted, [...fields.keys()]) ?? nearest(first.name, [...fields.keys()]);
      report({
        code: 'RC1207',
        severity: 'error',
        message: at.type.kind === 'object' && at.type.event === true ? `unknown event field \`${wanted}\`` : `unknown member \`${wanted}\``,
        start: first.range.start,
        end: rest.at(-1)?.range.end ?? first.range.end,
        hint:
          near === undefined
            ? `it has ${[...fields.keys()]
                .slice(0, 8)
                .map((name) => `\`${name}\``)
                .join(', ')}`
            : `did you mean \`${near}\`?`,
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

function resolveProfile(parts: readonly PathPart[], schema: ProfileSchema, profileName: string, whole: Range, report: (problem: PqlProblem) => void): Typed {
  const text = parts.map(({ name }) => name).join('.');
  if (text === 'xEvent') {
    if (schema.events === undefined) {
      report({
        code: 'RC1209',
        severity: 'error',
        message: `the Attributes \`${profileName}\` declare no events`,
        ...whole,
        hint: 'declare them under spec.events',
      });
    }
    return { kind: 'events', type: arrayOf(eventType(schema)), ...whole };
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
    return resolveMembers(field, parts.slice(length), report);
  }
  const below = [...schema.fields.keys()].filter((path) => path.startsWith(`${text}.`));
  if (below.length > 0) return { kind: 'folder', paths: below, type: { kind: 'object', fields: new Map() }, ...whole };
  const first = parts[0];
  if (first?.name === 'xEvent') {
    report({
      code: 'RC1208',
      severity: 'error',
      message: `\`${parts[1]?.name ?? ''}\` cannot be taken from an array of events`,
      ...whole,
      hint: `name one event: \`exists E from xEvent where E.${parts
        .slice(1)
        .map(({ name }) => name)
        .join('.')} …\``,
    });
    return unknown(whole);
  }
  const names = [...schema.fields.keys(), ...(schema.events === undefined ? [] : ['xEvent'])];
  const near = nearest(text, names);
  const eventField = schema.events?.has(text) === true;
  report({
    code: 'RC1207',
    severity: 'error',
    message: `unknown attribute \`${text}\``,
    ...whole,
    label: `the Attributes \`${profileName}\` have no such field`,
    ...(near !== undefined
      ? { hint: `did you mean \`${near}\`?` }
      : eventField
        ? { hint: `it is a field of the events: \`exists E from xEvent where E.${text} …\`` }
        : {}),
  });
  return unknown(whole);
}

export function unknown(range: Range): Typed {
  return { kind: 'constant', value: null, type: scalar('any'), start: range.start, end: range.end };
}

export function withArticle(word: string): string {
  return /^[aeiou]/.test(word) ? `an ${word}` : `a ${word}`;
}
