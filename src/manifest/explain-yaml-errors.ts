import type { YAMLError } from 'yaml';
import type { YamlProblem } from './parse-yaml.ts';

/** `${var.X}` as it stands in a text. */
const VARIABLE = /\$\{var\.[^}\n]*\}?/g;

/**
 * The YAML library's errors in this project's words. A cause is told once: what follows from an unquoted `${var.X}` in flow style, or from the
 * same character, is left out.
 */
export function explainYamlErrors(errors: readonly YAMLError[], text: string): YamlProblem[] {
  const conflict = findConflict(text);
  if (conflict !== undefined) return [conflict];
  const variables = findUnquotedVariables(errors, text);
  const firstVariable = variables[0]?.start ?? Infinity;
  const seen = new Set<number>();
  const rest: YamlProblem[] = [];
  for (const error of errors) {
    const [start] = error.pos;
    if (start >= firstVariable || seen.has(start)) continue;
    seen.add(start);
    rest.push(explain(error, text));
  }
  return [...variables, ...rest];
}

/** What git leaves where two branches changed the same lines: all else that is wrong follows from it. */
function findConflict(text: string): YamlProblem | undefined {
  const mark = /^<{7}(?: .*)?$/m.exec(text);
  if (mark === null || !/^>{7}(?: .*)?$/m.test(text)) return undefined;
  const at = { start: mark.index, end: mark.index + mark[0].length };
  return { code: 'RC1003', ...at, message: 'a merge was left half done here', hint: 'keep one side and remove the lines of <, = and >' };
}

function findUnquotedVariables(errors: readonly YAMLError[], text: string): YamlProblem[] {
  const problems: YamlProblem[] = [];
  for (const match of text.matchAll(VARIABLE)) {
    const start = match.index;
    const end = start + match[0].length;
    if (/["']/.test(text[start - 1] ?? '') || !errors.some(({ pos: [at] }) => at >= start && at <= end + 1)) continue;
    problems.push({
      code: 'RC1402',
      message: `\`${match[0]}\` must be quoted inside { } and [ ]`,
      start,
      end,
      label: 'YAML reads the brace as a map',
      hint: `write "${match[0]}"`,
    });
  }
  return problems;
}

function explain(error: YAMLError, text: string): YamlProblem {
  const { message } = error;
  // What is missing at the end is shown after the last character, not on an empty line below.
  const start = Math.max(0, Math.min(error.pos[0], text.trimEnd().length - 1));
  const end = Math.max(error.pos[1], start + 1);
  const found = { code: 'RC1003', start, end };
  switch (error.code) {
    case 'TAB_AS_INDENT':
      return { ...found, message: 'a tab indents this line', hint: 'YAML is indented with spaces' };
    case 'TAG_RESOLVE_FAILED':
      return { ...found, code: 'RC1008', message: `tag \`${text.slice(start, end)}\` is not supported`, hint: 'remove it, or quote the text' };
    case 'BAD_ALIAS':
      return { ...found, code: 'RC1008', message: lowerFirst(message), hint: 'quote a text that begins with * or &' };
    case 'BAD_DQ_ESCAPE':
      return {
        ...found,
        message: `\`${text.slice(start, start + 2)}\` is no escape of a double-quoted text`,
        hint: "write \\\\ for a backslash, or use single quotes: '…'",
      };
    case 'RESOURCE_EXHAUSTION':
      return { ...found, code: 'RC1007', message: 'values are nested too deeply' };
    case 'BAD_SCALAR_START':
      return { ...found, message: `a plain text cannot begin with \`${text[start] ?? ''}\``, hint: 'put the text in quotes' };
    case 'KEY_OVER_1024_CHARS':
      return { ...found, message: 'a key must be shorter than 1024 characters' };
    case 'MULTILINE_IMPLICIT_KEY':
      return { ...found, message: 'a key must stand on one line with its colon', hint: 'is a `:` missing after the key, or a quote at the end of a text?' };
    case 'BLOCK_AS_IMPLICIT_KEY':
      return explainDeeperLine(text, start) ?? { ...found, message: 'a map cannot begin inside this line', hint: 'put a text that holds `: ` in quotes' };
    case 'BLOCK_IN_FLOW':
      return { ...found, message: 'a text inside { } and [ ] holds `: `', hint: 'put it in quotes' };
    case 'UNEXPECTED_TOKEN':
      if (message.startsWith('Unexpected scalar at node end') && /["']\s*$/.test(text.slice(Math.max(0, start - 3), start))) return explainEndedQuote(found);
      return { ...found, message: explainMissing(message) };
    case 'BAD_INDENT':
      if (/ and end with a /.test(message)) return { ...found, message: explainMissing(message) };
      return { ...found, message: lowerFirst(message), hint: 'indent it like its neighbours, with spaces' };
    default:
      return { ...found, message: explainMissing(message) };
  }
}

/** `pql: "tier" = "vip"`: the text is over with its second quote. */
function explainEndedQuote(found: Pick<YamlProblem, 'code' | 'start' | 'end'>): YamlProblem {
  return {
    ...found,
    message: 'the text ends with the quote before this',
    hint: 'put the whole text in the other kind of quotes (\'…\' around "…"), or write it on lines of its own behind `|`',
  };
}

/** A key that stands deeper than the value before it allows. The library complains of that value, where nothing is wrong. */
function explainDeeperLine(text: string, start: number): YamlProblem | undefined {
  const lineStart = text.lastIndexOf('\n', start) + 1;
  const [above = '', ...below] = text.slice(lineStart).split('\n');
  let at = lineStart + above.length + 1;
  for (const line of below) {
    const [, indent = '', key] = /^( *)([^\s#][^:]*:)(?:\s|$)/.exec(line) ?? [];
    if (key !== undefined) {
      const wanted = /^ */.exec(above)?.[0].length ?? 0;
      if (indent.length <= wanted) return undefined;
      const message = `this line stands deeper than line ${text.slice(0, lineStart).split('\n').length}, which has a value already`;
      const hint = `indent both alike, with ${wanted} spaces; or put a text that goes on in quotes`;
      return { code: 'RC1003', start: at + indent.length, end: at + indent.length + key.length - 1, message, hint };
    }
    if (line.trim() !== '') return undefined;
    at += line.length + 1;
  }
  return undefined;
}

function explainMissing(message: string): string {
  if (message.startsWith('Implicit map keys need')) return 'a key needs a `:` and a value after it';
  if (message.startsWith('Missing closing')) return `the closing ${message.includes('"') ? '"' : "'"} is missing`;
  if (/ must be sufficiently indented and end with a /.test(message))
    return `a \`${message.startsWith('Flow map') ? '{' : '['}\` is not closed, or its lines are not indented`;
  if (/must end with a/.test(message)) return `the closing \`${message.at(-1) ?? ''}\` is missing`;
  return lowerFirst(message);
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
