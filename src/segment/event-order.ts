import { fieldsOfWholeEvents, visit } from './lineage.ts';
import { scalar, type PqlType } from './type.ts';
import type { Typed } from './typed.ts';

/**
 * The event fields that an expression names itself, or all where it asks for whole events, and the time, by path: what a list of its events holds, and by which they stand in a row, one after
 * the other: their time, then the scalar fields, then the rest.
 */
export function eventFields(typed: Typed): ReadonlyMap<string, PqlType> {
  const found = new Map<string, PqlType>([['timestamp', scalar('timestamp')], ...(fieldsOfWholeEvents(typed) ?? [])]);
  visit(typed, (node) => {
    if (node.kind === 'member' && node.object.type.kind === 'object' && node.object.type.event === true) found.set(node.name, node.type);
    if (node.kind === 'chain' && !found.has(node.by)) found.set(node.by, scalar('timestamp'));
  });
  return new Map([...found].sort((a, b) => rank(a) - rank(b) || (a[0] < b[0] ? -1 : 1)));
}

function rank([path, { kind }]: readonly [string, PqlType]): number {
  if (path === 'timestamp') return 0;
  return kind === 'array' || kind === 'map' || kind === 'object' ? 2 : 1;
}
