import { symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createStarterProject } from '../../../src/cli/starter-project.ts';
import { AppError } from '../../../src/model/app-error.ts';
import { loadProjectFile } from '../../../src/validate/load-project.ts';
import { requireValidProject, summarizeDiagnostics, validateProject } from '../../../src/validate/validate-project.ts';
import { told } from '../../support/load-texts.ts';
import { createTempProject, type TempProject } from '../../support/temp-project.ts';

const PROJECT = 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: p}\nspec: {}\n';
const BASE = Object.fromEntries(createStarterProject('p', 0));

function starter(changes: Readonly<Record<string, string>> = {}): TempProject {
  return createTempProject({ ...BASE, ...changes });
}

function document(kind: string, spec: string): string {
  return `apiVersion: reconcile/v1\nkind: ${kind}\nmetadata: {name: x}\nspec: ${spec}\n`;
}

function problems({ directory }: TempProject, environment?: string, variables: Readonly<Record<string, string>> = {}): string[] {
  return told(validateProject({ directory, environment, variables }));
}

function failure(action: () => unknown): AppError {
  try {
    action();
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

test('the starter project is valid, and validate leaves no trace of it', () => {
  using project = starter();

  expect(problems(project)).toEqual([]);
  for (const path of ['outcome', 'manifests']) expect(() => project.read(`.reconcile/cache/${path}`)).toThrow('ENOENT');
});

describe('what is no project', () => {
  test('no reconcile.yaml: exit 8 and how to begin', () => {
    using project = createTempProject();

    expect(failure(() => validateProject({ directory: project.directory, environment: undefined, variables: {} }))).toMatchObject({
      code: 'RC1001',
      exit: 8,
      hint: expect.stringContaining('reconcile init') as string,
    });
  });

  test('no manifest at all, an empty folder, files of comments only: an error, never an empty project', () => {
    using bare = createTempProject({ 'reconcile.yaml': PROJECT });
    using empty = createTempProject({ 'reconcile.yaml': PROJECT, 'manifests/a.yaml': '# nothing yet\n', 'manifests/readme.md': 'x' });

    expect(problems(bare)).toEqual([expect.stringContaining('RC1001') as string]);
    expect(problems(empty)).toEqual([expect.stringContaining('RC1009') as string]);
  });

  test('a broken reconcile.yaml does not hide what is wrong elsewhere', () => {
    using project = starter({ 'reconcile.yaml': PROJECT.replace('{name: p}', '{name: P}'), 'manifests/x.yaml': 'kind: Segment\n  broken: [' });

    expect(problems(project).map((one) => one.slice(0, 30))).toEqual(
      ['RC1003 manifests/x.yaml:2:3 a ', 'RC1003 manifests/x.yaml:2:11 a', 'RC1103 reconcile.yaml:3:18 `me'].map(
        (one) => expect.stringContaining(one.slice(0, 22)) as string,
      ),
    );
  });

  test('a second Project, and one in another file', () => {
    using project = starter({ 'manifests/x.yaml': PROJECT.replace('name: p', 'name: q') });

    expect(problems(project)).toEqual(['RC1302 manifests/x.yaml:2:7 the Project `q` stands outside reconcile.yaml']);
  });
});

describe('files', () => {
  test('a link that leads nowhere is an error: it never looks like a deleted manifest', () => {
    using project = starter();
    symlinkSync('/nowhere/at/all.yaml', join(project.directory, 'manifests/gone.yaml'));

    expect(problems(project)).toEqual([expect.stringMatching(/^RC1001 manifests\/gone.yaml/) as string]);
  });

  test('a loop of links ends', () => {
    using project = starter();
    symlinkSync('.', join(project.directory, 'manifests/loop'));

    expect(problems(project).some((one) => one.includes('nested more than 32 deep'))).toBe(true);
  });

  test('.yml files count, hidden files and node_modules do not', () => {
    using project = starter({
      'manifests/a/x.yml': 'a: 1\n',
      'manifests/.hidden/x.yaml': 'a: {',
      'manifests/node_modules/x.yaml': 'a: {',
      'manifests/.x.yaml': 'a: {',
    });

    expect(problems(project)).toEqual([expect.stringContaining('manifests/a/x.yml:1:1') as string, expect.stringContaining('manifests/a/x.yml:1:1') as string]);
  });
});

describe('references', () => {
  test.each([
    [
      'manifests/newsletter.yaml',
      'destination: outbox',
      'destination: outbxo',
      'unknown Destination `outbxo`',
      'did you mean `outbox`?   (manifests/newsletter.yaml:2)',
    ],
    [
      'manifests/newsletter.yaml',
      'wealthy-owners]',
      'wealthy-owner]',
      'unknown Segment `wealthy-owner`',
      'did you mean `wealthy-owners`?   (manifests/segments.yaml:21)',
    ],
    ['manifests/shop.yaml', 'source: shop', 'source: warehouse', 'unknown Source `warehouse`', 'Sources: shop'],
    [
      'manifests/shop.yaml',
      'dataset: orders',
      'dataset: order',
      'the Source `shop` has no dataset `order`',
      'did you mean `orders`?   (manifests/shop.yaml:2)',
    ],
    ['manifests/newsletter.yaml', 'type: local-directory', 'type: local-folder', 'unknown destination type `local-folder`', 'one of'],
  ])('%s: %s', (path, from, to, message, hint) => {
    const text = BASE[path] ?? '';
    expect(text).toContain(from);
    using project = starter({ [path]: text.replace(from, to) });
    const { diagnostics } = validateProject({ directory: project.directory, environment: undefined, variables: {} });

    expect(diagnostics.map((one) => one.message)).toEqual([message]);
    expect(diagnostics[0]?.hint).toContain(hint);
  });

  test('names that differ in upper and lower case alone are one column to an engine', () => {
    const text = '{column: c, type: string}';
    const own = `identities: {id: {column: a, primary: true}, ID: {column: b}}, fields: {mail: ${text}, Mail: ${text}, o: {column: o, type: object, fields: {a: string, A: string}}}`;
    const events = `events: {dataset: orders, profile: a, timestamp: t, eventType: {value: x}, fields: {Timestamp: ${text}}}`;
    using project = starter({ 'manifests/x.yaml': document('Attributes', `{source: shop, dataset: orders, ${own}, ${events}}`) });
    const { diagnostics } = validateProject({ directory: project.directory, environment: undefined, variables: {} });

    expect(diagnostics.map(({ message }) => message.replace(/ differ in .*/, ''))).toEqual([
      '`ID` and `id`',
      '`Mail` and `mail`',
      '`A` and `a`',
      '`Timestamp` and `timestamp`',
    ]);
  });

  test('what a broken document declares is not called unknown', () => {
    using project = starter({ 'manifests/segments.yaml': (BASE['manifests/segments.yaml'] ?? '').replaceAll('attributes:', 'attribute:') });

    expect(problems(project).filter((one) => one.includes('unknown Segment'))).toEqual([]);
    expect(problems(project)).toHaveLength(4);
  });
});

describe('what this version would have to ignore is refused', () => {
  test.each([
    [
      'an enabled policy',
      { 'manifests/x.yaml': document('Policy', '{type: data-usage, marketingActions: [a], deny: {label: C2}, enabled: true}') },
      'RC1310 manifests/x.yaml:4:68',
    ],
    ['a role', { 'manifests/x.yaml': document('Role', '{permissions: [view-segments], subjects: [{user: a@b}]}') }, 'RC1310 manifests/x.yaml:2:1'],
    [
      'a warehouse',
      { 'manifests/x.yaml': document('Source', '{engine: trino, connection: {url: {env: U}}, datasets: {d: {table: a.b}}}') },
      'RC1310 manifests/x.yaml:4:16',
    ],
    [
      'consents',
      {
        'manifests/shop.yaml': (BASE['manifests/shop.yaml'] ?? '').replace(
          '  fields:\n    person',
          '  consents:\n    marketing.email: {column: email}\n  fields:\n    person',
        ),
      },
      'RC1310 manifests/shop.yaml:21:3',
    ],
  ])('%s', (_, files, place) => {
    using project = starter(files as unknown as Record<string, string>);

    expect(problems(project)).toEqual([expect.stringContaining(place) as string]);
  });

  test('a draft policy changes nothing and is fine; an Alert is a warning', () => {
    using project = starter({
      'manifests/x.yaml': `${document('Policy', '{type: data-usage, marketingActions: [a], deny: {label: C2}, enabled: false}')}---\n${document('Alert', '{on: [slot-missed], channels: [{type: slack, url: {env: S}}]}')}`,
    });
    const validated = validateProject({ directory: project.directory, environment: undefined, variables: {} });

    expect(validated.ok).toBe(true);
    expect(validated.diagnostics.map(({ code, severity }) => `${code} ${severity}`)).toEqual(['RC1311 warning']);
    expect(requireValidProject({ directory: project.directory, environment: undefined, variables: {} }).resources).toHaveLength(8);
  });
});

const KEY = '\n  encryption: {pgpPublicKey: {file: keys/receiver.asc}}';

describe('storages', () => {
  const sftp = 'type: sftp, host: h, username: u, path: /in, hostKey: "SHA256:abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"';

  test.each([
    [`{${sftp}}`, 'sftp', 'does not say how to log in'],
    [`{${sftp}, password: {env: P}, agent: true}`, 'sftp', '`agent` stands beside `password`'],
    [`{${sftp}, password: {env: P}, passphrase: {env: Q}}`, 'sftp', '`passphrase` opens a privateKey'],
    [`{${sftp.replace('host: h', 'host: "h:2222"')}, password: {env: P}}`, 'sftp', 'a host is a name or an address alone'],
    [`{${sftp.replace('host: h', 'host: sftp://h/in')}, password: {env: P}}`, 'sftp', 'a host is a name or an address alone'],
    [`{${sftp.replace('host: h', 'host: "sftp://u:canary@h"')}, password: {env: P}}`, 'sftp', 'RC1403'],
    ['{type: s3, bucket: b, accessKeyId: {env: A}}', 'amazon-s3', '`accessKeyId` needs `secretAccessKey`'],
    ['{type: azure-blob, container: c}', 'azure-blob', 'does not say where it is'],
    ['{type: azure-blob, container: c, url: "https://x", sasToken: {env: S}, accountKey: {env: K}}', 'azure-blob', '`accountKey` stands beside `sasToken`'],
    ['{type: local, path: "a/%SEGMENT_ID%/b"}', 'local-directory', '`%SEGMENT_ID%` cannot stand there'],
    ['{type: azure-blob, container: c, prefix: ../other/in, connectionString: {env: C}}', 'azure-blob', 'the prefix holds `..`'],
    ['{type: s3, bucket: b, prefix: ./in}', 'amazon-s3', 'the prefix holds `.`'],
    ['{type: gcs, bucket: b, prefix: "in\\\\audiences"}', 'google-cloud-storage', 'the prefix holds a `\\`'],
    ['{type: s3, bucket: b, prefix: "in\\n"}', 'amazon-s3', 'the prefix holds a control character'],
    ['{type: local, path: "out\\nx"}', 'local-directory', 'the path holds a control character'],
    ['{type: local, path: "out\\0x"}', 'local-directory', 'a text with the character U+0000 cannot be used'],
    ['{type: local, path: ~/out}', 'local-directory', '`~` does not stand for a home folder'],
    ['{type: local, path: ./.reconcile/spool}', 'local-directory', '`.reconcile` holds the state and its leftovers'],
    [`{${sftp.replace('/in', '"/in\\nx"')}, password: {env: P}}`, 'sftp', 'the path holds a control character'],
    ['{type: s3, bucket: b, region: eu west}', 'amazon-s3', '`eu west` is not a region'],
    ['{type: s3, bucket: b, endpoint: "http://"}', 'amazon-s3', '`http://` is not an address'],
    ['{type: gcs, bucket: b, endpoint: "http://a b"}', 'google-cloud-storage', '`http://a b` is not an address'],
    ['{type: s3, bucket: b, endpoint: "https://u:canary@s3.example.com"}', 'amazon-s3', 'RC1403'],
    ['{type: azure-blob, container: c, url: "https://a.blob.core.windows.net/?sv=1&sig=canary", sasToken: {env: S}}', 'azure-blob', 'RC1403'],
    ['{type: azure-blob, container: c, url: "https://a.blob.core.windows.net/c", sasToken: {env: S}}', 'azure-blob', 'is the address of a container'],
  ])('%s', (storage, type, message) => {
    using project = starter({
      'manifests/x.yaml': `apiVersion: reconcile/v1\nkind: Destination\nmetadata: {name: x}\nspec:\n  type: ${type}\n  storage: ${storage}\n`,
    });

    const found = problems(project);
    expect(found).toEqual([expect.stringContaining(message) as string]);
    expect(found.join()).not.toContain('canary');
  });

  test.each([
    ['with dots', './out/', 2],
    ['by a way out and in again', 'other/../out', 2],
    ['by its absolute path', '', 2],
    ['by a way above the project', '../', 2],
    ['another folder', '../out', 0],
  ])('two activations whose files would replace each other, through two Destinations onto one folder, %s', (_what, path, collisions) => {
    const text = BASE['manifests/newsletter.yaml'] ?? '';
    const name = "file:\n    name: 'fixed_%SEGMENT_ID%'";
    using project = starter({ 'manifests/newsletter.yaml': text.replace('file:', name) });
    const { directory } = project;
    const second = path === '' ? join(directory, 'out') : path === '../' ? `../${basename(directory)}/out` : path;
    project.write(
      'manifests/second.yaml',
      text.replaceAll('outbox', 'outbox-two').replace('name: newsletter', 'name: second').replace('path: out}', `path: "${second}"}`).replace('file:', name),
    );

    expect(problems(project).filter((one) => one.includes('RC1334'))).toHaveLength(collisions);
  });

  // An encrypted file has a suffix of its own; from the second run on the check comes from the cache.
  test.each([
    ['one of them encrypted', ['', KEY], 0],
    ['both encrypted', [KEY, KEY], 2],
    ['the other one encrypted', [KEY, ''], 0],
  ])('two activations onto one folder, %s', (_, [first = '', second = ''], collisions) => {
    const text = (BASE['manifests/newsletter.yaml'] ?? '').replace('file:', "file:\n    name: 'fixed_%SEGMENT_ID%'");
    const files = (one: string, other: string): Readonly<Record<string, string>> => ({
      'manifests/newsletter.yaml': text.replace('path: out}', `path: out}${one}`),
      'manifests/second.yaml': text.replaceAll('outbox', 'outbox-two').replace('name: newsletter', 'name: second').replace('path: out}', `path: out}${other}`),
    });
    using project = starter(files('', ''));
    expect(problems(project).filter((text_) => text_.includes('RC1334'))).toHaveLength(2);
    for (const [path, content] of Object.entries(files(first, second))) project.write(path, content);
    expect(problems(project).filter((text_) => text_.includes('RC1334'))).toHaveLength(collisions);
    expect(problems(project).filter((text_) => text_.includes('RC1334'))).toHaveLength(collisions);
  });
});

describe('segments', () => {
  const segments = BASE['manifests/segments.yaml'] ?? '';

  test.each([
    [
      'an unknown attribute in a test',
      'profile: {homeAddress.countryCode: DE}',
      'profile: {homeAddress.countyCode: DE}',
      'RC1216 manifests/segments.yaml:12:17 unknown attribute `homeAddress.countyCode`',
    ],
    ['a value of the wrong type in a test', 'income: 90000', 'income: much', 'RC1216 manifests/segments.yaml:29:25 expected a decimal, found `"much"`'],
    [
      'an unknown event field',
      'timestamp: 2026-11-17T10:00:00Z',
      'timestmp: 2026-11-17T10:00:00Z',
      'RC1216 manifests/segments.yaml:13:38 unknown event field `timestmp`',
    ],
    ['an unknown attribute', 'income >= 80000', 'incom >= 80000', 'RC1207 manifests/segments.yaml:26:8 unknown attribute `incom`'],
  ])('%s', (_, from, to, wanted) => {
    expect(segments).toContain(from);
    using project = starter({ 'manifests/segments.yaml': segments.replace(from, to) });

    expect(problems(project)).toEqual([wanted]);
  });

  test('a calculated column is typed as well', () => {
    using project = starter({
      'manifests/newsletter.yaml': (BASE['manifests/newsletter.yaml'] ?? '').replace(
        '    - {source: homeAddress.countryCode, target: country}',
        '    - {expression: incom * 12, target: country}',
      ),
    });

    expect(problems(project)).toEqual(['RC1207 manifests/newsletter.yaml:18:20 unknown attribute `incom`']);
  });
});

describe('environments and variables', () => {
  const withVariable = { 'manifests/newsletter.yaml': (BASE['manifests/newsletter.yaml'] ?? '').replace('path: out', 'path: "${var.folder}"') };

  test('values come from the chosen environment; --var wins', () => {
    using project = starter({ ...withVariable, 'environments/prod.yaml': 'folder: prod-out\n' });
    const pathOf = (variables: Record<string, string>): unknown =>
      validateProject({ directory: project.directory, environment: 'prod', variables }).index.find('Destination', 'outbox')?.spec.storage;

    expect(pathOf({})).toEqual({ type: 'local', path: 'prod-out' });
    expect(pathOf({ folder: 'mine' })).toEqual({ type: 'local', path: 'mine' });
    expect(problems(project)).toEqual([expect.stringContaining('RC1401') as string]);
  });

  test('an unknown environment, a bad --var: bad usage with a suggestion', () => {
    using project = starter({ 'environments/prod.yaml': 'a: 1\n' });
    const attempt = (environment: string | undefined, variables: Record<string, string>): AppError =>
      failure(() => validateProject({ directory: project.directory, environment, variables }));

    expect(attempt('prdo', {})).toMatchObject({ exit: 64, hint: 'did you mean `prod`?' });
    expect(attempt('../../etc/passwd', {})).toMatchObject({ exit: 64, code: 'RC9003' });
    expect(attempt(undefined, { x: '{a: 1}' })).toMatchObject({ exit: 64, code: 'RC9002' });
    expect(attempt(undefined, { 'a b': '1' })).toMatchObject({ exit: 64, code: 'RC9002' });
  });

  test('an environment that is not a flat map', () => {
    using project = starter({ 'environments/prod.yaml': 'a: {b: 1}\n1x: 2\n' });

    expect(problems(project, 'prod')).toEqual([
      expect.stringMatching(/^RC1406 environments\/prod.yaml:1:1 .*is a map/) as string,
      expect.stringMatching(/^RC1406 environments\/prod.yaml:2:1/) as string,
    ]);
  });
});

describe('reconcile.yaml alone', () => {
  test('is read without the other manifests', () => {
    using project = createTempProject({ 'reconcile.yaml': PROJECT, 'manifests/x.yaml': 'a: {' });

    expect(loadProjectFile({ directory: project.directory, environment: undefined, variables: {} }).metadata.name).toBe('p');
  });

  test('is refused when it is wrong', () => {
    using project = createTempProject({ 'reconcile.yaml': PROJECT.replace('spec: {}', 'spec: {state: "postgresql://u:p@h/d"}') });

    expect(failure(() => loadProjectFile({ directory: project.directory, environment: undefined, variables: {} }))).toMatchObject({ exit: 8 });
  });
});

test('files beside the manifests that something is told of are counted, too', () => {
  const cards = Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`destinations/t${index}/destination.yaml`, 'kind: nothing\n']));
  using project = starter(cards);

  const { diagnostics, fileCount } = validateProject({ directory: project.directory, environment: undefined, variables: {} });
  const manifests = Object.keys(BASE).filter((path) => path === 'reconcile.yaml' || /^manifests\/.*\.yaml$/.test(path)).length;
  expect(summarizeDiagnostics(diagnostics, fileCount)).toMatch(new RegExp(`^\\d+ errors in 9 of ${manifests + 9} files$`));
});

test('the summary counts errors, warnings and files', () => {
  expect(summarizeDiagnostics([], 3)).toBe('');
  expect(
    summarizeDiagnostics(
      [
        { code: 'a', severity: 'error', message: 'm', file: 'x' },
        { code: 'a', severity: 'error', message: 'm', file: 'x' },
        { code: 'a', severity: 'warning', message: 'm', file: 'y' },
      ],
      14,
    ),
  ).toBe('2 errors, 1 warning in 2 of 14 files');
});
