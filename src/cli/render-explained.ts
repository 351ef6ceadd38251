import type { ExplainedDelivery, ExplainedMember } from '../export/explain-member.ts';
import type { Instant } from '../model/instant.ts';
import type { ResourceKey } from '../model/resource.ts';
import { formatMinute } from '../plan/plan-view.ts';
import type { ExplainedNode, LackingStep } from '../segment/evaluate/explain-tree.ts';
import { displayWidth } from '../support/display-width.ts';
import type { RulePlace, RulePlaces } from './rule-places.ts';

const MOST_TEXT = 64;
/** Of that, the end of a text that is cut. */
const END_TEXT = 20;
const MOST_VALUES = 4;
/** Parts of one `and` or `or`. */
const MOST_PARTS = 20;

interface Line {
  readonly text: string;
  readonly value: string;
  readonly place: RulePlace | undefined;
}

/** One person and one segment: the verdict, the rule part by part, and what becomes of it in the files. `activation` undefined: the segment alone. */
export function renderExplained(member: string, activation: string | undefined, explained: ExplainedMember, places: RulePlaces): string {
  const { segment, trees, delivery } = explained;
  const root = trees.get(segment);
  const lines = root === undefined ? [] : linesOf(root, segment, trees, places, 1);
  if (delivery?.excluded !== undefined) {
    const { message, rule } = delivery.excluded;
    lines.push({ text: `excluded from the file: ${message}`, value: '', place: rule === undefined ? undefined : places.find(rule.key, rule.pointer) });
  }
  return [describeVerdict(member, explained), ...layOut(lines), ...(activation === undefined ? [] : describeNext(explained))].map(clean).join('\n');
}

function describeVerdict(member: string, { segment, known, isMember, delivery }: ExplainedMember): string {
  const since = delivery?.since === undefined ? '' : ` since slot ${formatMinute(delivery.since)}`;
  if (isMember) return `in ${segment}${since}${filesOf(delivery)}`;
  const why = known ? '' : `: the source has no profile \`${member}\``;
  if (delivery?.delivered !== true) return `not in ${segment}${why}`;
  return `no longer in ${segment}${why}; was in it${since}${filesOf(delivery)}`;
}

function filesOf(delivery: ExplainedMember['delivery']): string {
  if (delivery === undefined || delivery.files.length === 0) return '';
  const [first = ''] = delivery.files;
  const more = delivery.files.length - 1;
  return ` (file ${first}${more === 0 ? '' : ` or one of its ${more} other parts`}${delivery.orLater ? ', or a later one' : ''})`;
}

/** What the next file does, where the lines above do not say it. */
function describeNext({ isMember, delivery }: ExplainedMember): readonly string[] {
  if (delivery === undefined) return [];
  const unsettled = describeUnsettled(delivery.unsettled);
  if (unsettled !== undefined) return [`${unsettled} ${describeSettling(isMember, delivery)}`];
  if (delivery.keyStays) return ['no file says that they left: another member, or another who left, has the same key'];
  if (delivery.exits)
    return [delivery.refused ? 'the destination refused the row that says that they left: the next file has it again' : 'the next file says that they left'];
  if (isMember && delivery.refused && delivery.excluded === undefined) return ['the destination refused them: the next file of a slot has them again'];
  return isMember && !delivery.delivered && delivery.excluded === undefined ? ['in no file of a slot yet: the next one has them'] : [];
}

