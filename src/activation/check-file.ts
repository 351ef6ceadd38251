import { effectiveLimit, type DestinationCard } from '../model/destination-card.ts';
import type { ActivationSpec, FileSpec, ScheduleSpec } from '../model/generated/kinds.ts';
import { DAY_MS, HOUR_MS } from '../model/instant.ts';
import { canonicalJson } from '../support/canonical-json.ts';
import type { EffectiveFile, EffectiveActivation, EffectiveSegment } from './effective.ts';
import type { ScheduleFactsLike } from './check-schedule.ts';
import { fileExtension, isStaticName, longestFileNameBytes, MAX_FILE_NAME_LENGTH, nameLastsMs } from './file-name.ts';
import { parseFileNameTemplate } from './file-name-template.ts';
import { pointerTo, type Report } from './finding.ts';

export interface FileCheck {
  readonly spec: ActivationSpec;
  readonly activation: EffectiveActivation;
  readonly segment: EffectiveSegment;
  readonly title: string | undefined;
  readonly card: DestinationCard | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;
  /** The destination encrypts. */
  readonly encrypted: boolean;
  readonly lintSchedule: (schedule: ScheduleSpec) => ScheduleFactsLike;
}

/** Name and format of one segment's files (contract section 6 "Files", activation-rules 2.5, 2.6, 10.4). */
export function checkFile(check: FileCheck, report: Report): void {
  checkFormat(check, report);
  const { name } = check.segment.file;
  const { problems } = parseFileNameTemplate(name);
  for (const { start, end, ...problem } of problems) report({ ...problem, ...namePlace(check), ...(isWritten(check) ? { range: { start, end } } : {}) });
  if (problems.length === 0) checkName(check, report);
}

function checkName(check: FileCheck, report: Report): void {
  const { activation, segment, title, card, details, encrypted } = check;
  const { name, format, compression } = segment.file;
  const types = new Set<string>(parseFileNameTemplate(name).parts.map(({ type }) => type));
  const place = namePlace(check);
  if (card?.file?.requiredNameTokens?.includes('DESTINATION') === true && !types.has('destination')) {
    report({
      code: 'RC1331',
      ...place,
      message: `file names for ${card.displayName} hold \`%DESTINATION%\`, and this one does not`,
      hint: `write %DESTINATION%_${name}`,
    });
  }
  const several = activation.segments.length > 1;
  if (!types.has('segment-id') && (several || card?.file?.requiredNameTokens?.includes('SEGMENT_ID') === true)) {
    const why = several
      ? 'an activation of several segments needs `%SEGMENT_ID%` in the file name'
      : `file names for ${card?.displayName} hold \`%SEGMENT_ID%\``;
    const isFixed = card?.file?.fixed?.name !== undefined;
    const hint = isFixed ? `${card?.displayName} fixes the name: give each segment an Activation of its own` : `write ${name}_%SEGMENT_ID%`;
    report({ code: 'RC1331', ...place, message: `${why}, and this one has none`, hint });
  }
  const longest = longestFileNameBytes({
    template: name,
    destination: activation.destination,
    segment: segment.name,
    segmentTitle: title,
    format,
    compression,
    encrypted,
  });
  const most = Math.min((card && effectiveLimit(card, 'fileNameCharacters', details)?.value) ?? MAX_FILE_NAME_LENGTH, MAX_FILE_NAME_LENGTH);
  if (longest > most) {
    const message = `the file names of \`${segment.name}\` are up to ${longest} bytes long with the number of a part; at most ${most} go`;
    report({ code: 'RC1333', ...place, message, hint: 'shorten the text, or write %SEGMENT_ID% instead of %SEGMENT_NAME%' });
  }
  const extension = fileExtension({ format, compression, encrypted });
  if (/\.(csv|json|ndjson|parquet|gz|zst)$/i.test(name)) {
    report({
      code: 'RC1332',
      severity: 'warning',
      ...place,
      message: `the extension \`${extension}\` comes by itself: the files are called \`…${name.slice(name.lastIndexOf('.'))}${extension}\``,
      hint: 'leave the extension out of `file.name`',
    });
  }
  const why = whyNamesRepeat(check);
  if (why === undefined) return;
  const message = `${why}: each export replaces ${segment.mode === 'incremental' ? 'the changes of the one before, read or not' : 'the one before'}`;
  report({ code: 'RC1336', severity: 'warning', ...place, message, hint: adviseOnName(check) });
}

