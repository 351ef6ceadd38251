import { describe, expect, test } from 'vitest';
import { activationFacts, checkTogether, type PlacedActivation } from '../../../src/activation/check-together.ts';
import { effectiveActivation } from '../../../src/activation/effective.ts';
import type { ActivationFinding } from '../../../src/activation/finding.ts';
import { checkActivation } from '../../../src/activation/rules.ts';
import { loadCatalogue } from '../../../src/destination/catalogue.ts';
import type { DestinationCard } from '../../../src/model/destination-card.ts';
import type { ActivationSpec, AttributesSpec, MappingEntry } from '../../../src/model/generated/kinds.ts';
import { lintSchedule } from '../../../src/schedule/lint-schedule.ts';
import { patternProblem } from '../../../src/segment/pattern/read-pattern.ts';

const catalogue = loadCatalogue({});
const cardOf = (type: string): DestinationCard => {
  const entry = catalogue.find(type);
  if (entry === undefined) throw new Error(`no card ${type}`);
  return entry.card;
};
const folder = cardOf('local-directory');
const campaign = cardOf('adobe-campaign-managed-services');

const attributes: AttributesSpec = {
  source: 'shop',
  dataset: 'customers',
  identities: { crmId: { column: 'id', primary: true }, Email: { column: 'email' } },
  fields: {
    'person.name.firstName': { column: 'first_name', type: 'string' },
    born: { column: 'born', type: 'date' },
    seen: { column: 'seen', type: 'timestamp' },
    income: { column: 'income', type: 'decimal' },
    tags: { column: 'tags', type: 'array', items: 'string' },
    emailSha256: { column: 'h', type: 'string' },
    plain: { column: 'p', type: 'string' },
  },
};
const email: MappingEntry = { source: 'identityMap.Email', target: 'email' };
const base: ActivationSpec = {
  destination: 'out',
  segments: ['buyers'],
  mapping: [email],
  export: 'incremental',
  schedule: { every: '6h', at: '02:00', start: '2026-12-01' },
};

function check(change: Partial<ActivationSpec>, card = folder, details: Record<string, unknown> = {}, title?: string): readonly ActivationFinding[] {
  return checkActivation({
    name: 'news',
    spec: { ...base, ...change },
    destination: { card, details, encrypted: false },
    segment: (name) => ({ title: title ?? name, attributes: 'customer' }),
    attributes: () => attributes,
    patternProblem,
    lintSchedule,
  });
}
const brief = (findings: readonly ActivationFinding[]): string[] => findings.map(({ code, pointer }) => `${code} ${pointer}`);
const mapped = (...mapping: MappingEntry[]): Partial<ActivationSpec> => ({ mapping });

const many = (count: number): Partial<ActivationSpec> =>
  mapped(...Array.from({ length: count }, (_, index): MappingEntry => ({ source: 'plain', target: `c${index}` })));
const named = (name: string): Partial<ActivationSpec> => ({ file: { name } });
const placed = (name: string, change: Partial<ActivationSpec>, card = folder, details: Record<string, unknown> = {}): PlacedActivation => {
  const effective = effectiveActivation(name, { ...base, ...change }, card);
  const facts = activationFacts(
    effective,
    () => undefined,
    () => effective.destination,
    false,
  );
  return { name, facts, destination: { card, details } };
};
const told = (...all: Parameters<typeof checkTogether>[0]): string[] => checkTogether(all).map(({ activation, code }) => `${activation} ${code}`);
const names = (count: number, prefix: string): string[] => Array.from({ length: count }, (_, index) => `${prefix}${index}`);

test('the contract’s example is right', () => {
  expect(
    check(
      {
        mapping: [
          email,
          { source: 'person.name.firstName', target: 'firstName', mandatory: true },
          { source: 'income' },
          { source: 'segmentMembership.status', target: 'segmentMembershipStatus' },
        ],
      },
      campaign,
    ),
  ).toEqual([]);
});

