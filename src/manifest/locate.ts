import { isAlias, isMap, isScalar, isSeq, type Node, type Pair, type Scalar } from 'yaml';
import { alignScalar, type ScalarStyle } from './align-scalar.ts';
import { createLineIndex } from './line-index.ts';
import { parseYamlTrees, type YamlDocument } from './parse-yaml.ts';
import { isolateDocument } from './single-document.ts';
import { expandText, mayHoldVariables, originalOffset, splitPointer, type Variables } from './variables.ts';

/** A token of a manifest: line and column from 1, length in code points. */
export interface TokenPlace {
  readonly line: number;
  readonly column: number;
  readonly length: number;
}

/** Finds places in one file's text. Made when there is something to tell, so that no trees stay in memory. */
export interface FileLocator {
  /** The value at a JSON pointer, or its key; where the pointer leads nowhere, the nearest place above it. */
  token(document: number, pointer: string, part: 'key' | 'value'): TokenPlace;
  /** The scalar at a JSON pointer as it is written; undefined where there is none. */
  written(document: number, pointer: string): string | undefined;
  /** A range inside the text at a JSON pointer; offsets count UTF-16 units of the value, variables expanded. */
  textRange(document: number, pointer: string, start: number, end: number, variables: Variables): TokenPlace;
}

export function createFileLocator(text: string): FileLocator {
  const treeOf = createTreeReader(text);
  const lines = createLineIndex(text);
  const at = (start: number, end: number): TokenPlace => ({ ...lines.place(start), length: lines.length(start, end) });
  const tokenOf = (node: Node | null | undefined): TokenPlace | undefined => {
    const range = node?.range;
    return range === null || range === undefined ? undefined : at(range[0], tokenEnd(node as Node, range, text));
  };
  return {
    token(document, pointer, part) {
      const path = walk(treeOf(document), splitPointer(pointer));
      for (let depth = path.steps.length; depth >= 0; depth -= 1) {
        const step = path.steps[depth - 1];
        const wanted = depth === path.wanted ? part : 'key';
        const found = step === undefined ? path.root : wanted === 'key' ? (step.key ?? step.value) : step.value;
        const place = (isBlank(found) ? undefined : tokenOf(found)) ?? tokenOf(step?.key) ?? tokenOf(found);
        if (place !== undefined) return place;
      }
      return { line: 1, column: 1, length: 1 };
    },
    written(document, pointer) {
      const tree = treeOf(document);
      const path = walk(tree, splitPointer(pointer));
      const node = path.steps.length === path.wanted ? followAlias(path.steps.at(-1)?.value ?? path.root, tree) : undefined;
      return isScalar(node) ? node.source : undefined;
    },
    textRange(document, pointer, start, end, variables) {
      const tree = treeOf(document);
      const path = walk(tree, splitPointer(pointer));
      const node = path.steps.length === path.wanted ? followAlias(path.steps.at(-1)?.value ?? path.root, tree) : undefined;
      if (node === undefined || !isScalar(node) || typeof node.value !== 'string' || node.range === null || node.range === undefined) {
        return this.token(document, pointer, 'value');
      }
      const [pieces, whole] = expansion(node.value, variables);
      if (whole) return this.token(document, pointer, 'value');
      const offsets = alignScalar(text, node.range[0], node.range[1], (node.type ?? 'PLAIN') as ScalarStyle, node.value);
      const from = offsets[Math.min(originalOffset(start, pieces, 'first'), offsets.length - 1)] ?? node.range[0];
      const lastIndex = Math.min(originalOffset(Math.max(start, end - 1), pieces, 'last'), offsets.length - 1);
      const last = Math.max(from, offsets[lastIndex] ?? from);
      // One character of the value may be several of the text: `''`, `\"`. What follows it may be a fold, or the closing quote.
      const next = Math.min(offsets[lastIndex + 1] ?? 0, node.type?.startsWith('QUOTE') === true ? node.range[1] - 1 : node.range[1]);
      return at(clampToText(text, from), next > last && !/\s/.test(text.slice(last, next)) ? next : last + 1);
    },
  };
}

