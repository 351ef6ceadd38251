import type { CatalogueEntry } from '../destination/catalogue.ts';
import type { DestinationCard } from '../model/destination-card.ts';
import type { DetailSchema } from '../model/generated/kinds.ts';
import { storageExample } from '../manifest/storage-example.ts';
import { renderTable } from './render-table.ts';

/** One line per type, by category. */
export function renderCatalogue(entries: readonly CatalogueEntry[]): string {
  const sorted = entries.toSorted((a, b) => (a.card.category < b.card.category ? -1 : a.card.category > b.card.category ? 1 : a.type < b.type ? -1 : 1));
  return renderTable(
    sorted.map(({ type, card, origin, path }) => ({
      TYPE: type,
      NAME: card.displayName,
      CATEGORY: card.category,
      STORAGE: card.storage.kinds.join(' '),
      FROM: origin === 'built-in' ? '' : path,
    })),
  );
}

/** Everything a card says, how its storages are written, and an example to copy, which is last. */
export function renderCard({ card, origin, path }: CatalogueEntry): string {
  const blocks = [
    [`${card.type}   ${card.displayName}`, card.description, card.documentation, origin === 'built-in' ? undefined : `from ${path}`]
      .filter((line) => line !== undefined)
      .join('\n'),
    section('details', describeDetails(card)),
    section('rules', describeRules(card)),
    section('storages', describeStorages(card)),
    ...(card.setup === undefined ? [] : [section('on the other side', card.setup.trimEnd())]),
    section('example', card.example.trimEnd()),
  ];
  return blocks.filter((block) => block !== '').join('\n\n');
}

function section(title: string, text: string): string {
  if (text === '') return '';
  const lines = text.split('\n').map((line) => (line === '' ? '' : `  ${line.startsWith('  ') && title === 'on the other side' ? line.slice(2) : line}`));
  return `${title}\n${lines.join('\n')}`;
}

function describeDetails({ details }: DestinationCard): string {
  const rows = Object.entries(details?.properties ?? {}).map(([key, detail]) => ({
    KEY: key,
    TYPE: describeType(detail),
    '': details?.required?.includes(key) === true ? 'required' : detail.default === undefined ? '' : `default ${JSON.stringify(detail.default)}`,
    MEANING: describeMeaning(detail),
  }));
  return rows.length === 0 ? '' : renderTable(rows);
}

function describeMeaning({ description, pattern, patternMessage, examples = [] }: DetailSchema): string {
  const form = patternMessage ?? (pattern === undefined ? undefined : `like ${pattern}`);
  const more = [...(form === undefined ? [] : [form]), ...(examples.length === 0 ? [] : [`such as ${examples.map(flow).join(', ')}`])];
  return [...(description === undefined ? [] : [description]), ...(more.length === 0 ? [] : [`(${more.join('; ')})`])].join(' ');
}

function describeType({ type, secret, enum: allowed, minimum, maximum }: DetailSchema): string {
  if (secret === true) return 'secret';
  if (allowed !== undefined) return allowed.join(' | ');
  const bounds = minimum === undefined && maximum === undefined ? '' : ` ${minimum ?? ''}…${maximum ?? ''}`;
  return `${type ?? ''}${bounds}`;
}

const LIMIT_TEXTS: Readonly<Record<string, string>> = {
  segmentsPerDestination: 'segments per destination',
  segmentsPerInstance: 'segments per instance',
  fieldsPerSegment: 'fields',
  minIntervalHours: 'hours between exports, at least',
  fileNameCharacters: 'characters of a file’s name',
  fileBytes: 'bytes of a file',
  rowsPerFile: 'rows of a file, then it is split',
  retentionDays: 'days that files are kept there',
};

type Rule = readonly [string, string | undefined];

