import { visit } from './lineage.ts';
import { scalar, type PqlType } from './type.ts';
import type { Typed } from './typed.ts';

/** The event fields that an expression names itself, and the time, by path: what a list of its events holds. */
export function eventFields(typed: Typed): ReadonlyMap<string, PqlType> {
  const found = new Map<string, PqlType>([['timestamp', scalar('timestamp')]]);
  visit(typed, (node) => {
    if (node.kind === 'member' && node.object.type.kind === 'object' && node.object.type.event === true) found.set(node.name, node.type);
    if (node.kind === 'chain' && !found.has(node.by)) found.set(node.by, scalar('timestamp'));
  });
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** By which fields events stand in a row: their time, then the scalar fields that the expression names. */
export function eventOrder(typed: Typed): readonly string[] {
  const scalars = [...eventFields(typed)].filter(([path, { kind }]) => path !== 'timestamp' && kind !== 'array' && kind !== 'map' && kind !== 'object');
  return ['timestamp', ...scalars.map(([path]) => path)];
}