/** What can be done about a name, by who has given it. */
function adviseOnName(check: FileCheck): string {
  const { fixed, defaults } = check.card?.file ?? {};
  if (fixed?.name !== undefined) return `${check.card?.displayName} fixes the name: each file must be read before the next slot`;
  if (isWritten(check) || defaults?.name === undefined) return 'add %DATETIME(YYYYMMdd_HHmmss)%, or keep it for an import that always reads one name';
  return `it is the name of ${check.card?.displayName}, for an import that always reads one: where there is none, write a \`file.name\` with %DATETIME(YYYYMMdd_HHmmss)%`;
}

/** Slots that follow each other have the same name. */
function whyNamesRepeat({ segment, lintSchedule }: FileCheck): string | undefined {
  const { file, schedule } = segment;
  if (isStaticName(file.name)) return 'the name holds no time';
  const lastsMs = nameLastsMs(file.name);
  const gapMs = lastsMs === 0 || schedule === undefined ? undefined : lintSchedule(schedule).leastGapMs;
  if (gapMs === undefined || gapMs >= lastsMs) return undefined;
  const apart = gapMs < DAY_MS ? `${gapMs / HOUR_MS} hours` : gapMs < 2 * DAY_MS ? 'a day' : `${Math.floor(gapMs / DAY_MS)} days`;
  return `slots that are ${apart} apart have the same name`;
}

function checkFormat(check: FileCheck, report: Report): void {
  const { segment, card, details } = check;
  const { format, compression, maxRows, csv } = segment.file;
  const formats = card?.file?.formats;
  if (formats !== undefined && !formats.includes(format)) {
    report({
      code: 'RC1335',
      ...placeOf(check, 'format'),
      message: `${card?.displayName} takes no ${format} files`,
      hint: `write \`format: ${formats.join('` or `')}\``,
    });
  }
  const compressions = card?.file?.compressions;
  if (compressions !== undefined && !compressions.includes(compression)) {
    report({
      code: 'RC1335',
      ...placeOf(check, 'compression'),
      message: `${card?.displayName} takes no files compressed by ${compression}`,
      hint: `write \`compression: ${compressions.join('` or `')}\``,
    });
  }
  const rows = card && effectiveLimit(card, 'rowsPerFile', details);
  if (rows !== undefined && maxRows > rows.value) {
    report({
      code: 'RC1335',
      severity: rows.level,
      ...placeOf(check, 'maxRows'),
      message: `a file of ${card?.displayName} has at most ${rows.value} rows`,
      hint: `write \`maxRows: ${rows.value}\` or leave it out`,
    });
  }
  checkFixed(check, report);
  for (const key of ['csv', 'json'] as const) {
    const said = segment.override.file?.[key] ?? check.spec.file?.[key];
    if (said === undefined || key === format || Object.keys(said).length === 0) continue;
    // For all segments, and another one has files that it is for.
    if (segment.override.file?.[key] === undefined && check.activation.segments.some(({ file }) => file.format === key)) continue;
    report({
      code: 'RC1338',
      severity: 'warning',
      ...placeOf(check, key),
      part: 'key',
      message: `\`${key}\` says nothing about files of the format ${format}`,
      hint: `remove it, or write \`format: ${key}\``,
    });
  }
  if (format !== 'csv') return;
  if (csv.delimiter !== '' && (csv.delimiter === csv.quote || csv.delimiter === csv.escape)) {
    report({
      code: 'RC1339',
      ...placeOf(check, 'csv'),
      message: `the delimiter \`${csv.delimiter}\` is the ${csv.delimiter === csv.quote ? 'quote' : 'escape'} as well: nobody could read the file back`,
      hint: 'choose another',
    });
  }
  const unreadable = csv.quote === '' ? [csv.delimiter, '\n', '\r'] : csv.escape === '' ? [csv.quote] : [];
  const column = csv.header ? check.activation.mapping.find(({ target }) => holds(target, unreadable)) : undefined;
  if (column !== undefined) {
    report({
      code: 'RC1339',
      ...placeOf(check, 'csv'),
      message: `the column \`${column.target}\` holds the ${csv.quote === '' ? 'delimiter or a line break' : 'quote'}, and is written as it is: nobody could read the header back`,
      hint: 'give it another `target`, or let values be quoted and quotes be escaped',
    });
  }
  for (const key of ['nullValue', 'emptyValue'] as const) {
    const text = csv[key];
    if (text === undefined || isOneValue(text, csv)) continue;
    report({
      code: 'RC1339',
      ...placeOf(check, 'csv'),
      message: `\`${key}\` ${JSON.stringify(text)} holds the delimiter, the quote or a line break, or ends with the escape, and is written as it is: nobody could read the file back`,
      hint: 'write a text without them, or one that stands in quotes as a whole',
    });
  }
}

