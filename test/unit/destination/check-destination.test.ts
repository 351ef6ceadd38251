import { describe, expect, test } from 'vitest';
import { loadCatalogue } from '../../../src/destination/catalogue.ts';
import { checkDestination } from '../../../src/destination/check-destination.ts';
import { checkDetails } from '../../../src/destination/check-details.ts';
import type { DestinationCard } from '../../../src/model/destination-card.ts';
import type { DestinationSpec, DetailSchema } from '../../../src/model/generated/kinds.ts';

const catalogue = loadCatalogue({});
const check = (type: string, spec: object): readonly { readonly code: string; readonly pointer: string; readonly message: string; readonly hint?: string }[] =>
  checkDestination(catalogue.find(type)?.card as DestinationCard, { type, ...spec } as DestinationSpec);

const LOCAL = { type: 'local', path: 'out' } as const;
const CAMPAIGN = { details: { instance: 'a', targetMapping: 'b' }, storage: LOCAL };
const IMS = { type: 'ims', clientId: 'c', clientSecret: { env: 'S' } } as const;

describe('a destination by its card', () => {
  test('what the contract shows holds', () => {
    expect(
      check('adobe-campaign-managed-services', {
        ...CAMPAIGN,
        connection: { url: 'https://acc.example.com', auth: IMS },
        import: { workflow: 'WKF', wait: '30m' },
      }),
    ).toEqual([]);
    expect(check('adobe-campaign-managed-services', CAMPAIGN)).toEqual([]);
    expect(check('local-directory', { storage: LOCAL })).toEqual([]);
    expect(check('http-api', { connection: { url: 'http://127.0.0.1:8080/x' } })).toEqual([]);
  });
  test.each([
    ['no details', 'adobe-campaign-managed-services', { storage: LOCAL }, 'RC1102', '/spec'],
    ['a detail missing', 'adobe-campaign-managed-services', { ...CAMPAIGN, details: { instance: 'a' } }, 'RC1102', '/spec/details'],
    [
      'a detail unknown',
      'adobe-campaign-managed-services',
      { ...CAMPAIGN, details: { instance: 'a', targetMaping: 'b', targetMapping: 'b' } },
      'RC1101',
      '/spec/details/targetMaping',
    ],
    ['details where none are', 'sftp', { details: { a: 1 }, storage: { type: 'sftp' } }, 'RC1101', '/spec/details/a'],
    ['no storage', 'local-directory', {}, 'RC1352', '/spec'],
    ['another storage', 'amazon-s3', { storage: LOCAL }, 'RC1353', '/spec/storage/type'],
    ['a connection where none is', 'local-directory', { storage: LOCAL, connection: { url: 'https://x' } }, 'RC1354', '/spec/connection'],
    ['an import without a connection', 'adobe-campaign-managed-services', { ...CAMPAIGN, import: { workflow: 'W' } }, 'RC1354', '/spec/import'],
    ['no connection where one must be', 'http-api', {}, 'RC1354', '/spec'],
    ['no login', 'adobe-campaign-managed-services', { ...CAMPAIGN, connection: { url: 'https://x' } }, 'RC1355', '/spec/connection'],
    [
      'another login',
      'adobe-campaign-managed-services',
      { ...CAMPAIGN, connection: { url: 'https://x', auth: { type: 'bearer', token: { env: 'T' } } } },
      'RC1355',
      '/spec/connection/auth/type',
    ],
    ['http to the world', 'http-api', { connection: { url: 'http://api.example.com' } }, 'RC1356', '/spec/connection/url'],
    ['http to a name that only begins like loopback', 'http-api', { connection: { url: 'http://127.0.0.1.example.com' } }, 'RC1356', '/spec/connection/url'],
    [
      'http to the token service',
      'adobe-campaign-managed-services',
      { ...CAMPAIGN, connection: { url: 'https://x', auth: { ...IMS, tokenUrl: 'http://ims.example.com' } } },
      'RC1356',
      '/spec/connection/auth/tokenUrl',
    ],
    ['a password in the address', 'http-api', { connection: { url: 'https://u:hunter2@api.example.com' } }, 'RC1403', '/spec/connection/url'],
    ['an import where nobody listens', 'sftp', { storage: { type: 'sftp' }, import: { workflow: 'W' } }, 'RC1357', '/spec/import'],
    [
      'encryption of rows that are read',
      'http-api',
      { connection: { url: 'https://x' }, encryption: { pgpPublicKey: { file: 'k' } } },
      'RC1358',
      '/spec/encryption',
    ],
  ] as const)('%s', (_name, type, spec, code, pointer) => {
    const found = check(type, spec);
    expect(found).toMatchObject([{ code, pointer }]);
    expect(found[0]?.hint).toBeTruthy();
    expect(JSON.stringify(found)).not.toContain('hunter2');
  });
  test('everything wrong is told at once', () => {
    expect(
      check('http-api', { details: { maxRows: 0, boddy: 'x' }, storage: { type: 'ftp' }, connection: { url: 'http://x.example.com' } })
        .map(({ code }) => code)
        .sort(),
    ).toEqual(['RC1101', 'RC1106', 'RC1353', 'RC1356']);
  });
});

