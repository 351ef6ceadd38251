/** UTF-16 offsets into the PQL text, `end` excluded. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

export type CompareOperator = '=' | '!=' | '<' | '<=' | '>' | '>=';
export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%';
export const UNITS = ['millisecond', 'second', 'minute', 'hour', 'day', 'week', 'month', 'year', 'decade', 'century', 'millennium'] as const;
export type Unit = (typeof UNITS)[number];
export type Direction = 'before' | 'after' | 'from';

/** What comes out of the parser: names are not resolved, types not known. */
export type Expression = Range &
  (
    | { readonly kind: 'string'; readonly value: string }
    | { readonly kind: 'number'; readonly text: string }
    | { readonly kind: 'boolean'; readonly value: boolean }
    | { readonly kind: 'null' }
    | { readonly kind: 'moment'; readonly which: 'now' | 'today' | 'yesterday' | 'tomorrow' }
    | { readonly kind: 'array'; readonly items: readonly Expression[] }
    | { readonly kind: 'name'; readonly name: string }
    | { readonly kind: 'parameter'; readonly index: number }
    | { readonly kind: 'outer'; readonly levels: number; readonly name: string; readonly nameRange: Range }
    | { readonly kind: 'member'; readonly object: Expression; readonly name: string; readonly nameRange: Range }
    | { readonly kind: 'call'; readonly object: Expression | undefined; readonly name: string; readonly nameRange: Range; readonly args: readonly Expression[] }
    | { readonly kind: 'lambda'; readonly parameters: readonly { readonly name: string; readonly range: Range }[]; readonly body: Expression }
    | { readonly kind: 'filter'; readonly object: Expression; readonly condition: Expression }
    | { readonly kind: 'not'; readonly operand: Expression }
    | { readonly kind: 'negate'; readonly operand: Expression }
    | { readonly kind: 'logic'; readonly operator: 'and' | 'or'; readonly operands: readonly Expression[] }
    | { readonly kind: 'compare'; readonly operator: CompareOperator; readonly left: Expression; readonly right: Expression }
    | { readonly kind: 'arithmetic'; readonly operator: ArithmeticOperator; readonly left: Expression; readonly right: Expression }
    | { readonly kind: 'in'; readonly negated: boolean; readonly value: Expression; readonly list: Expression }
    | { readonly kind: 'like'; readonly value: Expression; readonly pattern: Expression }
    | { readonly kind: 'let'; readonly name: string; readonly value: Expression; readonly body: Expression }
    | { readonly kind: 'quantifier'; readonly quantifier: 'exists' | 'forall'; readonly bindings: readonly Binding[] }
    | { readonly kind: 'select'; readonly binding: Binding }
    | { readonly kind: 'aggregate'; readonly fn: string; readonly value: Expression; readonly binding: Binding }
    | { readonly kind: 'occurs'; readonly subject: Expression; readonly window: Window }
    | { readonly kind: 'chain'; readonly source: Expression; readonly by: Expression; readonly steps: readonly ChainStep[] }
    /** What could not be read; names that stand in it all the same. */
    | { readonly kind: 'broken'; readonly paths?: readonly Expression[] }
  );

export interface Binding {
  readonly name: string;
  readonly nameRange: Range;
  readonly from: Expression;
  readonly where: Expression | undefined;
}

export type Window = Range &
  (
    | {
        readonly form: 'distance';
        readonly operator: CompareOperator;
        readonly amount: number;
        readonly unit: string;
        readonly unitRange: Range;
        readonly direction: Direction;
        readonly time: Time;
      }
    | { readonly form: 'side'; readonly direction: Direction; readonly time: Time }
    | { readonly form: 'on'; readonly time: Time }
    | { readonly form: 'between'; readonly from: Time; readonly to: Time }
  );

export type Time = Range &
  (
    | { readonly kind: 'period'; readonly which: 'this' | 'last' | 'next'; readonly unit: string; readonly unitRange: Range }
    | { readonly kind: 'expression'; readonly expression: Expression }
  );

export interface ChainStep {
  readonly label: string;
  readonly range: Range;
  readonly what: Expression | undefined;
  readonly when: Window | undefined;
  readonly where: Expression | undefined;
  readonly count: number;
}

/** Something wrong in a PQL text. `RC1201` syntax, `RC1207` unknown attribute, `RC1208` wrong type, … */
export interface PqlProblem extends Range {
  readonly code: string;
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly label?: string;
  readonly hint?: string;
}

const ALIASES: Readonly<Record<string, Unit>> = { centuries: 'century', millennia: 'millennium' };

/** `days`, `Day` → `day`; undefined for what is no unit. */
export function toUnit(word: string): Unit | undefined {
  const lower = word.toLowerCase();
  return ALIASES[lower] ?? UNITS.find((unit) => unit === lower || `${unit}s` === lower);
}
