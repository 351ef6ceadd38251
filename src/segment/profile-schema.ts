import type { AttributesSpec } from '../model/generated/kinds.ts';
import { scalar, type PqlType } from './type.ts';

/** What PQL can name: the attributes, identities and events of an Attributes resource. */
export interface ProfileSchema {
  /** By path, e.g. `person.name.firstName`; identities as `identityMap.NAMESPACE`. */
  readonly fields: ReadonlyMap<string, SchemaField>;
  /** The events' fields, `timestamp` and `eventType` among them; undefined when the Attributes declare no events. */
  readonly events: ReadonlyMap<string, SchemaField> | undefined;
}

export interface SchemaField {
  readonly type: PqlType;
  readonly labels: readonly string[];
  /** What all have, whatever the source: the type of events that are of one type. */
  readonly constant?: string;
}

interface TypeSpec {
  readonly type?: string;
  readonly items?: unknown;
  readonly values?: unknown;
  readonly fields?: Readonly<Record<string, unknown>>;
}

/** Reads the schema off an Attributes spec that its JSON Schema has accepted. */
export function toProfileSchema(spec: AttributesSpec): ProfileSchema {
  const fields = new Map<string, SchemaField>();
  for (const [namespace, identity] of Object.entries(spec.identities)) {
    fields.set(`identityMap.${namespace}`, { type: scalar('string'), labels: identity.labels ?? [] });
  }
  for (const [path, field] of Object.entries(spec.fields ?? {})) fields.set(path, { type: toType(field), labels: field.labels ?? [] });
  if (spec.events === undefined) return { fields, events: undefined };
  const { eventType: kind } = spec.events;
  const events = new Map<string, SchemaField>([
    ['timestamp', { type: scalar('timestamp'), labels: [] }],
    ['eventType', { type: scalar('string'), labels: [], ...('value' in kind ? { constant: kind.value } : {}) }],
  ]);
  for (const [path, field] of Object.entries(spec.events.fields ?? {})) events.set(path, { type: toType(field), labels: field.labels ?? [] });
  return { fields, events };
}

/** The type of an event: an object whose members are the events' fields. */
export function eventType(schema: ProfileSchema): PqlType {
  return { kind: 'object', event: true, fields: new Map([...(schema.events ?? [])].map(([path, { type }]) => [path, type])) };
}

function toType(spec: unknown): PqlType {
  const { type = 'string', items, values, fields } = typeof spec === 'string' ? ({ type: spec } as TypeSpec) : (spec as TypeSpec);
  const fixed = /^decimal\((\d+),\s*(\d+)\)$/.exec(type);
  if (fixed) return { kind: 'decimal', digits: { precision: Number(fixed[1]), scale: Number(fixed[2]) } };
  switch (type) {
    case 'array':
      return { kind: 'array', item: toType(items ?? 'string') };
    case 'map':
      return { kind: 'map', value: toType(values ?? 'string') };
    case 'object':
      return { kind: 'object', fields: new Map(Object.entries(fields ?? {}).map(([name, member]) => [name, toType(member)])) };
    case 'integer':
    case 'decimal':
    case 'double':
    case 'boolean':
    case 'date':
    case 'timestamp':
      return scalar(type);
    default:
      return scalar('string');
  }
}
