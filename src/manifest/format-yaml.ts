import { isMap, isScalar, isSeq, parseAllDocuments, visit, type Document, type Pair, type ParsedNode, type Scalar, type YAMLMap } from 'yaml';
import { canonicalJson } from '../support/canonical-json.ts';
import { SCHEMAS } from './generated/schemas.ts';
import { parseYaml } from './parse-yaml.ts';

/** A flow collection of several lines that would not fit into one of this many characters is written as a block. */
const MAX_FLOW_CHARACTERS = 120;
const PRINT = { lineWidth: 0, indent: 2, flowCollectionPadding: false, indentSeq: true } as const;

/**
 * A manifest file in canonical form: keys in the order of the schema, two spaces, LF, comments and quotes as they were.
 * Undefined when the text is not YAML that can be read, or cannot be written without a change of its meaning or a comment lost.
 */
export function formatYaml(text: string): string | undefined {
  const meaning = readMeaning(text);
  if (meaning === undefined) return undefined;
  // With an anchor that would come to stand after its alias, the order of keys stays.
  for (const sorted of [true, false]) {
    const result = print(text, sorted);
    const stable = result !== undefined && readMeaning(result) === meaning && sameComments(text, result) && print(result, sorted) === result;
    if (stable) return result;
  }
  return undefined;
}

function readMeaning(text: string): string | undefined {
  const { documents, problems } = parseYaml(text);
  return problems.length > 0 ? undefined : canonicalJson(documents.map(({ value }) => value));
}

function print(text: string, sorted: boolean): string | undefined {
  const parsed = parseAllDocuments(text.replaceAll('\r\n', '\n'), { logLevel: 'silent', prettyErrors: false, uniqueKeys: false });
  const documents = Array.isArray(parsed) ? parsed.filter((document) => !isBlank(document)) : [];
  if (documents.length === 0) return text;
  for (const document of documents) {
    unfoldLongFlow(document, text);
    if (sorted && isMap(document.contents)) sortManifest(document.contents);
  }
  try {
    return documents.map((document, index) => separate(document.toString(PRINT).replace(/^\n+/, ''), index)).join('');
  } catch {
    return undefined;
  }
}

/** Nothing between two `---`, not even a comment. */
function isBlank({ contents, commentBefore, comment }: Document.Parsed<ParsedNode>): boolean {
  const empty = contents === null || (isScalar(contents) && contents.value === null && contents.range[0] === contents.range[1]);
  return empty && [commentBefore, comment, contents?.commentBefore, contents?.comment].every((one) => typeof one !== 'string');
}

/** Each document but the first begins with `---`; each ends its last line. */
function separate(text: string, index: number): string {
  const begun = index === 0 || text.startsWith('---') || text.startsWith('%') ? text : `---\n${text}`;
  return begun.endsWith('\n') ? begun : `${begun}\n`;
}

function unfoldLongFlow(document: Document.Parsed<ParsedNode>, text: string): void {
  visit(document, {
    Collection(_, node) {
      const range = node.range ?? [0, 0, 0];
      const source = text.slice(range[0], range[1]);
      if (node.flow === true && source.includes('\n') && source.replaceAll(/\s+/g, ' ').length > MAX_FLOW_CHARACTERS) node.flow = false;
    },
  });
}

function sortManifest(manifest: YAMLMap): void {
  const kind = manifest.get('kind');
  const schema = typeof kind === 'string' ? SCHEMAS[`${kind.toLowerCase()}.schema.json`] : undefined;
  if (schema !== undefined) sortMap(manifest, [schema], schema);
}

type Schema = Readonly<Record<string, unknown>>;