describe('modes and schedules', () => {
  test.each<[string, Partial<ActivationSpec>, DestinationCard, string[]]>([
    ['full every 6h', { export: 'full' }, folder, ['RC7008 /spec/schedule/every']],
    ['full every 24h', { export: 'full', schedule: { every: '24h' } }, folder, []],
    ['full once', { export: 'full', schedule: { once: '2026-12-01T02:00:00Z' } }, folder, []],
    ['full after evaluation', { export: 'full', schedule: { after: 'evaluation' } }, folder, []],
    ['full daily by cron', { export: 'full', schedule: { cron: '0 4 * * *', timezone: 'Europe/Berlin' } }, folder, []],
    ['full twice a day by cron', { export: 'full', schedule: { cron: '0 4,16 * * *' } }, folder, ['RC7009 /spec/schedule/cron']],
    ['incremental once', { schedule: { once: '2026-12-01T02:00:00Z' } }, folder, ['RC7008 /spec/schedule/once']],
    ['incremental after evaluation', { schedule: { after: 'evaluation' } }, folder, ['RC7008 /spec/schedule/after']],
    ['incremental hourly by cron', { schedule: { cron: '0 * * * *' } }, folder, ['RC7009 /spec/schedule/cron']],
    ['incremental each 3 h by cron', { schedule: { cron: '0 */3 * * *' } }, folder, []],
    ['more often than the card allows', {}, { ...folder, limits: { minIntervalHours: { value: 12 } } }, ['RC7009 /spec/schedule/every']],
    ['as often as the card allows', {}, { ...folder, limits: { minIntervalHours: { value: 6 } } }, []],
    ['Campaign by cron', { schedule: { cron: '0 */3 * * *' } }, campaign, ['RC7008 /spec/schedule/cron']],
    ['incremental without a schedule', { schedule: undefined as never }, folder, ['RC7007 /spec/export']],
    ['a bad cron', { schedule: { cron: '*/90 * * * *' } }, folder, ['RC7004 /spec/schedule/cron']],
    ['the end before the start', { schedule: { every: '6h', start: '2026-12-02', end: '2026-12-01' } }, folder, ['RC7003 /spec/schedule/end']],
  ])('%s', (_, change, card, expected) => expect(brief(check(change, card))).toEqual(expected));

  test('a card that only advises on the interval warns, and names one that holds', () => {
    const card: DestinationCard = { ...folder, limits: { minIntervalHours: { value: 5, level: 'warning' } } };
    expect(check({ schedule: { cron: '0 */4 * * *' } }, card)).toMatchObject([{ code: 'RC7009', severity: 'warning', hint: 'such as "0 */6 * * *"' }]);
  });

  test('an override is told where it is written', () => {
    expect(brief(check({ segments: ['buyers', { name: 'others', export: 'full' }] }))).toEqual(['RC7008 /spec/schedule/every']);
    expect(brief(check({ segments: ['buyers', { name: 'others', schedule: { cron: '0 * * * *' } }] }))).toEqual(['RC7009 /spec/segments/1/schedule/cron']);
    const findings = check({ export: 'full', schedule: { once: '2026-12-01T00:00:00Z' }, segments: [{ name: 'buyers', schedule: { end: '2027-01-01' } }] });
    expect(brief(findings)).toEqual(['RC7001 /spec/segments/0/schedule/end']);
  });
});

