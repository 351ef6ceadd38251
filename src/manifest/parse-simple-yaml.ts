import type { PlainDocument } from './parse-yaml.ts';
import { readFlow, readPlain, REFUSED, type Refused } from './read-simple-flow.ts';

/**
 * Reads the part of YAML that nearly all manifests are written in, some ten times faster than the library: maps with plain keys, lists, texts on
 * one line, flow collections on one line, `|` blocks, comments. Whatever else it meets (anchors, tags, folds, tabs, odd indents, twice the same
 * key, anything wrong) makes it give up, and the library reads the file. It never accepts a text that the library reads otherwise: a
 * differential test over mutated manifests holds it to that.
 */
export function parseSimpleYaml(text: string): readonly PlainDocument[] | undefined {
  if (!text.endsWith('\n') || UNUSUAL.test(text)) return undefined;
  const lines = text.split('\n');
  lines.pop();
  const documents: PlainDocument[] = [];
  let index = 0;
  let from = 0;
  for (let at = 0; at <= lines.length; at += 1) {
    const line = lines[at];
    if (line !== undefined && line !== '---') {
      // `--- text`, `...` and directives are rare.
      if (line.startsWith('---') || line.startsWith('...') || line.startsWith('%')) return undefined;
      continue;
    }
    const reader = new SimpleReader(lines, from, at);
    const first = reader.skipBlank();
    if (first !== undefined) {
      if (first.indent !== 0) return undefined;
      const value = reader.readMap(0, 0);
      if (value === REFUSED || reader.skipBlank() !== undefined) return undefined;
      documents.push({ index, value, place: { line: first.number + 1, column: 1 } });
    }
    // Before the first `---` stands a document only when it has content.
    if (from > 0 || first !== undefined) index += 1;
    from = at + 1;
  }
  return documents;
}

/** Control characters but the line feed (so carriage returns and tabs), and separators that not all take for line ends. */
const UNUSUAL = /(?!\n)\p{Cc}|[\u2028\u2029\ufeff]/u;
const KEY = /^( *)([A-Za-z_][A-Za-z0-9_.-]*):(?: +(.*))?$/;
const ITEM = /^( *)-( +)(.*)$/;
/** Keys that are not texts, merge, or harm. */
const SPECIAL_KEYS = /^(?:null|true|false|__proto__)$/i;
const MAX_DEPTH = 50;

interface Line {
  readonly number: number;
  readonly indent: number;
  readonly text: string;
}

class SimpleReader {
  readonly #lines: readonly string[];
  readonly #end: number;
  #at: number;

  constructor(lines: readonly string[], from: number, end: number) {
    this.#lines = lines;
    this.#at = from;
    this.#end = end;
  }

  /** The next line with content, without taking it. */
  skipBlank(): Line | undefined {
    for (; this.#at < this.#end; this.#at += 1) {
      const text = this.#lines[this.#at] ?? '';
      const indent = indentOf(text);
      if (indent < text.length && text[indent] !== '#') return { number: this.#at, indent, text };
    }
    return undefined;
  }

  /** A map whose keys stand at `indent`. */
  readMap(indent: number, depth: number): Record<string, unknown> | Refused {
    const map: Record<string, unknown> = {};
    for (let line = this.skipBlank(); line !== undefined && line.indent >= indent; line = this.skipBlank()) {
      if (line.indent > indent) return REFUSED;
      const match = KEY.exec(line.text);
      if (match === null) return REFUSED;
      this.#at += 1;
      const value = this.#entry(map, match, indent, depth);
      if (value === REFUSED) return REFUSED;
    }
    return map;
  }

  #entry(map: Record<string, unknown>, match: RegExpExecArray, indent: number, depth: number): Refused | undefined {
    const [, , key = '', rest = ''] = match;
    if (SPECIAL_KEYS.test(key) || Object.hasOwn(map, key) || depth > MAX_DEPTH) return REFUSED;
    const value = this.#value(rest, indent, depth, true);
    if (value === REFUSED) return REFUSED;
    map[key] = value;
    return undefined;
  }

