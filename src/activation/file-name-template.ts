import { nearest } from '../support/nearest.ts';
import { own } from '../support/own.ts';

/** A piece of a DATETIME format: letters that stand for digits, or text. */
export type DatetimePiece = { readonly letters: string } | { readonly text: string };

/** A piece of a template; `text` is how it is written there. */
export type NamePart =
  | { readonly type: 'text' | 'destination' | 'segment-id' | 'segment-name' | 'timestamp'; readonly text: string }
  | { readonly type: 'datetime'; readonly text: string; readonly format: readonly DatetimePiece[] };

/** Something wrong with a template; `start` and `end` are UTF-16 offsets in it. */
export interface TemplateProblem {
  readonly code: string;
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly hint?: string;
  readonly start: number;
  readonly end: number;
}

export interface FileNameTemplate {
  readonly parts: readonly NamePart[];
  /** Errors only; parts are then incomplete. */
  readonly problems: readonly TemplateProblem[];
}

const TOKENS: Readonly<Record<string, Exclude<NamePart['type'], 'text'>>> = {
  DESTINATION: 'destination',
  DESTINATION_NAME: 'destination',
  SEGMENT_ID: 'segment-id',
  SEGMENT_NAME: 'segment-name',
  DATETIME: 'datetime',
  TIMESTAMP: 'timestamp',
};
/** Macros of the field that have nothing to stand for here (activation-rules 2.5). */
const FOREIGN_TOKENS: Readonly<Record<string, string>> = {
  DESTINATION_INSTANCE_ID: 'write %DESTINATION%: a Destination manifest is the instance',
  DESTINATION_INSTANCE_NAME: 'write %DESTINATION%: a Destination manifest is the instance',
  ORGANIZATION_NAME: 'write the name itself',
  SANDBOX_NAME: 'write the name itself, or ${var.NAME} with one value per environment',
  CUSTOM_TEXT: 'write the text itself',
};
const TOKEN = /%([A-Za-z][A-Za-z0-9_]*)(?:\(([^()%]*)\))?%/y;
const LETTERS = /YYYY|MM|dd|DD|HH|mm|ss/y;
const LETTER_HINTS: Readonly<Record<string, string>> = {
  y: 'YYYY is the year',
  Y: 'YYYY is the year',
  h: 'HH is the hour, 00 to 23',
  S: 'ss is the second',
  D: 'DD or dd is the day',
};
const DEFAULT_DATETIME = '%DATETIME(YYYYMMdd_HHmmss)%';

const cache = new Map<string, FileNameTemplate>();
const MAX_CACHED = 1000;

/** Splits `file.name` into tokens and text (contract section 6, "Files"). Pure; remembers what it has read, since most activations share one template. */
export function parseFileNameTemplate(template: string): FileNameTemplate {
  const known = cache.get(template);
  if (known !== undefined) return known;
  const parsed = parse(template);
  if (cache.size >= MAX_CACHED) cache.clear();
  cache.set(template, parsed);
  return parsed;
}

function parse(template: string): FileNameTemplate {
  const parts: NamePart[] = [];
  const problems: TemplateProblem[] = [];
  const fail = (start: number, end: number, message: string, hint?: string): void =>
    void problems.push({ code: 'RC1330', severity: 'error', message, start, end, ...(hint === undefined ? {} : { hint }) });
  let at = 0;
  while (at < template.length) {
    const percent = template.indexOf('%', at);
    const end = percent === -1 ? template.length : percent;
    if (end > at) parts.push({ type: 'text', text: template.slice(at, end) });
    if (percent === -1) break;
    TOKEN.lastIndex = percent;
    const match = TOKEN.exec(template);
    if (match === null) {
      fail(percent, percent + 1, 'a `%` that belongs to no token', `tokens look like %SEGMENT_ID% and ${DEFAULT_DATETIME}; a name cannot hold the sign itself`);
      at = percent + 1;
      continue;
    }
    readToken(match[0], match[1] ?? '', match[2], percent, parts, fail);
    at = percent + match[0].length;
  }
  checkTimes(parts, template, fail);
  checkText(parts, template, fail);
  return { parts, problems };
}

type Fail = (start: number, end: number, message: string, hint?: string) => void;