/** Sorts a map by the order of the schemas' properties, and what is in it by theirs. Keys that no schema names keep their order at the end. */
function sortMap(map: YAMLMap, schemas: readonly Schema[], root: Schema): void {
  const branches = schemas.flatMap((schema) => expand(schema, root));
  const order = new Map<string, number>();
  for (const branch of branches) for (const key of Object.keys((branch['properties'] ?? {}) as object)) if (!order.has(key)) order.set(key, order.size);
  const rank = (pair: Pair): number => order.get(keyOf(pair)) ?? Infinity;
  const sorted = map.items.toSorted((a, b) => (rank(a) === rank(b) ? 0 : rank(a) - rank(b)));
  if (sorted.some((pair, index) => pair !== map.items[index])) {
    giveCommentToFirstKey(map);
    if (schemas[0] === root) keepHeader(map.items[0], sorted[0]);
    map.items = sorted;
  }
  for (const pair of map.items) {
    const key = keyOf(pair);
    const children = branches.flatMap((branch) => {
      const named = ((branch['properties'] ?? {}) as Record<string, Schema>)[key] ?? branch['additionalProperties'];
      return named !== null && typeof named === 'object' ? [named as Schema] : [];
    });
    if (children.length > 0) sortValue(pair.value, children, root);
  }
}

function sortValue(value: unknown, schemas: readonly Schema[], root: Schema): void {
  if (isMap(value)) return sortMap(value, schemas, root);
  if (!isSeq(value)) return;
  const items = schemas.flatMap((schema) => expand(schema, root)).flatMap(({ items: one }) => (one === undefined ? [] : [one as Schema]));
  for (const item of value.items) if (items.length > 0) sortValue(item, items, root);
}

/** A comment before a map's first key is about that key: it moves with it. */
function giveCommentToFirstKey(map: YAMLMap): void {
  const first = map.items[0]?.key;
  if (typeof map.commentBefore !== 'string' || !isScalar(first)) return;
  first.commentBefore = [map.commentBefore, first.commentBefore].filter((comment) => typeof comment === 'string').join('\n');
  map.commentBefore = null;
}

/** A comment before the whole manifest is its header: it stays at the top. */
function keepHeader(first: Pair | undefined, newFirst: Pair | undefined): void {
  const from = first?.key as Scalar | undefined;
  const to = newFirst?.key as Scalar | undefined;
  if (from === undefined || to === undefined || from === to || typeof from.commentBefore !== 'string') return;
  to.commentBefore = [from.commentBefore, to.commentBefore].filter((comment) => typeof comment === 'string').join('\n');
  from.commentBefore = null;
}

function keyOf(pair: Pair): string {
  return isScalar(pair.key) ? String((pair.key as Scalar).value) : '';
}

/** A schema and its branches with references followed. */
function expand(schema: Schema, root: Schema): readonly Schema[] {
  const ref = schema['$ref'];
  if (typeof ref === 'string') {
    const [file, path] = ref.split('#/$defs/');
    const home = file === '' || file === undefined ? root : SCHEMAS[file];
    const target =
      ((home?.['$defs'] ?? {}) as Record<string, Schema>)[path ?? ''] ??
      ((SCHEMAS['common.schema.json']?.['$defs'] ?? {}) as Record<string, Schema>)[path ?? ''];
    return target === undefined ? [] : expand(target, root);
  }
  const branches = (schema['oneOf'] ?? []) as readonly Schema[];
  return [schema, ...branches.flatMap((branch) => expand(branch, root))];
}

/** Every comment is still there, in whatever order. */
function sameComments(before: string, after: string): boolean {
  return readComments(before).join('\n') === readComments(after).join('\n');
}

function readComments(text: string): string[] {
  const found: string[] = [];
  for (const document of parseAllDocuments(text, { logLevel: 'silent', uniqueKeys: false }) as readonly Document.Parsed[]) {
    const take = (comment: unknown): void => {
      if (typeof comment === 'string')
        found.push(
          ...comment
            .split('\n')
            .map((line) => line.trim())
            .filter((line) => line !== ''),
        );
    };
    take(document.commentBefore);
    take(document.comment);
    visit(document, {
      Node(_, node) {
        take(node.commentBefore);
        take(node.comment);
      },
    });
  }
  return found.sort();
}
