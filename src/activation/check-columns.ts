import { effectiveLimit, type DestinationCard } from '../model/destination-card.ts';
import type { ActivationSpec, AttributesSpec } from '../model/generated/kinds.ts';
import { nearest } from '../support/nearest.ts';
import type { EffectiveActivation } from './effective.ts';
import { pointerTo, type Report } from './finding.ts';
import { STATUS_SOURCE, type ResolvedColumn } from './resolve-mapping.ts';
import { own } from '../support/own.ts';

export interface ColumnCheck {
  readonly spec: ActivationSpec;
  readonly effective: EffectiveActivation;
  readonly card: DestinationCard | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  /** The Attributes of the segments, by name; several only when segments differ in them. */
  readonly attributes: readonly (readonly [string, AttributesSpec])[];
}

/** The mapping (activation-rules 2.7 to 2.10, 10.5 to 10.8; contract section 6 "Rows"). */
export function checkColumns(check: ColumnCheck, report: Report): void {
  const { effective, card, details } = check;
  const columns = effective.mapping;
  for (const column of columns) {
    if (column.index === undefined) continue;
    checkSource(column, check, report);
    checkTarget(column, card, report);
    checkHash(column, card, report);
  }
  checkTwice(columns, report);
  checkKeys(columns, card, report);
  const limit = card && effectiveLimit(card, 'fieldsPerSegment', details);
  const fields = columns.filter(({ counts }) => counts);
  if (card === undefined || limit === undefined || fields.length <= limit.value || limit.level === 'warning') return;
  const raised =
    limit.raisedBy === undefined ? '' : `; where ${limit.why ?? 'the other side'} allows more, say so in the Destination’s details.${limit.raisedBy}`;
  report({
    code: 'RC1346',
    pointer: place(fields[limit.value] ?? columns[0], 'entry'),
    message: `${fields.length} columns are mapped and ${card.displayName} takes ${limit.value}`,
    hint: `remove ${fields.length - limit.value}${raised}`,
  });
}

function place(column: ResolvedColumn | undefined, key: string): string {
  const index = column?.index;
  if (index === undefined) return '/spec/mapping';
  return key === 'entry' ? pointerTo('spec', 'mapping', index) : pointerTo('spec', 'mapping', index, key);
}

function checkSource(column: ResolvedColumn, { attributes, effective, card }: ColumnCheck, report: Report): void {
  const { path, kind, entry } = column;
  if (path === undefined || !('source' in entry)) return;
  const pointer = place(column, 'source');
  for (const [name, spec] of attributes) {
    const known = [...Object.keys(spec.identities).map((namespace) => `identityMap.${namespace}`), ...Object.keys(spec.fields ?? {}), STATUS_SOURCE];
    if (!known.includes(entry.source)) {
      const near = nearest(entry.source, known) ?? known.find((one) => one.endsWith(`.${entry.source}`));
      const inside = explainInside(entry.source, spec);
      const events = /^xEvent(\.|$)/.test(entry.source) ? 'files hold attributes of profiles, no events' : undefined;
      report({
        code: 'RC1340',
        pointer,
        message: `the Attributes \`${name}\` have no \`${entry.source}\``,
        hint: events ?? inside ?? (near === undefined ? `known: ${known.slice(0, 8).join(', ')}${known.length > 8 ? ' …' : ''}` : `did you mean \`${near}\`?`),
      });
      continue;
    }
    if (kind !== 'attribute') continue;
    const type = own(spec.fields, path)?.type ?? 'string';
    if (type !== 'array' && type !== 'map' && type !== 'object') continue;
    const flat = effective.segments.some(({ file }) => file.format === 'csv');
    if (card?.mapping?.nested === false || flat) {
      const message =
        card?.mapping?.nested === false
          ? `${card.displayName} takes no ${type}s`
          : `\`${entry.source}\` is ${type === 'map' ? 'a map' : `an ${type}`}, and a CSV file holds plain values`;
      report({
        code: 'RC1347',
        pointer,
        message,
        hint:
          flat && card?.mapping?.nested !== false
            ? 'write JSON or Parquet files, or map an `expression` that gives one value'
            : 'map an `expression` that gives one value',
      });
    }
  }
}

/** PQL looks into a value, a source names one as it is declared. */
function explainInside(source: string, { fields = {} }: AttributesSpec): string | undefined {
  const owner = Object.keys(fields).find((path) => source.startsWith(`${path}.`));
  const type = owner === undefined ? undefined : fields[owner]?.type;
  if (owner === undefined || (type !== 'object' && type !== 'array' && type !== 'map')) return undefined;
  const rest = source.slice(owner.length + 1);
  const expression = type === 'object' ? source : type === 'map' ? `${owner}.get("${rest}")` : `${owner}.map(${rest})`;
  return `\`${owner}\` is ${type === 'map' ? 'a' : 'an'} ${type}: write \`expression: ${expression}\` with a \`target\` instead of \`source\``;
}

