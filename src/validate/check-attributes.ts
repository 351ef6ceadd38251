import { MAX_DECIMAL_DIGITS } from '../model/decimal.ts';
import type { AttributesSpec, ElementTypeSpec } from '../model/generated/kinds.ts';
import type { Resource } from '../model/resource.ts';
import type { Reporter } from './reporter.ts';
import type { ResourceIndex } from './resource-index.ts';
import { escapePointer } from '../manifest/variables.ts';

/** What the schema cannot say of an Attributes: one primary identity, types that fit their parts, paths that do not cross. */
export function checkAttributes(index: ResourceIndex, report: Reporter): void {
  for (const attributes of index.all('Attributes')) {
    checkPrimary(attributes, report);
    const { fields = {}, events } = attributes.spec;
    checkFields(attributes, '/spec/fields', fields, report);
    checkFields(attributes, '/spec/events/fields', events?.fields ?? {}, report);
    checkCase(attributes, '/spec/fields', Object.keys(fields), report);
    checkCase(attributes, '/spec/identities', Object.keys(attributes.spec.identities), report);
    checkCase(attributes, '/spec/events/fields', ['timestamp', 'eventType', ...Object.keys(events?.fields ?? {})], report);
    for (const path of Object.keys(events?.fields ?? {})) {
      if (path !== 'timestamp' && path !== 'eventType') continue;
      report.at(attributes, `/spec/events/fields/${path}`, {
        part: 'key',
        code: 'RC1306',
        message: `\`${path}\` is a field of every event already`,
        hint: `it is spec.events.${path}: remove this one`,
      });
    }
    for (const reserved of ['identityMap', 'segmentMembership', 'xEvent', 'consents']) {
      for (const path of Object.keys(fields)) {
        if (path !== reserved && !path.startsWith(`${reserved}.`)) continue;
        report.at(attributes, `/spec/fields/${escapePointer(path)}`, {
          part: 'key',
          code: 'RC1306',
          message: `a path cannot begin with \`${reserved}\`: it has a meaning of its own`,
          hint: 'choose another path; the column may keep its name',
        });
      }
    }
  }
}

function checkPrimary(attributes: Resource<AttributesSpec>, report: Reporter): void {
  const primary = Object.entries(attributes.spec.identities).filter(([, identity]) => identity.primary === true);
  if (primary.length === 0) {
    report.at(attributes, '/spec/identities', {
      part: 'key',
      code: 'RC1305',
      message: 'no identity is primary',
      hint: 'add `primary: true` to the one that names a profile',
    });
  }
  for (const [namespace] of primary.slice(1)) {
    report.at(attributes, `/spec/identities/${escapePointer(namespace)}/primary`, {
      code: 'RC1305',
      message: `\`${namespace}\` is a second primary identity`,
      hint: `\`${primary[0]?.[0] ?? ''}\` is primary already; keep one`,
    });
  }
}

interface TypedPart {
  readonly type: string;
  readonly items?: ElementTypeSpec;
  readonly values?: ElementTypeSpec;
  readonly fields?: Readonly<Record<string, ElementTypeSpec>>;
}

function checkFields(attributes: Resource<AttributesSpec>, base: string, fields: Readonly<Record<string, TypedPart>>, report: Reporter): void {
  const paths = Object.keys(fields);
  const known = new Set(paths);
  for (const [path, field] of Object.entries(fields)) {
    const pointer = `${base}/${escapePointer(path)}`;
    checkType(attributes, pointer, field, report);
    const above = path
      .split('.')
      .slice(0, -1)
      .map((_, depth, parts) => parts.slice(0, depth + 1).join('.'))
      .find((prefix) => known.has(prefix));
    if (above !== undefined) {
      report.at(attributes, pointer, {
        part: 'key',
        code: 'RC1306',
        message: `\`${path}\` lies inside \`${above}\`, which is a field itself`,
        hint: 'rename one of the two',
      });
    }
  }
}

/** A name that another one becomes when case is left out of account: engines take both for the same column. */
function checkCase(attributes: Resource<AttributesSpec>, base: string, names: readonly string[], report: Reporter): void {
  const seen = new Map<string, string>();
  for (const name of names) {
    const folded = name.toLowerCase();
    const other = seen.get(folded);
    seen.set(folded, other ?? name);
    if (other === undefined || other === name) continue;
    report.at(attributes, `${base}/${escapePointer(name)}`, {
      part: 'key',
      code: 'RC1306',
      message: `\`${name}\` and \`${other}\` differ in nothing but upper and lower case, which engines do not tell apart`,
      hint: 'rename one of the two; the columns may keep their names',
    });
  }
}

const PARTS = { items: 'array', values: 'map', fields: 'object' } as const;

function checkType(attributes: Resource<AttributesSpec>, pointer: string, part: TypedPart, report: Reporter): void {
  for (const [key, type] of Object.entries(PARTS) as [keyof typeof PARTS, string][]) {
    if (part[key] === undefined || part.type === type) continue;
    report.at(attributes, `${pointer}/${key}`, {
      part: 'key',
      code: 'RC1306',
      message: `\`${key}\` belongs to type ${type}, not to ${part.type}`,
      hint: `remove it, or write \`type: ${type}\``,
    });
  }
  if (part.type === 'object' && Object.keys(part.fields ?? {}).length === 0) {
    report.at(attributes, `${pointer}/type`, { code: 'RC1306', message: 'an object needs its `fields`', hint: 'add fields: {name: string, …}' });
  }
  checkCase(attributes, `${pointer}/fields`, Object.keys(part.fields ?? {}), report);
  const decimal = /^decimal\((\d+),\s*(\d+)\)$/.exec(part.type);
  if (decimal !== null && (Number(decimal[1]) > MAX_DECIMAL_DIGITS || Number(decimal[2]) > Number(decimal[1]))) {
    report.at(attributes, `${pointer}/type`, {
      code: 'RC1306',
      message: `\`${part.type}\` cannot be: precision is at most ${MAX_DECIMAL_DIGITS} and scale at most the precision`,
      hint: 'for example decimal(18,2)',
    });
  }
  const children: readonly (readonly [string, ElementTypeSpec | undefined])[] = [
    ['items', part.items],
    ['values', part.values],
    ...Object.entries(part.fields ?? {}).map(([name, child]) => [`fields/${escapePointer(name)}`, child] as const),
  ];
  for (const [key, child] of children) if (typeof child === 'object') checkType(attributes, `${pointer}/${key}`, child, report);
}
