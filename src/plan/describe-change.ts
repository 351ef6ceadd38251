import type { Because, Change } from '../model/plan.ts';
import { diffLines, type DiffLine } from './diff-lines.ts';
import { diffResource, type FieldChange } from './diff-resource.ts';

/** A field's difference in words. */
export interface FieldText {
  readonly label: string;
  readonly change: FieldChange['change'];
  /** On the label's line: `1  ->  2`, `added  {source: income}`. */
  readonly words?: string;
  /** Below it, for texts of several lines. */
  readonly lines?: readonly DiffLine[];
}

/** A change in words; what colours and layouts are put around. */
export interface ChangeText {
  readonly sign: '+' | '~' | '-';
  readonly name: string;
  readonly place: string;
  readonly fields: readonly FieldText[];
  readonly because: readonly string[];
  readonly notes: readonly string[];
}

const SIGNS = { create: '+', update: '~', delete: '-' } as const;
const MAX_VALUE_CHARACTERS = 120;

export function describeChange(change: Change): ChangeText {
  const fields = change.action === 'update' ? diffResource(change.before, change.after).fields.map(describeField) : [];
  return {
    sign: SIGNS[change.action],
    name: `${change.kind}/${change.name}`,
    place: `${change.source.file}:${change.source.line}`,
    fields,
    // That something new is not there yet goes without saying.
    because: change.because.filter(({ rule }) => rule !== 'not-applied').map(describeReason),
    notes: change.notes ?? [],
  };
}

function describeField({ label, change, before, after }: FieldChange): FieldText {
  if (change === 'added') return { label, change, ...textOrWords('added', '+', after) };
  if (change === 'removed') return { label, change, ...textOrWords('removed', '-', before) };
  if (change === 'moved') return { label, change, words: `moved from place ${Number(before) + 1} to ${Number(after) + 1}` };
  if (typeof before === 'string' && typeof after === 'string' && (needsLines(before) || needsLines(after))) {
    return { label, change, lines: diffLines(before, after) };
  }
  return { label, change, words: `${showValue(before)}  ->  ${showValue(after)}` };
}

function textOrWords(word: string, sign: '+' | '-', value: unknown): Pick<FieldText, 'words' | 'lines'> {
  if (typeof value !== 'string' || !needsLines(value)) return { words: `${word}  ${showValue(value)}` };
  return {
    words: word,
    lines: value
      .replace(/\n+$/, '')
      .split('\n')
      .map((text) => ({ sign, text })),
  };
}

/** Long ones, and what would have to be escaped on one line: PQL with texts in it is read as it was written. */
function needsLines(text: string): boolean {
  const trimmed = text.replace(/\n+$/, '');
  return /[\n"\\]/.test(trimmed) || trimmed.length > MAX_VALUE_CHARACTERS / 2;
}

function describeReason(because: Because): string {
  switch (because.rule) {
    case 'not-applied':
      return 'not applied yet';
    case 'edited':
      return `edited since it was applied (${because.appliedAt.slice(0, 10)}${because.commit === undefined ? '' : `, ${because.commit.slice(0, 7)}`})`;
    case 'secret-changed':
      return `the secret at ${because.path} has another value than when it was applied (${because.appliedAt.slice(0, 10)})`;
    case 'not-declared':
      return `no manifest declares it any more (applied ${because.appliedAt.slice(0, 10)}${because.commit === undefined ? '' : `, ${because.commit.slice(0, 7)}`})`;
    case 'destroy':
      return 'destroy removes everything that is applied';
    case 'rollback':
      return `rollback to serial ${because.serial}`;
  }
}

/** A value on one line, as YAML's flow style would have it, cut where it is long. */
function showValue(value: unknown): string {
  const text = flow(value);
  const characters = [...text];
  return characters.length > MAX_VALUE_CHARACTERS ? `${characters.slice(0, MAX_VALUE_CHARACTERS - 1).join('')}…` : text;
}

function flow(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (value !== null && typeof value === 'object') {
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    return `{${members.map(([key, member]) => `${/^[\w.-]+$/.test(key) ? key : JSON.stringify(key)}: ${flow(member)}`).join(', ')}}`;
  }
  if (typeof value === 'string') {
    const text = value.replace(/\n+$/, '');
    // Bare where YAML would read the same text back.
    return /^[A-Za-z_%][\w .%()<>=-]*$/.test(text) && !/^(true|false|null|yes|no|on|off)$/i.test(text) ? text : JSON.stringify(text);
  }
  return JSON.stringify(value);
}