describe('mapping', () => {
  test.each<[string, MappingEntry[], DestinationCard, string[]]>([
    ['an unknown attribute', [{ source: 'person.name.firstNam' }], folder, ['RC1340 /spec/mapping/0/source']],
    ['an event', [email, { source: 'xEvent.amount' }], folder, ['RC1340 /spec/mapping/1/source']],
    ['two identities', [email, { source: 'identityMap.crmId' }], folder, ['RC1342 /spec/mapping/1/source']],
    ['identity and attribute as keys', [email, { source: 'income', key: true }], folder, ['RC1343 /spec/mapping/1/key']],
    ['an identity that is not mandatory', [{ ...email, mandatory: false }], folder, ['RC1343 /spec/mapping/0/mandatory']],
    [
      'three keys',
      [
        { source: 'income', key: true },
        { source: 'plain', key: true },
        { source: 'emailSha256', key: true },
      ],
      folder,
      ['RC1343 /spec/mapping/2/key'],
    ],
    [
      'two keys',
      [
        { source: 'income', key: true },
        { source: 'plain', key: true },
      ],
      folder,
      [],
    ],
    ['a target twice', [email, { source: 'plain', target: 'email' }], folder, ['RC1341 /spec/mapping/1/target']],
    ['a target twice but for its case', [email, { source: 'plain', target: 'EMAIL' }], folder, ['RC1341 /spec/mapping/1/target']],
    [
      'the status under another name on Campaign',
      [email, { source: 'segmentMembership.status', target: 'status' }],
      campaign,
      ['RC1344 /spec/mapping/1/target'],
    ],
    ['the status under another name elsewhere', [email, { source: 'segmentMembership.status', target: 'status' }], folder, []],
    ['the status column’s name taken', [email, { source: 'plain', target: 'segmentMembershipStatus' }], campaign, ['RC1341 /spec/mapping/1/target']],
    ['the status as a key', [{ source: 'segmentMembership.status', key: true }], folder, ['RC1344 /spec/mapping/0/key']],
    ['a plain value for a hash', [{ source: 'identityMap.Email', target: 'email_lc_sha256' }], campaign, ['RC1345 /spec/mapping/0/target']],
    ['a hashed value for a hash', [{ source: 'identityMap.Email', target: 'email_lc_sha256', transform: 'sha256' }], campaign, []],
    ['a hash for a hash', [{ source: 'emailSha256', target: 'email_lc_sha256' }], campaign, []],
    ['an array in CSV', [email, { source: 'tags' }], folder, ['RC1347 /spec/mapping/1/source']],
    ['a line break in a name', [{ source: 'plain', target: 'a\nb' }], folder, ['RC1348 /spec/mapping/0/target']],
  ])('%s', (_, mapping, card, expected) => expect(brief(check(mapped(...mapping), card))).toEqual(expected));

  test.each<[string, MappingEntry, string | undefined]>([
    ['a unique expression', { expression: 'income * 2', target: 'x', expect: { unique: true } }, '/unique'],
    ['a pattern that is none', { source: 'plain', expect: { pattern: '[a' } }, '/pattern'],
    ['a pattern that the engine does not have', { source: 'plain', expect: { pattern: '(?=a)b' } }, '/pattern'],
    ['a range of texts', { source: 'plain', expect: { range: { min: 1 } } }, '/range'],
    ['a range of an identity', { ...email, expect: { range: { max: 1 } } }, '/range'],
    ['a bound that is no number', { source: 'income', expect: { range: { min: '5' } } }, '/range/min'],
    ['a range with nothing in it', { source: 'income', expect: { range: { min: 5, max: 4 } } }, '/range'],
    ['values that are no numbers', { source: 'income', expect: { values: [1, 'two'] } }, '/values'],
    ['values that are no days', { source: 'born', expect: { values: ['2026-01-01', 'soon'] } }, '/values'],
    ['values that are no times', { source: 'seen', expect: { values: [5] } }, '/values'],
    [
      'numbers that YAML would round',
      { source: 'income', expect: { range: { min: '-0.1000000000000000055', max: '9007199254740993' }, values: [5, '9007199254740993'] } },
      undefined,
    ],
    ['a number among texts', { source: 'income', expect: { values: ['5'] } }, '/values'],
    ['days', { source: 'born', expect: { values: ['2026-01-01'] } }, undefined],
    [
      'what can be judged',
      { source: 'income', expect: { range: { min: 5, max: 5 }, values: [5], pattern: '[0-9]+', unique: true, otherwise: 'hold' } },
      undefined,
    ],
  ])('expectations: %s', (_what, entry, at) => {
    const index = 'source' in entry && entry.source === email.source ? 0 : 1;
    const found = brief(check(mapped(...(index === 0 ? [entry] : [email, entry]))));
    expect(found).toEqual(at === undefined ? [] : [`RC1327 /spec/mapping/${index}/expect${at}`]);
  });

  test('an array goes into JSON, not to Campaign', () => {
    expect(check({ ...mapped(email, { source: 'tags' }), file: { format: 'json' } })).toEqual([]);
    expect(brief(check(mapped(email, { source: 'tags' }), campaign))).toEqual(['RC1347 /spec/mapping/1/source']);
  });

  test('20 fields on Campaign, the status not counted; details may raise it', () => {
    expect(check(many(20), campaign)).toEqual([]);
    expect(brief(check(many(21), campaign))).toEqual(['RC1346 /spec/mapping/20']);
    expect(check(many(21), campaign, { maxFields: 30 })).toEqual([]);
  });
});