describe('details by their schema', () => {
  const schema: DetailSchema = {
    type: 'object',
    required: ['name'],
    properties: {
      name: { type: 'string', pattern: '^[a-z]+$', patternMessage: 'small letters' },
      count: { type: 'integer', minimum: 1, maximum: 5 },
      way: { type: 'string', enum: ['push', 'pull'] },
      key: { secret: true },
      tags: { type: 'array', items: { type: 'string' } },
      more: { type: 'object', additionalProperties: { type: 'number' } },
    },
  };
  const run = (value: unknown): readonly (readonly [string, string, string | undefined])[] =>
    checkDetails(schema, value, '/d', 'd').map(({ code, pointer, hint }) => [code, pointer, hint] as const);

  test('what holds', () => {
    expect(run({ name: 'x', count: 5, way: 'pull', key: { env: 'K' }, tags: ['a'], more: { a: 1.5 } })).toEqual([]);
    expect(checkDetails({ type: 'string', pattern: '^\\p{L}{3}$' }, 'Zoë', '/d', 'd')).toEqual([]);
  });
  test.each([
    [{ name: 'X' }, 'RC1103', '/d/name', 'small letters'],
    [{ name: 7 }, 'RC1104', '/d/name', 'put it in quotes: "7"'],
    [{ name: '  ' }, 'RC1103', '/d/name', undefined],
    [{ name: 'x', count: 6 }, 'RC1106', '/d/count', undefined],
    [{ name: 'x', count: 1.5 }, 'RC1104', '/d/count', undefined],
    [{ name: 'x', way: 'pus' }, 'RC1103', '/d/way', 'did you mean `push`?'],
    [{ name: 'x', key: 'hunter2' }, 'RC1403', '/d/key', 'a secret is given by reference: {env: NAME} or {file: PATH}'],
    [{ name: 'x', key: { env: 'A', file: 'b' } }, 'RC1403', '/d/key', 'a secret is given by reference: {env: NAME} or {file: PATH}'],
    [{ name: 'x', tags: ['a', 1] }, 'RC1104', '/d/tags/1', 'put it in quotes: "1"'],
    [{ name: 'x', more: { 'a/b': 'c' } }, 'RC1104', '/d/more/a~1b', undefined],
    [{ name: 'x', key: { env: '' } }, 'RC1403', '/d/key', 'a secret is given by reference: {env: NAME} or {file: PATH}'],
    [{ name: 'x', more: { a: Number.POSITIVE_INFINITY } }, 'RC1104', '/d/more/a', undefined],
    [{ name: 'x', nmae: 'y' }, 'RC1101', '/d/nmae', 'did you mean `name`?'],
    [{ name: 'x', constructor: 'y' }, 'RC1101', '/d/constructor', 'known keys: name, count, way, key, tags, more'],
    [null, 'RC1104', '/d', 'indent the lines that belong to it, with two spaces more'],
    [[], 'RC1104', '/d', undefined],
  ] as const)('%j', (value, code, pointer, hint) => {
    expect(run(value)).toEqual([[code, pointer, hint]]);
    expect(JSON.stringify(checkDetails(schema, value, '/d', 'd'))).not.toContain('hunter2');
  });
});
