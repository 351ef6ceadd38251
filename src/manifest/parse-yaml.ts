import { parseAllDocuments, type Document, type ParsedNode } from 'yaml';
import { createLineIndex, type LineIndex, type TextPlace } from './line-index.ts';
import { explainYamlErrors } from './explain-yaml-errors.ts';
import { parseSimpleYaml } from './parse-simple-yaml.ts';
import { toPlain } from './to-plain.ts';

/** Something wrong with a file's text; offsets count UTF-16 units. */
export interface YamlProblem {
  readonly code: string;
  readonly message: string;
  readonly start: number;
  readonly end: number;
  readonly label?: string;
  readonly hint?: string;
}

export interface PlainDocument {
  /** Position in the stream, the empty documents counted. */
  readonly index: number;
  readonly value: unknown;
  readonly place: TextPlace;
}

export interface ParsedYaml {
  /** Documents with content, in file order. Without those that have problems: a broken document is never half used. */
  readonly documents: readonly PlainDocument[];
  readonly problems: readonly YamlProblem[];
}

export type YamlDocument = Document.Parsed<ParsedNode>;

/** Parses a stream of YAML 1.2 documents into trees with ranges. Never throws: what is wrong stands in each document's `errors`. */
export function parseYamlTrees(text: string): readonly YamlDocument[] {
  const parsed = parseAllDocuments(text, { logLevel: 'silent', prettyErrors: false, uniqueKeys: false, resolveKnownTags: false, version: '1.2' });
  return Array.isArray(parsed) ? parsed : [];
}

/**
 * Parses a stream of YAML 1.2 documents into plain JSON values. Aliases and merge keys are expanded within bounds; whatever JSON cannot hold
 * exactly is a problem.
 */
export function parseYaml(text: string, lines: LineIndex = createLineIndex(text)): ParsedYaml {
  const simple = parseSimpleYaml(text);
  return simple === undefined ? parseFullYaml(text, lines) : { documents: simple, problems: [] };
}

/** As `parseYaml`, always by the library. */
export function parseFullYaml(text: string, lines: LineIndex = createLineIndex(text)): ParsedYaml {
  const documents: PlainDocument[] = [];
  const problems: YamlProblem[] = [];
  for (const [index, tree] of parseYamlTrees(text).entries()) {
    const faults = [...tree.errors, ...tree.warnings];
    if (faults.length > 0) {
      problems.push(...explainYamlErrors(faults, text));
      continue;
    }
    const explicit = tree.directives.yaml.explicit === true && tree.directives.yaml.version !== '1.2';
    if (explicit) {
      problems.push({
        code: 'RC1005',
        message: `YAML ${tree.directives.yaml.version} is not supported`,
        start: Math.max(0, text.indexOf('%YAML')),
        end: Math.max(0, text.indexOf('%YAML')) + 9,
        hint: 'remove the %YAML line: manifests are YAML 1.2, where yes, no, on and off are texts',
      });
      continue;
    }
    if (tree.contents === null || (isEmpty(tree) && tree.contents.range[0] === tree.contents.range[1])) continue;
    const { value, problems: found } = toPlain(tree);
    if (found.length > 0) problems.push(...found);
    else documents.push({ index, value, place: lines.place(tree.contents.range[0]) });
  }
  return { documents, problems };
}

function isEmpty(tree: YamlDocument): boolean {
  const node = tree.contents as { value?: unknown; source?: string } | null;
  return node !== null && 'value' in node && node.value === null && (node.source ?? '') === '';
}
