import type { CatalogueEntry } from '../destination/catalogue.ts';
import type { DestinationCard } from '../model/destination-card.ts';
import type { DetailSchema } from '../model/generated/kinds.ts';
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

/** Everything a card says, and an example to copy. */
export function renderCard({ card }: CatalogueEntry): string {
  const blocks = [
    `${card.type}   ${card.displayName}\n${card.description}${card.documentation === undefined ? '' : `\n${card.documentation}`}`,
    section('details', describeDetails(card)),
    section('rules', describeRules(card)),
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
    MEANING: detail.description ?? '',
  }));
  return rows.length === 0 ? '' : renderTable(rows);
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

function describeRules(card: DestinationCard): string {
  const { exports: modes, file, mapping, limits = {}, storage, connection } = card;
  const lines: (readonly [string, string | undefined])[] = [
    ['storage', storage.kinds.join(', ') + (storage.default === undefined ? '' : `; else ${storage.default.type}`)],
    ['log in by', connection?.auth?.join(', ')],
    ['full', modes === undefined ? 'any schedule' : modes.full?.join(', ')],
    ['incremental', modes === undefined ? 'any schedule' : modes.incremental?.join(', ')],
    ['formats', file?.formats?.join(', ')],
    ['compressions', file?.compressions?.join(', ')],
    ['file names', file?.requiredNameTokens?.map((token) => `must hold %${token}%`).join(', ')],
    ['values', file?.lineBreaksInValues === 'space' ? 'line breaks become spaces' : undefined],
    [
      'status column',
      mapping?.statusColumn === undefined ? undefined : `${mapping.statusColumn.name}${mapping.statusColumn.required === true ? ', always there' : ''}`,
    ],
    ['for', card.marketingActions?.join(', ')],
    ...Object.entries(limits).map(([name, limit]): readonly [string, string] =>
      'value' in limit
        ? [
            'limit',
            `${limit.value} ${LIMIT_TEXTS[name] ?? name}${limit.level === 'warning' ? ' (advice)' : ''}${limit.raisedBy === undefined ? '' : `; details.${limit.raisedBy} says otherwise`}`,
          ]
        : ['limit', `none of ${limit.forbidden} in a segment’s title`],
    ),
  ];
  return lines
    .filter((line): line is readonly [string, string] => line[1] !== undefined && line[1] !== '')
    .map(([name, text]) => `${name.padEnd(15)}${text}`)
    .join('\n');
}