function checkTarget(column: ResolvedColumn, card: DestinationCard | undefined, report: Report): void {
  const { target, kind, entry } = column;
  const pointer = place(column, entry.target === undefined ? 'source' : 'target');
  if (target.trim() !== target || target === '' || /[\p{Cc}\u2028\u2029]/u.test(target)) {
    report({ code: 'RC1348', pointer, message: `\`${target}\` cannot name a column`, hint: 'no line breaks, control characters or white space at the ends' });
    return;
  }
  const status = card?.mapping?.statusColumn;
  if (kind === 'status') {
    if (status !== undefined && target !== status.name)
      report({
        code: 'RC1344',
        pointer,
        message: `on ${card?.displayName} the status column is always \`${status.name}\``,
        hint: `write \`target: ${status.name}\` or leave the target out`,
      });
    for (const key of ['mandatory', 'key', 'transform', 'expect'] as const) {
      if (entry[key] !== undefined && entry[key] !== false)
        report({
          code: 'RC1344',
          pointer: place(column, key),
          part: 'key',
          message: `the status column takes no \`${key}\``,
          hint: 'it is always there, `realized` or `exited`',
        });
    }
    return;
  }
  const { targetPattern, targetPatternMessage } = card?.mapping ?? {};
  if (targetPattern !== undefined && !new RegExp(targetPattern, 'u').test(target)) {
    report({
      code: 'RC1348',
      pointer,
      message: `\`${target}\` is no column’s name on ${card?.displayName}`,
      hint: targetPatternMessage ?? `it must match ${targetPattern}`,
    });
  }
}

/** A target that means a hash never gets a plain value (activation-rules 10.8). */
function checkHash(column: ResolvedColumn, card: DestinationCard | undefined, report: Report): void {
  const { target, entry, kind } = column;
  if (kind === 'status' || entry.transform === 'sha256') return;
  const source = 'source' in entry ? entry.source : entry.expression;
  if (/sha-?_?256|hash/i.test(source)) return;
  const byCard = card?.mapping?.identity?.targets?.some(({ name, hash }) => name === target && hash === 'sha256') === true;
  if (!byCard && !/_sha256$/i.test(target)) return;
  const message = `\`${target}\` holds SHA-256 hashes, and \`${source}\` does not look hashed`;
  report({
    code: 'RC1345',
    severity: byCard ? 'error' : 'warning',
    pointer: place(column, entry.target === undefined ? 'source' : 'target'),
    message,
    hint: 'add `transform: sha256`: the value is normalised and hashed on its way, a hash is left as it is',
  });
}

/** Names that differ by case alone are one column for Parquet, databases and DuckDB. */
function checkTwice(columns: readonly ResolvedColumn[], report: Report): void {
  const seen = new Map<string, ResolvedColumn>();
  for (const column of columns) {
    const { target, entry } = column;
    const first = seen.get(target.toLowerCase());
    if (first === undefined) {
      seen.set(target.toLowerCase(), column);
      continue;
    }
    const added = column.index === undefined;
    const pointer = added
      ? place(first, first.entry.target === undefined ? 'source' : 'target')
      : place(column, entry.target === undefined ? 'source' : 'target');
    const message = added
      ? `\`${first.target}\` is the status column’s name here`
      : `two columns are called \`${target}\`${first.target === target ? '' : ` (the other \`${first.target}\`: case does not tell columns apart)`}`;
    report({ code: 'RC1341', pointer, message, hint: added ? `map ${STATUS_SOURCE} onto it, or choose another target` : 'give one of them another `target`' });
  }
}

/** No key, one identity, or one or two attributes; never a mixture (activation-rules 2.9, 10.5, 10.6). */
function checkKeys(columns: readonly ResolvedColumn[], card: DestinationCard | undefined, report: Report): void {
  const identities = columns.filter(({ kind }) => kind === 'identity');
  const keys = columns.filter(({ kind, key }) => key && kind !== 'identity');
  for (const identity of identities) {
    for (const key of ['mandatory', 'key'] as const) {
      if (identity.entry[key] === false)
        report({
          code: 'RC1343',
          pointer: place(identity, key),
          message: `an identity is ${key === 'key' ? 'the deduplication key' : 'mandatory'} by itself`,
          hint: `remove \`${key}: false\``,
        });
    }
  }
  const [identity, second] = identities;
  if (second !== undefined) {
    report({
      code: 'RC1342',
      pointer: place(second, 'source'),
      message: `a second identity is mapped: \`${second.path}\` beside \`${identity?.path}\``,
      hint: 'at most one; declare the other column as a field of the Attributes as well and map that',
    });
  }
  if (identity !== undefined && keys[0] !== undefined) {
    report({
      code: 'RC1343',
      pointer: place(keys[0], 'key'),
      message: `\`${keys[0].target}\` is a key beside the identity \`${identity.path}\``,
      hint: 'the key is one identity, or one or two attributes: remove `key: true`',
    });
  }
  const most = card?.mapping?.keyAttributes ?? 2;
  const extra = keys[most];
  if (extra !== undefined)
    report({
      code: 'RC1343',
      pointer: place(extra, 'key'),
      message: `${keys.length} attributes are keys; at most ${most} go`,
      hint: 'keep those that tell rows apart',
    });
  if (card?.mapping?.identity?.required === true && identity === undefined) {
    const names = card.mapping.identity.targets?.map(({ name }) => `\`${name}\``).join(', ');
    report({
      code: 'RC1349',
      pointer: '/spec/mapping',
      part: 'key',
      message: `${card.displayName} needs an identity, and none is mapped`,
      hint: `map identityMap.NAMESPACE${names === undefined ? '' : ` onto ${names}`}`,
    });
  }
}