describe('files', () => {
  test.each<[string, Partial<ActivationSpec>, DestinationCard, string[]]>([
    ['an unknown token', named('%SEGMENT%_%TIMESTAMP%'), folder, ['RC1330 /spec/file/name']],
    ['no destination on Campaign', named('%SEGMENT_ID%_%TIMESTAMP%'), campaign, ['RC1331 /spec/file/name']],
    ['no destination elsewhere', named('%SEGMENT_ID%_%TIMESTAMP%'), folder, []],
    ['no segment with several', { ...named('%DESTINATION%_%TIMESTAMP%'), segments: ['a', 'b'] }, folder, ['RC1331 /spec/file/name']],
    ['a long name', named(`%SEGMENT_ID%_%TIMESTAMP%_${'x'.repeat(230)}`), folder, ['RC1333 /spec/file/name']],
    ['an extension of its own', named('%SEGMENT_ID%_%TIMESTAMP%.csv'), folder, ['RC1332 /spec/file/name']],
    ['a static name', named('%SEGMENT_ID%'), folder, ['RC1336 /spec/file/name']],
    ['a day alone, slots every 6 hours', named('%SEGMENT_ID%_%DATETIME(YYYYMMdd)%'), folder, ['RC1336 /spec/file/name']],
    ['a day alone, slots by cron', { ...named('%SEGMENT_ID%_%DATETIME(YYYYMMdd)%'), schedule: { cron: '0 */12 * * *' } }, folder, ['RC1336 /spec/file/name']],
    ['a day alone, a slot a day', { ...named('%SEGMENT_ID%_%DATETIME(YYYYMMdd)%'), schedule: { every: '24h' } }, folder, []],
    ['day and hour, slots every 6 hours', named('%SEGMENT_ID%_%DATETIME(YYYYMMDD-HH)%'), folder, []],
    ['an hour alone', named('%SEGMENT_ID%_%DATETIME(HHmm)%'), folder, ['RC1336 /spec/file/name']],
    ['a month alone, a slot a day', { ...named('%SEGMENT_ID%_%DATETIME(YYYYMM)%'), schedule: { every: '24h' } }, folder, ['RC1336 /spec/file/name']],
    ['a month alone, a slot a month', { ...named('%SEGMENT_ID%_%DATETIME(YYYYMM)%'), export: 'full', schedule: { cron: '0 4 1 * *' } }, folder, []],
    ['JSON for Campaign', { file: { format: 'json' } }, campaign, ['RC1335 /spec/file/format']],
    ['zstd for Campaign', { file: { compression: 'zstd' } }, campaign, ['RC1335 /spec/file/compression']],
    ['gzip for Campaign', { file: { compression: 'gzip' } }, campaign, []],
    ['CSV options of JSON files', { file: { format: 'json', csv: { delimiter: ';' } } }, folder, ['RC1338 /spec/file/csv']],
    [
      'CSV options for all, and one segment has JSON files',
      { segments: ['a', { name: 'b', file: { format: 'json' } }], file: { csv: { delimiter: ';' } } },
      folder,
      [],
    ],
    ['a delimiter that is the quote', { file: { csv: { delimiter: '"' } } }, folder, ['RC1339 /spec/file/csv']],
    ['a text for NULL with the delimiter', { file: { csv: { nullValue: 'a,b' } } }, folder, ['RC1339 /spec/file/csv']],
    ['a text for NULL with a line break', { file: { csv: { nullValue: '\n' } } }, folder, ['RC1339 /spec/file/csv']],
    ['an empty text with a quote', { file: { csv: { emptyValue: 'a"' } } }, folder, ['RC1339 /spec/file/csv']],
    ['an empty text with a delimiter of its own', { file: { csv: { delimiter: ';', emptyValue: 'a;b' } } }, folder, ['RC1339 /spec/file/csv']],
    ['two quotes for NULL, and the delimiter in quotes', { file: { csv: { nullValue: '""', emptyValue: '"a,b"' } } }, folder, []],
    ['two quotes where the quote is another', { file: { csv: { quote: "'", escape: "'", nullValue: '""' } } }, folder, []],
    ['two quotes where they are the escape', { file: { csv: { quote: "'", nullValue: '""' } } }, folder, ['RC1339 /spec/file/csv']],
    ['an override', { segments: [{ name: 'buyers', file: { format: 'parquet' } }] }, campaign, ['RC1335 /spec/segments/0/file/format']],
  ])('%s', (_, change, card, expected) => expect(brief(check(change, card))).toEqual(expected));

  test('the place of a token is told within the name', () => {
    expect(check(named('x_%SEGMENT%'))).toMatchObject([{ range: { start: 2, end: 11 } }]);
  });
});

