import type { Range } from '../ast.ts';
import { itemPartsOf } from '../check/check-nesting.ts';
import { childrenOf } from '../lineage.ts';
import type { Typed } from '../typed.ts';
import { evaluate, type EvaluatedProfile, type EvaluateOptions } from './evaluate.ts';
import { showValue } from './show-value.ts';
import type { Value } from './value.ts';

/** A node of an expression with what it came to for one person. */
export interface ExplainedNode extends Range {
  /** What it is: `and` and `or` apart. */
  readonly kind: 'and' | 'or' | Exclude<Typed['kind'], 'logic'>;
  readonly isCondition: boolean;
  /** The node's own text. */
  readonly text: string;
  /** Conditions: true, false, or undefined for unknown. Of a node inside a filter: true when it held for an item. */
  readonly truth: boolean | undefined;
  /** The value, for reading. */
  readonly value: string;
  /** Nodes inside a filter, quantifier or chain: for how many items they were asked, and how often they were true. */
  readonly items: { readonly asked: number; readonly held: number } | undefined;
  readonly children: readonly ExplainedNode[];
  /** The segment behind an `inSegment`. */
  readonly segment?: string;
}

interface Seen {
  value: Value;
  asked: number;
  held: number;
}

/**
 * The tree of an expression with each node's value for one person: why in, why out. Constants and names that explain nothing by themselves are left
 * out; what stands inside `inSegment` is explained by that segment's own tree.
 */
export function explainTree(typed: Typed, text: string, profile: EvaluatedProfile, options: EvaluateOptions): ExplainedNode {
  const seen = new Map<Typed, Seen>();
  evaluate(typed, profile, {
    ...options,
    observe(node, value) {
      const found = seen.get(node);
      if (found === undefined) seen.set(node, { value, asked: 1, held: value === true ? 1 : 0 });
      else {
        found.asked += 1;
        found.held += value === true ? 1 : 0;
      }
    },
  });
  return build(typed, text, seen, false);
}

function build(node: Typed, text: string, seen: ReadonlyMap<Typed, Seen>, perItem: boolean): ExplainedNode {
  const found = seen.get(node) ?? { value: null, asked: 0, held: 0 };
  const isCondition = node.type.kind === 'boolean';
  const truth = !isCondition ? undefined : perItem ? found.held > 0 : found.value === null ? undefined : found.value === true;
  const itemParts = itemPartsOf(node);
  const children = childrenOf(node)
    .filter((child) => !explainsNothing(child))
    .map((child) => build(child, text, seen, perItem || itemParts.includes(child)));
  return {
    start: node.start,
    end: node.end,
    kind: node.kind === 'logic' ? node.operator : node.kind,
    isCondition,
    text: text.slice(node.start, node.end),
    truth,
    value: perItem && isCondition ? `${found.held} of ${found.asked}` : showValue(found.value),
    items: perItem ? { asked: found.asked, held: found.held } : undefined,
    children,
    ...(node.kind === 'segment' ? { segment: node.name } : {}),
  };
}

function explainsNothing(node: Typed): boolean {
  switch (node.kind) {
    case 'constant':
    case 'number':
    case 'date':
    case 'events':
    case 'variable':
      return true;
    case 'list':
      return node.items.every(explainsNothing);
    default:
      return false;
  }
}