function readToken(text: string, name: string, argument: string | undefined, start: number, parts: NamePart[], fail: Fail): void {
  const end = start + text.length;
  const type = own(TOKENS, name);
  if (type === undefined) {
    const near = nearest(name, Object.keys(TOKENS));
    const foreign = own(FOREIGN_TOKENS, name);
    const like = near === 'DATETIME' ? DEFAULT_DATETIME : `%${near}%`;
    return fail(
      start,
      end,
      `unknown token \`${text}\``,
      foreign ?? (near === undefined ? 'tokens: %DESTINATION%, %SEGMENT_ID%, %SEGMENT_NAME%, %DATETIME(…)%, %TIMESTAMP%' : `did you mean \`${like}\`?`),
    );
  }
  if (type === 'datetime') {
    if (argument === undefined || argument === '') return fail(start, end, '`%DATETIME%` does not say how the time is written', `write ${DEFAULT_DATETIME}`);
    const format = readFormat(argument, start + text.indexOf('(') + 1, fail);
    parts.push({ type, text, format });
    return;
  }
  if (argument !== undefined) return fail(start, end, `\`%${name}%\` takes nothing in brackets`, `write %${name}%`);
  if (parts.some((part) => part.type === type && type !== 'timestamp')) fail(start, end, `\`%${name}%\` stands twice`, 'remove one: each token stands once');
  parts.push({ type, text });
}

function readFormat(format: string, offset: number, fail: Fail): readonly DatetimePiece[] {
  const pieces: DatetimePiece[] = [];
  let at = 0;
  while (at < format.length) {
    LETTERS.lastIndex = at;
    const letters = LETTERS.exec(format)?.[0];
    if (letters !== undefined) {
      pieces.push({ letters });
      at += letters.length;
      continue;
    }
    const character = format.charAt(at);
    if (/[A-Za-z]/.test(character)) {
      const hint = LETTER_HINTS[character];
      fail(
        offset + at,
        offset + at + 1,
        `\`${character}\` is no letter of a time`,
        `letters: YYYY MM dd (or DD) HH mm ss${hint === undefined ? '' : `; ${hint}`}`,
      );
      return pieces;
    }
    pieces.push({ text: character });
    at += 1;
  }
  return pieces;
}

/** DATETIME and TIMESTAMP exclude each other, and each stands once (activation-rules 2.5). */
function checkTimes(parts: readonly NamePart[], template: string, fail: Fail): void {
  const times = parts.filter(({ type }) => type === 'datetime' || type === 'timestamp');
  const second = times[1];
  if (second === undefined) return;
  const start = template.lastIndexOf(second.text);
  const both =
    times[0]?.type === second.type
      ? `\`${second.type === 'datetime' ? '%DATETIME(…)%' : '%TIMESTAMP%'}\` stands twice`
      : '`%DATETIME(…)%` and `%TIMESTAMP%` exclude each other';
  fail(start, start + second.text.length, both, 'keep one of them');
}

function checkText(parts: readonly NamePart[], template: string, fail: Fail): void {
  let at = 0;
  for (const part of parts) {
    // Where a token was refused nothing stands in `parts`: look the text up from here on.
    const start = template.indexOf(part.text, at);
    at = start + part.text.length;
    const bad = part.type === 'text' ? UNSAFE.exec(part.text) : part.type === 'datetime' ? UNSAFE.exec(part.text.replace(/^%DATETIME\(|\)%$/g, '')) : null;
    if (bad === null) continue;
    const separator = bad[0] === '/' || bad[0] === '\\';
    const from = start + part.text.indexOf(bad[0]);
    fail(
      from,
      from + bad[0].length,
      `a file name cannot hold ${nameOf(bad[0])}`,
      separator
        ? 'folders belong into the destination’s `storage.path`, which may end in %SEGMENT_ID% or %SEGMENT_NAME%'
        : 'use letters, digits, `-`, `_` and `.`',
    );
  }
  const first = parts[0];
  if (template.trim() === '') fail(0, template.length, 'a file name cannot be empty', `the default is %DESTINATION%_%SEGMENT_ID%_${DEFAULT_DATETIME}`);
  else if (first?.type === 'text' && /^[.~\s-]/.test(first.text)) {
    fail(0, 1, `a file name cannot begin with ${nameOf(first.text.charAt(0))}`, 'such names are hidden, temporary or read as options by other tools');
  } else if (/\s$/.test(template)) fail(template.length - 1, template.length, 'a file name cannot end in white space', 'remove it');
}

/** Letters and digits of any script, and what no common file system, shell or object store trips over. */
const UNSAFE = /[^\p{L}\p{M}\p{N} ._!'()+=@,~^$[\]-]/u;

function nameOf(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || /\s/.test(character)
    ? `the character U+${code.toString(16).toUpperCase().padStart(4, '0')}`
    : `\`${character}\``;
}