describe('segments', () => {
  test('twice, and titles that Campaign does not take', () => {
    expect(brief(check({ segments: ['a', 'a'] }))).toEqual(['RC1321 /spec/segments/1']);
    expect(brief(check({}, campaign, {}, 'Käufer & Co'))).toEqual(['RC1322 /spec/segments/0']);
    expect(check({}, folder, {}, 'Käufer & Co')).toEqual([]);
  });
});

describe('together', () => {
  test('file names that collide', () => {
    const findings = checkTogether([placed('one', {}), placed('two', {}), placed('three', { file: { format: 'json' } })]);
    expect(findings).toMatchObject([{ activation: 'two', code: 'RC1334', pointer: '/spec/segments/0' }]);
    expect(checkTogether([placed('one', {}), placed('two', { destination: 'elsewhere' })])).toEqual([]);
  });

  test('file names that collide by the number of a further file, or by another spelling of the same time', () => {
    const dated = placed('dated', named('%SEGMENT_ID%_%DATETIME(YYYYMMdd)%'));
    const again = placed('again', named('%SEGMENT_ID%_%DATETIME(YYYYMMDD)%'));
    const second = placed('second', named('%SEGMENT_ID%_%DATETIME(YYYYMMdd)%_2'));
    const first = placed('first', named('%SEGMENT_ID%_%DATETIME(YYYYMMdd)%_1'));
    const other = placed('other', { file: { name: '%SEGMENT_ID%_%DATETIME(YYYYMMdd)%_2', format: 'json' } });
    expect(told(dated, again)).toEqual(['again RC1334']);
    expect(told(dated, second)).toEqual(['second RC1334']);
    expect(told(second, dated)).toEqual(['second RC1334']);
    expect(told(dated, first, other)).toEqual([]);
  });

  test('25 segments on one Campaign instance, over its destinations, by distinct segment', () => {
    const acme = { instance: 'acme' };
    const one = placed('one', { segments: names(20, 'a') }, campaign, acme);
    expect(checkTogether([one, placed('two', { destination: 'other', segments: names(5, 'b') }, campaign, acme)])).toEqual([]);
    expect(checkTogether([one, placed('two', { destination: 'other', segments: names(6, 'b') }, campaign, acme)])).toMatchObject([
      { activation: 'two', code: 'RC1323', severity: 'error' },
    ]);
    expect(checkTogether([one, placed('two', { destination: 'other', segments: names(6, 'b') }, campaign, { instance: 'globex' })])).toEqual([]);
    expect(checkTogether([placed('one', { segments: names(26, 'a') }, campaign, { ...acme, maxSegments: 50 })])).toEqual([]);
    expect(checkTogether([one, placed('two', { destination: 'other', segments: names(20, 'a') }, campaign, acme)])).toEqual([]);
    // Whatever the case of its name; and whichever of its destinations says that it allows more.
    const shouted = (more: Readonly<Record<string, unknown>>): unknown =>
      checkTogether([one, placed('two', { destination: 'other', segments: names(6, 'b') }, campaign, more)]);
    expect(shouted({ instance: 'ACME' })).toMatchObject([{ code: 'RC1323' }]);
    expect(shouted({ instance: 'ACME', maxSegments: 26 })).toEqual([]);
  });

  test('soft limits warn once per destination', () => {
    const findings = checkTogether(names(300, 'act').map((name, index) => placed(name, { segments: [`s${index}`] })));
    expect(findings.map(({ code, severity }) => `${code} ${severity}`)).toEqual(['RC1323 warning', 'RC1324 warning']);
  });
});