/** A text that a reader takes for one value, as it stands: plain, or in quotes from its first to its last character. */
function isOneValue(text: string, { delimiter, quote, escape }: EffectiveFile['csv']): boolean {
  // Read together with what follows it.
  if (escape !== '' && escape !== quote && text.endsWith(escape)) return false;
  if (!holds(text, [delimiter, quote, '\n', '\r'])) return true;
  return quote !== '' && text.length >= 2 && text.startsWith(quote) && text.endsWith(quote) && !holds(text.slice(1, -1), [quote, '\n', '\r']);
}

/** What the card fixes and a manifest says otherwise. */
function checkFixed(check: FileCheck, report: Report): void {
  const fixed = check.card?.file?.fixed;
  if (fixed === undefined) return;
  const said: FileSpec = { ...check.spec.file, ...check.segment.override.file };
  for (const [key, value] of Object.entries(fixed) as [keyof FileSpec, unknown][]) {
    const own = said[key];
    if (own === undefined || agrees(own, value)) continue;
    report({
      code: 'RC1337',
      ...placeOf(check, key),
      message: `${check.card?.displayName} fixes \`${key}\``,
      hint: `leave it out; it is ${canonicalJson(value)}`,
    });
  }
}

/** Equal, or a map that says nothing else than the fixed one. */
export function agrees(own: unknown, fixed: unknown): boolean {
  if (typeof own !== 'object' || own === null || typeof fixed !== 'object' || fixed === null) return own === fixed;
  return Object.entries(own).every(([key, value]) => !(key in fixed) || agrees(value, (fixed as Record<string, unknown>)[key]));
}

function namePlace(check: FileCheck): { readonly pointer: string; readonly part?: 'key' } {
  return placeOf(check, 'name');
}

function isWritten({ spec, segment }: FileCheck): boolean {
  return segment.override.file?.name !== undefined || spec.file?.name !== undefined;
}

/** Where a key of `file` is said for this segment; the segment itself when it is nowhere. */
function placeOf({ spec, segment }: FileCheck, key: keyof FileSpec): { readonly pointer: string; readonly part?: 'key' } {
  if (segment.override.file?.[key] !== undefined) return { pointer: pointerTo('spec', 'segments', segment.index, 'file', key) };
  if (spec.file?.[key] !== undefined) return { pointer: pointerTo('spec', 'file', key) };
  return spec.file === undefined ? { pointer: pointerTo('spec', 'segments', segment.index) } : { pointer: '/spec/file', part: 'key' };
}

function holds(text: string, parts: readonly string[]): boolean {
  return parts.some((part) => part !== '' && text.includes(part));
}
