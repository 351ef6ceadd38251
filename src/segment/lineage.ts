import type { ProfileSchema } from './profile-schema.ts';
import type { PqlType } from './type.ts';
import type { Typed, TypedTime, TypedWindow } from './typed.ts';

/** What an expression looks at, itself; what the segments that it names look at is theirs. Sorted, without repetition. */
export interface Lineage {
  /** Attribute paths, and `identityMap.NAMESPACE`. */
  readonly fields: readonly string[];
  /** Fields of events; undefined when no event is looked at. */
  readonly events: readonly string[] | undefined;
  /** Segments named by `inSegment`. */
  readonly segments: readonly string[];
  /** Labels of those fields. */
  readonly labels: readonly string[];
}

/** Collects what a typed expression uses, for governance, for `plan` and for the columns that an export reads. */
export function lineage(typed: Typed, schema: ProfileSchema): Lineage {
  const fields = new Set<string>();
  const events = new Set<string>();
  const segments = new Set<string>();
  let usesEvents = false;
  visit(typed, (node) => {
    if (node.kind === 'field') fields.add(node.path);
    else if (node.kind === 'folder') for (const path of node.paths) fields.add(path);
    else if (node.kind === 'identities') for (const namespace of node.namespaces) fields.add(`identityMap.${namespace}`);
    else if (node.kind === 'segment') segments.add(node.name);
    else if (node.kind === 'events') usesEvents = true;
    else if (node.kind === 'chain') {
      usesEvents = true;
      events.add(node.by);
    } else if (node.kind === 'member' && node.object.type.kind === 'object' && node.object.type.event === true) events.add(node.name);
  });
  for (const path of fieldsOfWholeEvents(typed)?.keys() ?? []) events.add(path);
  const labels = new Set<string>();
  for (const path of fields) for (const label of schema.fields.get(path)?.labels ?? []) labels.add(label);
  for (const path of events) for (const label of schema.events?.get(path)?.labels ?? []) labels.add(label);
  return { fields: [...fields].sort(), events: usesEvents ? [...events].sort() : undefined, segments: [...segments].sort(), labels: [...labels].sort() };
}

/**
 * Every field of an event, by path, where an event as a whole is compared with others or is a part of the result; undefined where an expression asks for
 * nothing but the fields that it names.
 */
export function fieldsOfWholeEvents(root: Typed): ReadonlyMap<string, PqlType> | undefined {
  let found = fieldsOfEvents(root.type);
  visit(root, (node) => {
    if (node.kind === 'call' && node.fn === 'distinct') found ??= fieldsOfEvents(node.type);
    if (node.kind === 'group') found ??= fieldsOfEvents(node.by.type);
  });
  return found;
}

function fieldsOfEvents(type: PqlType): ReadonlyMap<string, PqlType> | undefined {
  if (type.kind === 'array') return fieldsOfEvents(type.item);
  return type.kind === 'object' && type.event === true ? type.fields : undefined;
}

/** Calls back for every node, outer ones first. */
export function visit(node: Typed, see: (node: Typed) => void): void {
  see(node);
  for (const child of childrenOf(node)) visit(child, see);
}

/** The nodes directly below, in the order of the text. */
export function childrenOf(node: Typed): readonly Typed[] {
  switch (node.kind) {
    case 'member':
      return [node.object];
    case 'list':
      return node.items;
    case 'logic':
      return node.operands;
    case 'not':
    case 'negate':
      return [node.operand];
    case 'compare':
    case 'arithmetic':
      return [node.left, node.right];
    case 'in':
      return [node.value, node.list];
    case 'like':
      return [node.value];
    case 'call':
      return node.args;
    case 'if':
      return [node.test, node.then, node.otherwise];
    case 'let':
      return [node.value, node.body];
    case 'filter':
      return [node.source, node.condition];
    case 'map':
      return [node.source, node.value];
    case 'top':
    case 'group':
      return [node.source, node.by];
    case 'aggregate':
      return node.value === undefined ? [node.source] : [node.source, node.value];
    case 'quantifier':
      return node.condition === undefined ? [node.source] : [node.source, node.condition];
    case 'occurs':
      return [node.subject, ...timesOf(node.window)];
    case 'chain':
      return node.steps.flatMap(({ condition }) => (condition === undefined ? [] : [condition]));
    default:
      return [];
  }
}

function timesOf(window: TypedWindow): readonly Typed[] {
  return window.form === 'between' ? [...valueOf(window.from), ...valueOf(window.to)] : valueOf(window.time);
}

function valueOf(time: TypedTime): readonly Typed[] {
  return time.kind === 'value' ? [time.value] : [];
}
