import type { PatchOperation, ResourceBody } from '../model/plan.ts';
import { canonicalJson } from '../support/canonical-json.ts';
import { diffList } from './diff-list.ts';
import { own } from '../support/own.ts';

/** One difference as people read it. `label` names list items by their key: `spec.mapping[target=income]`. */
export interface FieldChange {
  readonly label: string;
  /** JSON pointer into `{metadata, spec}` where it stands after the patch; of something removed, where it stood. */
  readonly path: string;
  readonly change: 'added' | 'removed' | 'changed' | 'moved';
  readonly before?: unknown;
  readonly after?: unknown;
}

export interface ResourceDiff {
  /** Applied to `before`, gives exactly `after`. */
  readonly patch: readonly PatchOperation[];
  readonly fields: readonly FieldChange[];
}

/** The differences of two bodies: keys of maps by name, items of lists by what identifies them, never by index. */
export function diffResource(before: ResourceBody, after: ResourceBody): ResourceDiff {
  const out: DiffSink = { patch: [], fields: [] };
  diffValue({ metadata: before.metadata, spec: before.spec }, { metadata: after.metadata, spec: after.spec }, { path: '', label: '' }, out);
  return out;
}

/** Where differences are collected. */
export interface DiffSink {
  readonly patch: PatchOperation[];
  readonly fields: FieldChange[];
}

export interface DiffPlace {
  readonly path: string;
  readonly label: string;
}

/** Appends to `out` what turns `before` into `after` at `place`. */
export function diffValue(before: unknown, after: unknown, place: DiffPlace, out: DiffSink): void {
  if (Array.isArray(before) && Array.isArray(after)) {
    if (canonicalJson(before) !== canonicalJson(after)) diffList(before, after, place, out);
  } else if (isMap(before) && isMap(after)) {
    diffMap(before, after, place, out);
  } else if (canonicalJson(before) !== canonicalJson(after)) {
    out.patch.push({ op: 'replace', path: place.path, value: after });
    out.fields.push({ ...place, change: 'changed', before, after });
  }
}

function diffMap(before: Readonly<Record<string, unknown>>, after: Readonly<Record<string, unknown>>, place: DiffPlace, out: DiffSink): void {
  for (const key of definedKeys(before)) {
    if (own(after, key) !== undefined) continue;
    const at = memberOf(place, key);
    out.patch.push({ op: 'remove', path: at.path });
    out.fields.push({ ...at, change: 'removed', before: before[key] });
  }
  for (const key of definedKeys(after)) {
    const at = memberOf(place, key);
    const earlier = own(before, key);
    if (earlier !== undefined) {
      diffValue(earlier, after[key], at, out);
      continue;
    }
    out.patch.push({ op: 'add', path: at.path, value: after[key] });
    out.fields.push({ ...at, change: 'added', after: after[key] });
  }
}

function memberOf(place: DiffPlace, key: string): DiffPlace {
  // A dot inside a key would read as two keys.
  const name = /^[\w-]+$/.test(key) ? `${place.label === '' ? '' : '.'}${key}` : `[${key}]`;
  return { path: `${place.path}/${escapePointer(key)}`, label: `${place.label}${name}` };
}

function definedKeys(map: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(map)
    .filter((key) => map[key] !== undefined)
    .sort();
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** A key as a part of a JSON pointer (RFC 6901). */
export function escapePointer(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
