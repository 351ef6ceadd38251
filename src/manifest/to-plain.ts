import { isAlias, isMap, isScalar, isSeq, type Alias, type Node, type Scalar, type YAMLMap } from 'yaml';
import { isExactNumber } from '../model/decimal.ts';
import type { YamlDocument, YamlProblem } from './parse-yaml.ts';

/** Values that aliases may expand a document to. A manifest of a thousand fields has ten thousand. */
const MAX_VALUES = 250_000;
const MAX_DEPTH = 200;

type PlainObject = Record<string, unknown>;

/** A document's tree as plain JSON values: objects, arrays, strings, exact numbers, booleans, null. */
export function toPlain(tree: YamlDocument): { readonly value: unknown; readonly problems: readonly YamlProblem[] } {
  const walk = new PlainWalk(tree);
  const value = walk.plain(tree.contents, 0);
  return { value, problems: walk.problems };
}

class PlainWalk {
  readonly problems: YamlProblem[] = [];
  readonly #tree: YamlDocument;
  readonly #open = new Set<Node>();
  #anchors: ReadonlyMap<string, readonly Node[]> | undefined;
  #values = 0;
  #exhausted = false;

  constructor(tree: YamlDocument) {
    this.#tree = tree;
  }

  plain(node: Node | null | undefined, depth: number): unknown {
    if (node === null || node === undefined || this.#exhausted) return null;
    this.#values += 1;
    if (this.#values > MAX_VALUES) return this.#exhaust(node, `aliases expand to more than ${MAX_VALUES} values`);
    if (depth > MAX_DEPTH) return this.#exhaust(node, `values are nested more than ${MAX_DEPTH} deep`);
    if (isScalar(node)) return this.#scalar(node);
    if (isAlias(node)) return this.#follow(node, depth);
    if (isSeq(node)) return node.items.map((item) => this.plain(item as Node | null, depth + 1));
    if (isMap(node)) return this.#map(node, depth);
    return null;
  }

  #map(node: YAMLMap, depth: number): PlainObject {
    const result: PlainObject = {};
    const seen = new Map<string, Node>();
    const merged: unknown[] = [];
    for (const pair of node.items) {
      const keyNode = pair.key as Node | null;
      const key = this.#key(keyNode, node);
      if (key === undefined || keyNode === null) continue;
      const value = pair.value as Node | null;
      if (key === '<<' && isScalar(keyNode) && keyNode.type === 'PLAIN') {
        merged.push(...this.#mergeSources(value, depth));
        continue;
      }
      const first = seen.get(key);
      if (first !== undefined) {
        this.#report('RC1004', keyNode, `key \`${key}\` stands twice in one map`, { label: 'again here', hint: 'keep one of the two' });
        continue;
      }
      seen.set(key, keyNode);
      result[key] = this.plain(value, depth + 1);
    }
    // What stands in the map itself wins over what is merged, the first merged over the later.
    for (const source of merged) for (const [key, value] of Object.entries(source as PlainObject)) if (!Object.hasOwn(result, key)) result[key] = value;
    return result;
  }

  #mergeSources(node: Node | null, depth: number): readonly unknown[] {
    const value = this.plain(node, depth + 1);
    const sources = Array.isArray(value) ? value : [value];
    const wrong = sources.some((source) => source === null || typeof source !== 'object' || Array.isArray(source));
    if (wrong && node !== null && !this.#exhausted)
      this.#report('RC1008', node, '`<<` merges maps only', { hint: 'write <<: *anchor, where the anchor stands at a map' });
    return wrong ? [] : sources;
  }

  #key(node: Node | null, map: YAMLMap): string | undefined {
    const at = node ?? map;
    if (node !== null && !isScalar(node)) {
      const hint = isMap(node)
        ? 'a value of an environment is written "${var.NAME}", in quotes; else quote a key that begins with {'
        : 'quote a key that begins with [';
      this.#report('RC1008', at, 'a key must be a text', isMap(node) || isSeq(node) ? { hint } : {});
      return undefined;
    }
    const value = node === null ? null : node.value;
    if (value === null || value === undefined || value === '') {
      this.#report('RC1008', at, 'a key must not be empty');
      return undefined;
    }
    // `01` and `1e3` keep the text as it is written.
    const key = typeof value === 'string' ? value : ((node as Scalar).source ?? String(value));
    if (key === '__proto__') {
      this.#report('RC1008', at, 'key `__proto__` is not allowed');
      return undefined;
    }
    this.#refuseUnwritable(key, at);
    return key;
  }

  #scalar(node: Scalar): unknown {
    const { value, source } = node;
    if (typeof value === 'number') {
      const found = source ?? String(value);
      if (!Number.isFinite(value)) this.#report('RC1006', node, `\`${found}\` is not a number that can be used here`, { hint: 'quote it when it is a text' });
      else if (!isExactNumber(value, found))
        this.#report('RC1006', node, `number ${found} cannot be held exactly`, { hint: `write it as a text, in quotes: "${found}"` });
      return value;
    }
    if (typeof value === 'string') this.#refuseUnwritable(value, node);
    return value === undefined ? null : value;
  }

  /** Escapes write what no statement, file name or file can hold. */
  #refuseUnwritable(text: string, node: Node): void {
    if (text.includes('\0')) this.#report('RC1008', node, 'a text with the character U+0000 cannot be used', { hint: 'take `\\0`, `\\x00` or `\\u0000` out' });
    else if (!text.isWellFormed())
      this.#report('RC1008', node, 'half of a surrogate pair is no character', { hint: 'write a character beyond U+FFFF as `\\U0001F600`, or as itself' });
  }

  #follow(node: Alias, depth: number): unknown {
    const target = this.#resolve(node);
    if (target === undefined) {
      this.#report('RC1008', node, `alias \`*${node.source}\` names no anchor before it`, {
        hint: `write &${node.source} at the value it stands for, or quote the text`,
      });
      return null;
    }
    if (this.#open.has(target)) return this.#exhaust(node, `alias \`*${node.source}\` contains itself`);
    this.#open.add(target);
    const value = this.plain(target, depth + 1);
    this.#open.delete(target);
    return value;
  }

  /** The last anchor of that name before the alias. */
  #resolve(alias: Alias): Node | undefined {
    this.#anchors ??= collectAnchors(this.#tree.contents);
    const before = alias.range?.[0] ?? Infinity;
    return this.#anchors.get(alias.source)?.findLast((node) => (node.range?.[0] ?? 0) < before);
  }

  #exhaust(node: Node, message: string): null {
    this.#exhausted = true;
    this.#report('RC1007', node, message, { hint: 'write the values out' });
    return null;
  }

  #report(code: string, node: Node, message: string, more: { readonly label?: string; readonly hint?: string } = {}): void {
    const [start, end] = node.range ?? [0, 1];
    this.problems.push({ code, message, start, end, ...more });
  }
}

/** Every anchored node by its name, in the order of the text. */
function collectAnchors(root: Node | null): ReadonlyMap<string, readonly Node[]> {
  const anchors = new Map<string, Node[]>();
  const stack: (Node | null)[] = [root];
  while (stack.length > 0) {
    const node = stack.pop();
    if (node === null || node === undefined) continue;
    const { anchor } = node as { anchor?: string };
    if (anchor !== undefined && !isAlias(node)) anchors.set(anchor, [...(anchors.get(anchor) ?? []), node]);
    if (isSeq(node)) stack.push(...(node.items as Node[]).toReversed());
    if (isMap(node)) for (const pair of node.items.toReversed()) stack.push(pair.value as Node | null, pair.key as Node | null);
  }
  return anchors;
}