/** The slots whose files nobody knows to have been read. */
function describeUnsettled(slots: readonly Instant[]): string | undefined {
  const [first, last] = [slots[0], slots.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const whose = slots.length === 1 ? `slot ${formatMinute(first)}` : `${slots.length} slots from ${formatMinute(first)} to ${formatMinute(last)}`;
  return `${whose} did not succeed and left files that may tell of them:`;
}

function describeSettling(isMember: boolean, { exits, keyStays, excluded }: ExplainedDelivery): string {
  if (exits) return 'the next file says that they left';
  if (isMember && excluded === undefined) return 'the next file has them again';
  return keyStays ? 'no file says that they left, another has the same key' : 'no later file does';
}

function linesOf(node: ExplainedNode, segment: string, trees: ExplainedMember['trees'], places: RulePlaces, depth: number): Line[] {
  const key: ResourceKey = `Segment/${segment}`;
  const parts = partsBelow(node);
  const behind = node.segment === undefined ? undefined : trees.get(node.segment);
  const truth = !node.isCondition ? '' : node.truth === undefined ? 'unknown' : String(node.truth);
  const label = node.kind === 'and' || node.kind === 'or' || node.kind === 'not' ? node.kind : cut(node.text);
  const line: Line = {
    text: `  ${truth.padEnd(7)}${'  '.repeat(depth)}${label}`,
    value: describeValue(node, parts),
    place: places.find(key, '/spec/pql', node),
  };
  const { telling, others } = choose(node, parts);
  const below = behind === undefined ? telling.flatMap((part) => linesOf(part, segment, trees, places, depth + 1)) : [];
  if (behind === undefined && others > 0) below.push({ text: `${' '.repeat(9)}${'  '.repeat(depth + 1)}… ${others} more`, value: '', place: undefined });
  const named = behind === undefined || node.segment === undefined ? [] : linesOf(behind, node.segment, trees, places, depth + 1);
  return [line, ...below, ...named];
}

/** Of many parts those that decide, where there are any, and the first of the rest: a list of a hundred names is not told in a hundred lines. */
function choose({ kind }: ExplainedNode, parts: readonly ExplainedNode[]): { readonly telling: readonly ExplainedNode[]; readonly others: number } {
  if (parts.length <= MOST_PARTS || (kind !== 'and' && kind !== 'or')) return { telling: parts, others: 0 };
  const deciding = parts.filter(({ truth }) => truth === (kind === 'or'));
  const chosen = new Set([...deciding, ...parts].slice(0, MOST_PARTS));
  return { telling: parts.filter((part) => chosen.has(part)), others: parts.length - chosen.size };
}

/** The nearest conditions below a node, and the sums and counts that conditions decide; other values between are looked through. */
function partsBelow(node: ExplainedNode): readonly ExplainedNode[] {
  return node.children.flatMap((child) => {
    if (child.isCondition && (!isBareValue(child) || DECIDING.has(node.kind))) return [child];
    const parts = partsBelow(child);
    return child.kind === 'aggregate' && child.items === undefined && parts.length > 0 ? [child] : parts;
  });
}

function describeValue(node: ExplainedNode, parts: readonly ExplainedNode[]): string {
  if (node.items !== undefined) return `true of ${node.items.held} in ${node.items.asked}`;
  if (!node.isCondition) return node.value;
  if (node.lacking !== undefined && (node.lacking.fitting > 0 || node.events === undefined)) return describeLacking(node.lacking);
  if (node.events !== undefined) return describeEvents(node.events);
  return valuesOf(node, parts);
}

/** `step B: 1 event fits, none later than step A (2026-11-19)`. */
export function describeLacking({ step, needed, fitting, later, previous }: LackingStep): string {
  const found = `step ${step}: ${fitting === 0 ? 'no event fits' : fitting === 1 ? '1 event fits' : `${fitting} events fit`}`;
  if (fitting < needed || previous === undefined) return `${found}${needed > 1 ? `, ${needed} are needed` : ''}`;
  return `${found}, ${later === 0 ? 'none' : `${later} of the ${needed} needed`} later than step ${previous.step} (${previous.after})`;
}

/** `1 event: 2026-11-19 purchase`. */
function describeEvents({ fitting, of, first }: NonNullable<ExplainedNode['events']>): string {
  if (fitting === 0) return of === 0 ? 'no events' : `no event of ${of}`;
  const more = fitting > first.length ? `, … ${fitting - first.length} more` : '';
  return `${fitting} ${fitting === 1 ? 'event' : 'events'}: ${first.join(', ')}${more}`;
}

/** Below these a truth decides. */
const DECIDING: ReadonlySet<ExplainedNode['kind']> = new Set(['and', 'or', 'not', 'let', 'if', 'filter', 'quantifier', 'chain']);

/** A truth that is read, not decided: elsewhere it is shown as its owner's value. */
function isBareValue({ kind }: ExplainedNode): boolean {
  return kind === 'field' || kind === 'member' || kind === 'variable';
}

/** The values that a condition looked at, those that are not plain from the text and stand in no line of their own. */
function valuesOf(node: ExplainedNode, parts: readonly ExplainedNode[]): string {
  const values = node.children.filter((child) => child.items === undefined && !parts.includes(child)).map(({ text, value }) => ({ text: cut(text), value }));
  const [only] = values;
  if (only !== undefined && values.length === 1) return only.value;
  const shown = values.slice(0, MOST_VALUES).map(({ text, value }) => `${text}: ${value}`);
  return shown.join('   ');
}

function layOut(lines: readonly Line[]): readonly string[] {
  const width = (pick: (line: Line) => string): number => Math.max(0, ...lines.map((line) => displayWidth(pick(line))));
  const [textWidth, valueWidth] = [width(({ text }) => text), width(({ value }) => value)];
  let last = '';
  return lines.map(({ text, value, place }) => {
    const at = place === undefined ? '' : `${place.file}:${place.line}`;
    // A line of the manifest is named once for all the parts that stand on it.
    const told = at === last ? '' : at;
    last = at === '' ? last : at;
    return `${pad(text, textWidth)}   ${pad(value, valueWidth)}${valueWidth === 0 ? '' : '   '}${told}`.trimEnd();
  });
}

function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - displayWidth(text)));
}

function cut(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  const characters = [...line];
  // The end matters as much as the beginning: there stands what a sum is compared with.
  return characters.length > MOST_TEXT ? `${characters.slice(0, MOST_TEXT - END_TEXT - 3).join('')} … ${characters.slice(-END_TEXT).join('')}` : line;
}

/** Control characters could move a terminal's cursor: they are shown as a dot. */
function clean(line: string): string {
  // oxlint-disable-next-line no-control-regex
  return line.replaceAll(/[\u0000-\u001F\u007F-\u009F]/g, '·');
}