describe('effective settings', () => {
  test('defaults', () => {
    const { segments, missed, guards, suspend } = effectiveActivation('a', { destination: 'd', segments: ['s'], mapping: [email] });
    expect({ missed, guards, suspend }).toEqual({ missed: 'latest', guards: { maxRemovedPercent: 50, minMembers: 0 }, suspend: false });
    expect(segments).toMatchObject([
      {
        mode: 'full',
        schedule: undefined,
        file: {
          name: '%DESTINATION%_%SEGMENT_ID%_%DATETIME(YYYYMMdd_HHmmss)%',
          format: 'csv',
          compression: 'none',
          maxRows: 5_000_000,
          manifest: false,
          csv: { delimiter: ',', quote: '"', escape: '"', nullValue: '', header: true },
        },
      },
    ]);
  });

  test('overrides are merged key by key; another kind of schedule replaces it', () => {
    const { segments } = effectiveActivation('a', {
      ...base,
      file: { format: 'csv', compression: 'gzip', csv: { delimiter: ';', header: false } },
      segments: [
        { name: 's', schedule: { at: '05:00' }, file: { csv: { header: true }, manifest: true } },
        { name: 't', schedule: { cron: '0 4 * * *' }, export: 'full' },
      ],
    });
    expect(segments[0]).toMatchObject({
      mode: 'incremental',
      schedule: { every: '6h', at: '05:00', start: '2026-12-01' },
      file: { compression: 'gzip', manifest: true, csv: { delimiter: ';', header: true } },
    });
    expect(segments[1]).toMatchObject({ mode: 'full', schedule: { cron: '0 4 * * *' }, file: { csv: { header: false } } });
    expect(segments[1]?.schedule).not.toHaveProperty('every');
  });

  test('columns: targets, identity, and the status that Campaign adds last', () => {
    const { mapping } = effectiveActivation('a', {
      ...base,
      ...mapped({ source: 'identityMap.Email' }, { source: 'person.name.firstName' }, { source: 'segmentMembership.status' }),
    });
    expect(mapping.map(({ target, kind, mandatory, key }) => ({ target, kind, mandatory, key }))).toEqual([
      { target: 'identityMap_Email', kind: 'identity', mandatory: true, key: true },
      { target: 'person_name_firstName', kind: 'attribute', mandatory: false, key: false },
      { target: 'segmentMembership_status', kind: 'status', mandatory: false, key: false },
    ]);
    const added = effectiveActivation('a', { ...base, ...mapped(email, { source: 'plain' }) }, campaign).mapping;
    expect(added.map(({ target }) => target)).toEqual(['email', 'plain', 'segmentMembershipStatus']);
    const placed = effectiveActivation('a', { ...base, ...mapped({ source: 'segmentMembership.status' }, email) }, campaign).mapping;
    expect(placed.map(({ target }) => target)).toEqual(['segmentMembershipStatus', 'email']);
  });
});
