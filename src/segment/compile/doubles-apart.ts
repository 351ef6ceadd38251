import { arrayOf, scalar, unify, type PqlType } from '../type.ts';
import type { Typed } from '../typed.ts';

/**
 * A written list as one of its doubles and one of the rest, where a value that is no double is looked for in it: the engine makes doubles of all of it, to which
 * 9007199254740993 is 9007199254740992. What stands beside no double is compared exactly, as it is without the list.
 */
export function doublesApart(list: Typed, value: PqlType): readonly Typed[] {
  if (list.kind !== 'list' || value.kind === 'double') return [list];
  const doubles = list.items.filter(({ type }) => type.kind === 'double');
  const others = list.items.filter(({ type }) => type.kind !== 'double');
  if (doubles.length === 0 || others.length === 0) return [list];
  return [others, doubles].map((items) => ({ ...list, items, type: arrayOf(items.reduce((type, item) => unify(type, item.type) ?? type, scalar('any'))) }));
}
