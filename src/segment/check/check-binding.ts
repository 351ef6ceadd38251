import type { Binding, Range } from '../ast.ts';
import { scalar } from '../type.ts';
import type { Typed, VariableId } from '../typed.ts';
import { itemOf, type Checker } from './check-pql.ts';
import { unknown } from './resolve-path.ts';
import { withVariable, type Scope } from './scope.ts';

interface CheckedBinding {
  readonly source: Typed;
  readonly id: VariableId;
  readonly condition: Typed | undefined;
  readonly inner: Scope;
}

/** `X from A where C`: the array, the variable, and its condition in the scope where the variable has a name. */
export function checkBinding(checker: Checker, binding: Binding, scope: Scope): CheckedBinding {
  const source = checker.check(binding.from, scope);
  const item = itemOf(checker, source);
  const id = checker.newVariable();
  const inner = withVariable(scope, binding.name, id, item);
  return { source, id, inner, condition: binding.where === undefined ? undefined : checker.condition(binding.where, inner) };
}

/** `exists E from A where C, I from B where D` is `exists E from A where (C and exists I from B where D)`, which is told by its own text; `forall` likewise. */
export function checkQuantifier(checker: Checker, quantifier: 'exists' | 'forall', bindings: readonly Binding[], scope: Scope, place: Range): Typed {
  const [first, ...rest] = bindings;
  const [second] = rest;
  if (first === undefined) return unknown(place);
  const { source, id, condition, inner } = checkBinding(checker, first, scope);
  const next = second === undefined ? undefined : checkQuantifier(checker, quantifier, rest, inner, { start: second.nameRange.start, end: place.end });
  const both =
    next === undefined
      ? condition
      : condition === undefined
        ? next
        : ({ kind: 'logic', operator: 'and', operands: [condition, next], type: scalar('boolean'), ...place } satisfies Typed);
  return { kind: 'quantifier', quantifier, source, id, condition: both, type: scalar('boolean'), ...place };
}