  /** What stands after `key:` or `-`; the owner's indent decides what belongs to it. */
  #value(rest: string, indent: number, depth: number, inMap: boolean): unknown {
    const text = stripComment(rest);
    if (text === '|' || text === '|-') return text === rest ? this.#block(indent, text === '|') : REFUSED;
    if (text !== '') {
      const value = text.startsWith('{') || text.startsWith('[') ? readFlow(text) : readPlain(text, false);
      // A deeper line would continue the text.
      const next = this.skipBlank();
      return next !== undefined && next.indent > indent ? REFUSED : value;
    }
    const next = this.skipBlank();
    if (next === undefined || next.indent < indent) return null;
    const isList = next.text[next.indent] === '-' && (next.text[next.indent + 1] === ' ' || next.text.length === next.indent + 1);
    // A list may stand at the indent of the key that holds it.
    if (next.indent === indent) return isList && inMap ? this.#list(indent, depth + 1) : null;
    return isList ? this.#list(next.indent, depth + 1) : this.readMap(next.indent, depth + 1);
  }

  #list(indent: number, depth: number): unknown[] | Refused {
    const list: unknown[] = [];
    for (let line = this.skipBlank(); line !== undefined && line.indent >= indent; line = this.skipBlank()) {
      const match = ITEM.exec(line.text);
      // After the list of a key at the same indent comes the next key.
      if (match === null && line.indent === indent && KEY.test(line.text)) return list;
      if (match === null || line.indent > indent) return REFUSED;
      const [, , gap = '', rest = ''] = match;
      const value = this.#item(indent + 1 + gap.length, rest, depth);
      if (value === REFUSED) return REFUSED;
      list.push(value);
    }
    return list;
  }

  #item(indent: number, rest: string, depth: number): unknown {
    if (depth > MAX_DEPTH || rest.startsWith('- ') || rest === '-' || rest.startsWith('#')) return REFUSED;
    this.#at += 1;
    const match = KEY.exec(rest);
    if (match === null) return rest === '' ? REFUSED : this.#value(rest, indent - 1, depth, false);
    const map: Record<string, unknown> = {};
    if (this.#entry(map, match, indent, depth + 1) === REFUSED) return REFUSED;
    const more = this.readMap(indent, depth + 1);
    if (more === REFUSED || Object.keys(more).some((key) => Object.hasOwn(map, key))) return REFUSED;
    return Object.assign(map, more);
  }

  /** The lines of a `|` block below a key at `indent`. */
  #block(indent: number, endsInNewline: boolean): string | Refused {
    const inner = indentOf(this.#lines[this.#at] ?? '');
    if (this.#at >= this.#end || inner <= indent || inner === (this.#lines[this.#at] ?? '').length) return REFUSED;
    const content: string[] = [];
    for (; this.#at < this.#end; this.#at += 1) {
      const text = this.#lines[this.#at] ?? '';
      const spaces = indentOf(text);
      const isBlank = spaces === text.length;
      if (isBlank && spaces > inner) return REFUSED;
      if (!isBlank && spaces < inner) {
        if (spaces > indent) return REFUSED;
        break;
      }
      content.push(isBlank ? '' : text.slice(inner));
    }
    while (content.at(-1) === '') content.pop();
    return content.join('\n') + (endsInNewline ? '\n' : '');
  }
}

function indentOf(text: string): number {
  let indent = 0;
  while (text.charCodeAt(indent) === 32) indent += 1;
  return indent;
}

/** A value without the comment after it; quoted texts keep their #. */
function stripComment(rest: string): string {
  if (!rest.includes('#')) return rest.trimEnd();
  if (rest.startsWith('#')) return '';
  const quote = rest[0];
  // In flow collections and after quotes a # may be part of a text: those with one are left to the library.
  if (quote === '"' || quote === "'" || quote === '{' || quote === '[') return `${rest}#`;
  const comment = rest.indexOf(' #');
  return (comment < 0 ? rest : rest.slice(0, comment)).trimEnd();
}
