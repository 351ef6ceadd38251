import type { PqlProblem } from '../ast.ts';
import { childrenOf } from '../lineage.ts';
import type { Typed, VariableId } from '../typed.ts';

/** Functions over items within each other. The engine’s work doubles with each; a person writes two or three. */
export const MAX_ITEM_NESTING = 6;

/** Nodes of an expression whose `let` names are replaced by what they stand for. */
const MAX_EXPANDED_NODES = 250_000;

/**
 * The first place where filters, quantifiers and their like stand too deep within each other, or where the uses of `let` names multiply beyond all
 * bounds; a name counts as what it stands for.
 */
export function findDeepNesting(root: Typed): PqlProblem | undefined {
  return findDeepItems(root) ?? findExplosion(root);
}

function findExplosion(root: Typed): PqlProblem | undefined {
  const named = new Map<VariableId, number>();
  let problem: PqlProblem | undefined;
  const measure = (node: Typed): number => {
    if (node.kind === 'variable') return named.get(node.id) ?? 1;
    let size = 1;
    if (node.kind === 'let') {
      named.set(node.id, measure(node.value));
      size += measure(node.body);
    } else for (const child of childrenOf(node)) size += measure(child);
    if (size > MAX_EXPANDED_NODES) {
      problem ??= {
        code: 'RC1202',
        severity: 'error',
        message: 'the expression grows too large when its `let` names are replaced by what they stand for',
        start: node.start,
        end: node.end,
        hint: 'use each name a few times at most',
      };
    }
    return size;
  };
  measure(root);
  return problem;
}

function findDeepItems(root: Typed): PqlProblem | undefined {
  const named = new Map<VariableId, number>();
  let problem: PqlProblem | undefined;
  const measure = (node: Typed): number => {
    if (node.kind === 'variable') return named.get(node.id) ?? 0;
    if (node.kind === 'let') {
      named.set(node.id, measure(node.value));
      return measure(node.body);
    }
    const inner = itemPartsOf(node);
    let depth = 0;
    for (const child of childrenOf(node)) depth = Math.max(depth, measure(child) + (inner.includes(child) ? 1 : 0));
    if (depth > MAX_ITEM_NESTING) {
      problem ??= {
        code: 'RC1202',
        severity: 'error',
        message: `filters and quantifiers stand more than ${MAX_ITEM_NESTING} deep within each other`,
        start: node.start,
        end: node.end,
        hint: 'split the expression into several segments and join them with inSegment',
      };
    }
    return depth;
  };
  measure(root);
  return problem;
}

/** The parts of a node that are asked once per item. */
export function itemPartsOf(node: Typed): readonly Typed[] {
  switch (node.kind) {
    case 'filter':
      return [node.condition];
    case 'quantifier':
      return node.condition === undefined ? [] : [node.condition];
    case 'map':
      return [node.value];
    case 'aggregate':
      return node.value === undefined ? [] : [node.value];
    case 'top':
    case 'group':
      return [node.by];
    case 'chain':
      return childrenOf(node);
    default:
      return [];
  }
}