function describeRules(card: DestinationCard): string {
  const { exports: modes, storage, connection, import: imported } = card;
  const lines: readonly Rule[] = [
    ['storage', storage.kinds.join(', ') + (storage.default === undefined ? '' : `; where none is named: ${flow(storage.default)}`)],
    ['connection', connection === undefined ? undefined : connection.required === true ? 'required' : 'optional'],
    ['log in by', connection?.auth === undefined ? undefined : connection.auth.join(', ') + (connection.authRequired === true ? ' (required)' : '')],
    ['import', imported === undefined ? undefined : `optional${imported.description === undefined ? '' : `: ${imported.description}`}`],
    ['full', modes === undefined ? 'any schedule' : (modes.full?.join(', ') ?? 'not allowed')],
    ['incremental', modes === undefined ? 'any schedule' : (modes.incremental?.join(', ') ?? 'not allowed')],
    ...fileRules(card),
    ...mappingRules(card),
    ['for', card.marketingActions?.join(', ')],
    ...limitRules(card),
  ];
  return lines
    .filter((line): line is readonly [string, string] => line[1] !== undefined && line[1] !== '')
    .map(([name, text]) => `${name.padEnd(15)}${text}`)
    .join('\n');
}

function fileRules({ file }: DestinationCard): readonly Rule[] {
  return [
    ['formats', file?.formats?.join(', ')],
    ['compressions', file?.compressions?.join(', ')],
    ['file, always', file?.fixed === undefined ? undefined : flow(file.fixed)],
    ['file, else', file?.defaults === undefined ? undefined : `${flow(file.defaults)}   where the Activation does not say`],
    ['encryption', file?.encryption === false ? 'not taken' : undefined],
    ['file names', file?.requiredNameTokens?.map((token) => `must hold %${token}%`).join(', ')],
    ['values', file?.lineBreaksInValues === 'space' ? 'line breaks become spaces' : undefined],
  ];
}

function mappingRules({ mapping }: DestinationCard): readonly Rule[] {
  const { identity, keyAttributes, nested, targetPattern, targetPatternMessage, statusColumn } = mapping ?? {};
  return [
    ['identity', identity?.required === true ? 'one must be mapped' : undefined],
    ...(identity?.targets ?? []).map(({ name, description, hash }): Rule => {
      const meaning = [description, hash === undefined ? undefined : 'a plain value is hashed on its way'].filter((text) => text !== undefined);
      return ['target', [name, ...(meaning.length === 0 ? [] : [meaning.join('; ')])].join(': ')];
    }),
    ['key', keyAttributes === 1 ? 'one attribute at most' : undefined],
    ['values', nested === false ? 'no arrays, maps or objects' : undefined],
    ['columns', targetPattern === undefined ? undefined : (targetPatternMessage ?? `like ${targetPattern}`)],
    ['status column', statusColumn === undefined ? undefined : `${statusColumn.name}${statusColumn.required === true ? ', always there' : ''}`],
  ];
}

function limitRules({ limits = {} }: DestinationCard): readonly Rule[] {
  return Object.entries(limits).map(([name, limit]): Rule => {
    const advice = limit.level === 'warning' ? ' (advice)' : '';
    const why = limit.why === undefined ? '' : `: ${limit.why}`;
    if (!('value' in limit)) return ['limit', `none of ${limit.forbidden} in a segment’s title${advice}${why}`];
    const raised = limit.raisedBy === undefined ? '' : `; details.${limit.raisedBy} says otherwise`;
    return ['limit', `${limit.value} ${LIMIT_TEXTS[name] ?? name}${advice}${why}${raised}`];
  });
}

/** How each kind is written, from its schema. */
function describeStorages({ storage }: DestinationCard): string {
  const blocks = storage.kinds.map((kind) => {
    const { description, example, more } = storageExample(kind);
    return [flow(example), `  ${description}${more.length === 0 ? '' : ` More keys: ${more.join(', ')}.`}`].join('\n');
  });
  return `${blocks.join('\n')}\nwhat each key means:  reconcile schema Destination   (of an Activation: reconcile schema Activation)`;
}

/** A value as YAML in one line. */
function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (value !== null && typeof value === 'object') {
    return `{${Object.entries(value)
      .map(([key, one]) => `${key}: ${flow(one)}`)
      .join(', ')}}`;
  }
  return typeof value === 'string' && /^[A-Za-z_./][\w./:-]*$/.test(value) && !/^(true|false|null|yes|no)$|:$/i.test(value) ? value : JSON.stringify(value);
}
