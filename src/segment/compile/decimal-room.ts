import { sql, type Sql } from '../../sql/sql.ts';
import { scalar, unify, type PqlType } from '../type.ts';
import type { Typed } from '../typed.ts';
import { typeSql } from './type-sql.ts';

/** Two decimals of so many digits fit one type with all of them. */
const HALF = 19;

/**
 * The values of nodes that the engine brings to one type of decimals, made such that none loses digits. The engine has 38 of them: beside a sum or a column that takes them all for
 * few decimals it rounds what has more (0.125 beside `decimal(38,2)` is 0.13), in `case` and in lists. A sum of two has the decimals of both, or fails where there is no room; so
 * each gets zeros of the others' types added.
 */
export function withRoom(nodes: readonly Typed[], valueOf: (node: Typed) => Sql): readonly Sql[] {
  const values = new Map(nodes.map((node) => [node, valueOf(node)]));
  const all = nodes.map((node) => values.get(node) as Sql);
  const shape = nodes.reduce<PqlType | undefined>((type, node) => type && unify(type, node.type), scalar('any'));
  // Inside of collections decimals have ten decimals.
  if (shape?.kind === 'array' && isOfDecimals(shape)) return all.map((value) => sql`cast(${value} as ${typeSql(shape)})`);
  if (!nodes.some(({ type }) => type.kind === 'decimal') || nodes.some(({ type }) => type.kind === 'double') || nodes.every(isNarrow)) return all;
  const leaves = nodes.flatMap(leavesOf);
  const longest = leaves
    .filter(({ kind }) => kind === 'number')
    .reduce<Typed | undefined>((most, one) => (decimalsOf(one) > decimalsOf(most) ? one : most), undefined);
  const zeros = leaves
    .filter((leaf) => leaf === longest || (leaf.kind !== 'number' && leaf.type.kind !== 'null'))
    .map((leaf) => ({ leaf, zero: sql`coalesce(case when false then ${values.get(leaf) ?? valueOf(leaf)} end, 0)` }));
  // Beside what has room already, a short number finds it.
  return nodes.map((node, index) =>
    isShort(node) ? (all[index] as Sql) : zeros.filter(({ leaf }) => leaf !== node).reduce((sum, { zero }) => sql`(${sum} + ${zero})`, all[index] as Sql),
  );
}

function isShort(node: Typed): boolean {
  return node.kind === 'number' && isNarrow(node);
}

/** The type of an `if` is made of what it comes to; of a chain of them the engine would otherwise be told twice as much with each one. */
function leavesOf(node: Typed): readonly Typed[] {
  return node.kind === 'if' ? [...leavesOf(node.then), ...leavesOf(node.otherwise)] : [node];
}

function decimalsOf(node: Typed | undefined): number {
  return node?.kind === 'number' ? (node.text.split('.')[1]?.length ?? 0) : -1;
}

function isOfDecimals(type: PqlType): boolean {
  return type.kind === 'array' ? isOfDecimals(type.item) : type.kind === 'decimal';
}

/** Known to have no more digits than half of what the engine has. */
function isNarrow(node: Typed): boolean {
  switch (node.kind) {
    case 'number':
      return node.text.length <= HALF;
    case 'field':
      return node.type.kind !== 'decimal' || (node.type.digits?.precision ?? Infinity) <= HALF;
    case 'member': {
      // In collections all decimals have 38 digits.
      const ofEvent = node.object.type.kind === 'object' && node.object.type.event === true;
      return node.type.kind !== 'decimal' || (ofEvent && (node.type.digits?.precision ?? Infinity) <= HALF);
    }
    case 'negate':
      return isNarrow(node.operand);
    case 'if':
      return isNarrow(node.then) && isNarrow(node.otherwise);
    default:
      return node.type.kind !== 'decimal';
  }
}