/** Reads one document of a file at a time, each when it is first asked for: mostly there is one thing to tell in a file of many. */
function createTreeReader(text: string): (document: number) => YamlDocument | undefined {
  const trees = new Map<number, YamlDocument | undefined>();
  let whole: readonly YamlDocument[] | undefined;
  return (document) => {
    if (!trees.has(document)) {
      const alone = isolateDocument(text, document);
      trees.set(document, alone === undefined ? (whole ??= parseYamlTrees(text))[document] : parseYamlTrees(alone)[0]);
    }
    return trees.get(document);
  };
}

function expansion(raw: string, variables: Variables): readonly [ReturnType<typeof expandText>['pieces'], boolean] {
  if (!mayHoldVariables(raw)) return [[], false];
  const { pieces, value } = expandText(raw, variables);
  return [pieces, pieces.length === 0 && value !== raw];
}

/** An end of input is shown after the last character, not on the empty line below. */
function clampToText(text: string, offset: number): number {
  let at = Math.min(offset, text.length);
  if (at < text.length && !/\s/.test(text[at] ?? '')) return at;
  while (at > 0 && /[\r\n]/.test(text[at - 1] ?? '') && (text[at] === undefined || /\s/.test(text[at] ?? ''))) at -= 1;
  return at;
}

interface Step {
  readonly key: Node | undefined;
  readonly value: Node | undefined;
}

interface Path {
  readonly root: Node | undefined;
  readonly steps: readonly Step[];
  readonly wanted: number;
}

function walk(tree: YamlDocument | undefined, keys: readonly string[]): Path {
  const root = (tree?.contents ?? undefined) as Node | undefined;
  const steps: Step[] = [];
  let node = root;
  for (const key of keys) {
    const step = stepInto(followAlias(node, tree), key, tree, 0);
    if (step === undefined) break;
    steps.push(step);
    node = step.value;
  }
  return { root, steps, wanted: keys.length };
}

function stepInto(node: Node | undefined, key: string, tree: YamlDocument | undefined, depth: number): Step | undefined {
  if (isSeq(node)) {
    const value = node.items[Number(key)] as Node | undefined;
    return value === undefined ? undefined : { key: undefined, value };
  }
  if (!isMap(node) || depth > 20) return undefined;
  const pairs = node.items as Pair<Node, Node | null>[];
  const pair = pairs.find((one) => isScalar(one.key) && keyText(one.key) === key);
  if (pair !== undefined) return { key: pair.key, value: pair.value ?? undefined };
  for (const merge of pairs.filter((one) => isScalar(one.key) && one.key.value === '<<')) {
    const value = followAlias(merge.value ?? undefined, tree);
    const sources = isSeq(value) ? (value.items as Node[]) : [value];
    for (const source of sources) {
      const found = stepInto(followAlias(source, tree), key, tree, depth + 1);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function keyText(key: Scalar): string {
  return typeof key.value === 'string' ? key.value : (key.source ?? String(key.value));
}

function followAlias(node: Node | undefined, tree: YamlDocument | undefined): Node | undefined {
  return isAlias(node) && tree !== undefined ? (node.resolve(tree) as Node | undefined) : node;
}

/** A value that is not written at all. */
function isBlank(node: Node | undefined): boolean {
  return isScalar(node) && node.range?.[0] === node.range?.[1];
}

/** Maps and lists are shown by their first token, not by all their lines. */
function tokenEnd(node: Node, range: readonly [number, number, number] | readonly number[], text: string): number {
  const [start = 0, end = start] = range;
  if (isScalar(node)) return node.type?.startsWith('BLOCK') === true ? start + 1 : end;
  if (isAlias(node)) return end;
  const first = isMap(node) ? (node.items[0]?.key as Node | undefined) : undefined;
  if (text[start] === '{' || text[start] === '[') return end;
  return first?.range?.[1] ?? start + 1;
}
