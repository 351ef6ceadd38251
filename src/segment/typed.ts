import type { ArithmeticOperator, CompareOperator, Direction, Range, Unit } from './ast.ts';
import type { PqlType } from './type.ts';

/** A variable bound by a quantifier, a filter, a lambda or `let`; numbers are unique within one expression. */
export type VariableId = number;

export type AggregateFunction = 'count' | 'sum' | 'average' | 'min' | 'max';

/** Functions that are computed from the values of their arguments alone. NULL in, NULL out, except where the README's table says otherwise. */
export type PureFunction =
  | 'startsWith'
  | 'endsWith'
  | 'contains'
  | 'equals'
  | 'matches'
  | 'regexGroup'
  | 'isNull'
  | 'getMonth'
  | 'getYear'
  | 'getDayOfMonth'
  | 'currentMonth'
  | 'currentYear'
  | 'currentDayOfMonth'
  | 'includes'
  | 'intersects'
  | 'intersection'
  | 'subsetOf'
  | 'distinct'
  | 'head'
  | 'get'
  | 'keys'
  | 'values';

/** What the checker makes of an expression: names resolved, types known, the many ways of writing brought to few forms. */
export type Typed = Range & { readonly type: PqlType } & (
    | { readonly kind: 'constant'; readonly value: string | boolean | null }
    /** The digits as written, for exact values. */
    | { readonly kind: 'number'; readonly text: string }
    /** A day, `YYYY-MM-DD`. */
    | { readonly kind: 'date'; readonly day: string }
    | { readonly kind: 'now' }
    /** The day of `now`, moved by so many days. */
    | { readonly kind: 'today'; readonly days: number }
    | { readonly kind: 'field'; readonly path: string }
    /** An attribute that is only a folder of others; it can be asked for being null. */
    | { readonly kind: 'folder'; readonly paths: readonly string[] }
    /** `identityMap`: a map of the namespaces. */
    | { readonly kind: 'identities'; readonly namespaces: readonly string[] }
    | { readonly kind: 'events' }
    | { readonly kind: 'variable'; readonly id: VariableId; readonly name: string }
    | { readonly kind: 'member'; readonly object: Typed; readonly name: string }
    | { readonly kind: 'list'; readonly items: readonly Typed[] }
    | { readonly kind: 'logic'; readonly operator: 'and' | 'or'; readonly operands: readonly Typed[] }
    | { readonly kind: 'not'; readonly operand: Typed }
    | { readonly kind: 'negate'; readonly operand: Typed }
    | { readonly kind: 'compare'; readonly operator: CompareOperator; readonly left: Typed; readonly right: Typed }
    | { readonly kind: 'arithmetic'; readonly operator: ArithmeticOperator; readonly left: Typed; readonly right: Typed }
    | { readonly kind: 'in'; readonly negated: boolean; readonly value: Typed; readonly list: Typed }
    | { readonly kind: 'like'; readonly value: Typed; readonly pattern: string }
    | { readonly kind: 'call'; readonly fn: PureFunction; readonly args: readonly Typed[] }
    | { readonly kind: 'if'; readonly test: Typed; readonly then: Typed; readonly otherwise: Typed }
    | { readonly kind: 'let'; readonly id: VariableId; readonly name: string; readonly value: Typed; readonly body: Typed }
    | { readonly kind: 'filter'; readonly source: Typed; readonly id: VariableId; readonly condition: Typed }
    /** `implicit`: written as a member of the array, `orders.storeId`. */
    | { readonly kind: 'map'; readonly source: Typed; readonly id: VariableId; readonly value: Typed; readonly implicit?: true }
    | { readonly kind: 'top'; readonly source: Typed; readonly id: VariableId; readonly by: Typed; readonly count: number; readonly highest: boolean }
    | { readonly kind: 'group'; readonly source: Typed; readonly id: VariableId; readonly by: Typed }
    | { readonly kind: 'aggregate'; readonly fn: AggregateFunction; readonly source: Typed; readonly id: VariableId; readonly value: Typed | undefined }
    | {
        readonly kind: 'quantifier';
        readonly quantifier: 'exists' | 'forall';
        readonly source: Typed;
        readonly id: VariableId;
        readonly condition: Typed | undefined;
      }
    | { readonly kind: 'occurs'; readonly subject: Typed; readonly window: TypedWindow }
    | { readonly kind: 'chain'; readonly id: VariableId; readonly by: string; readonly steps: readonly TypedStep[] }
    | { readonly kind: 'segment'; readonly name: string }
  );

export interface TypedStep extends Range {
  readonly label: string;
  /** On the event `id`; undefined: any event. */
  readonly condition: Typed | undefined;
  readonly count: number;
}

export type TypedWindow =
  | {
      readonly form: 'distance';
      readonly operator: CompareOperator;
      readonly amount: number;
      readonly unit: Unit;
      readonly direction: Direction;
      readonly time: TypedTime;
    }
  | { readonly form: 'side'; readonly direction: Direction; readonly time: TypedTime }
  | { readonly form: 'on'; readonly time: TypedTime }
  | { readonly form: 'between'; readonly from: TypedTime; readonly to: TypedTime };

export type TypedTime =
  | { readonly kind: 'period'; readonly which: 'this' | 'last' | 'next'; readonly unit: Unit }
  /** `now` and timestamps are instants; `today` and dates are whole days. */
  | { readonly kind: 'value'; readonly value: Typed };
