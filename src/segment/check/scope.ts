import type { PqlType } from '../type.ts';
import type { VariableId } from '../typed.ts';

/** What a name can mean at a place: variables, and elements whose members are named without a variable (`A[price > 3]`). */
export type Frame =
  | { readonly kind: 'variable'; readonly name: string; readonly id: VariableId; readonly type: PqlType; readonly profile?: true }
  | { readonly kind: 'element'; readonly id: VariableId; readonly type: PqlType };

/** Innermost first. */
export type Scope = readonly Frame[];

export const TOP: Scope = [];

export function withVariable(scope: Scope, name: string, id: VariableId, type: PqlType): Scope {
  return [{ kind: 'variable', name, id, type }, ...scope];
}

/** A name for the profile itself: `(P) => P.city = "X"`. */
export function withProfile(scope: Scope, name: string): Scope {
  return [{ kind: 'variable', name, id: -1, type: { kind: 'any' }, profile: true }, ...scope];
}

export function withElement(scope: Scope, id: VariableId, type: PqlType): Scope {
  return [{ kind: 'element', id, type }, ...scope];
}

/** The scope outside of `levels` elements: what `^` and `^^` mean. */
export function outside(scope: Scope, levels: number): Scope {
  let left = levels;
  for (const [index, frame] of scope.entries()) {
    if (left === 0) return scope.slice(index);
    if (frame.kind === 'element') left -= 1;
  }
  return TOP;
}
