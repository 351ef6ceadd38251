import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { OUTBOX } from '../support/shop-project.ts';
import { createTempProject, type TempProject } from '../support/temp-project.ts';
import { reconcile, type Ended } from '../support/reconcile.ts';

const SEGMENTS = `apiVersion: reconcile/v1
kind: Segment
metadata: {name: german}
spec:
  attributes: person
  pql: |
    cc = "DE" and
    inSegment("buyers")
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: buyers}
spec:
  attributes: person
  pql: |
    (sum E.amount over E from xEvent where E.timestamp occurs <= 30 days before now) >= 10.5
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: named}
spec:
  attributes: person
  pql: 'let A = age in let G = (cc = "DE") in ((G or A > 40) and if(G, A, 0) * 2 > 59 - A)'
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: asked}
spec: {attributes: person, pql: 'if(age > 40, cc = "DE", cc = "FR") or chain(xEvent, timestamp, [A: WHAT(amount > 99), B: WHAT(amount > 1)])'}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: ordered}
spec: {attributes: person, pql: 'chain(xEvent, timestamp, [Big: WHAT(amount > 9), Low: WHAT(amount < 5)]) or chain(xEvent, timestamp, [A: COUNT(4)])'}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: paired}
spec: {attributes: person, pql: 'exists E from xEvent where E.amount > 9, F from xEvent where F.amount > 99'}
`;
const REST = `apiVersion: reconcile/v1
kind: Source
metadata: {name: shop}
spec: {engine: duckdb, datasets: {people: {path: people.csv}, orders: {path: orders.csv}}}
---
apiVersion: reconcile/v1
kind: Attributes
metadata: {name: person}
spec:
  source: shop
  dataset: people
  badValues: exclude
  identities: {crmId: {column: id, primary: true}, Email: {column: email}}
  fields:
    name: {column: name, type: string}
    cc: {column: cc, type: string}
    age: {column: age, type: integer}
  events: {dataset: orders, profile: person_id, timestamp: at, eventType: {value: purchase}, fields: {amount: {column: amount, type: decimal}}}
---
${OUTBOX}
---
apiVersion: reconcile/v1
kind: Activation
metadata: {name: daily}
spec:
  destination: outbox
  segments: [german]
  mapping:
    - {source: identityMap.Email, target: email}
    - {source: name, mandatory: true}
    - source: age
      expect:
        range: {max: 120}
    - {source: segmentMembership.status, target: status}
  export: incremental
  schedule: {every: 24h, at: "02:00", start: 2026-12-01}
`;
const PEOPLE = [
  'id,email,name,cc,age',
  'p1,p1@example.com,Ann,DE,30',
  'p2,p2@example.com,,DE,30',
  'p3,both@example.com,Cid,DE,30',
  'p4,both@example.com,Dee,DE,30',
  'p5,p5@example.com,Eva,FR,30',
  'p6,p6@example.com,Fay,DE,many',
  'p7,p7@example.com,Gus,DE,200',
  'p8,p8@example.com,Hal,DE,30',
  'p9,p9@example.com,Ida,IT,30',
];
const ORDERS = ['person_id,at,amount', ...[1, 2, 3, 4, 5, 6, 7].map((id) => `p${id},2026-11-20T10:00:00Z,10.50`), 'p8,2026-11-20T10:00:00Z,10.49'];
ORDERS.push('p9,2026-11-18T10:00:00Z,3', 'p9,2026-11-19T10:00:00Z,4', 'p9,2026-11-20T10:00:00Z,10');

let project: TempProject;
const call = (now: string, ...args: string[]): Promise<Ended> => reconcile(['-C', project.directory, '--now', now, ...args]);
const explain = async (member: string, name = 'daily'): Promise<string> => {
  const { code, stdout, stderr } = await call('2026-12-01T03:00:00Z', 'explain', name, '--member', member);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
};

beforeAll(async () => {
  project = createTempProject({
    'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: why}\nspec: {}\n',
    'manifests/rest.yaml': REST,
    'manifests/segments.yaml': SEGMENTS,
    'people.csv': `${PEOPLE.join('\n')}\n`,
    'orders.csv': `${ORDERS.join('\n')}\n`,
  });
  expect(await call('2026-12-01T00:00:00Z', 'apply', '--auto-approve')).toMatchObject({ code: 0 });
  expect(await call('2026-12-01T02:00:00Z', 'run', 'daily', '--slot', '2026-12-01T02:00:00Z')).toMatchObject({ code: 0 });
}, 60_000);
afterAll(() => project[Symbol.dispose]());

test('in: since which slot, in which file, by which values on which lines', async () => {
  const told = await explain('p1');
  expect(told).toContain('in german since slot 2026-12-01 02:00 UTC (file outbox_german_20261201_020000.csv');
  expect(told).toMatch(/true +and +manifests\/segments\.yaml:7\n/);
  expect(told).toMatch(/true +cc = "DE" +"DE"\n/);
  expect(told).toMatch(/true +inSegment\("buyers"\) +manifests\/segments\.yaml:8\n/);
  expect(told).toMatch(/true +\(sum E\.amount .* >= 10\.5 +/);
  expect(told).toMatch(/\n {8,}\(sum E\.amount .* 10\.50\n/);
  expect(told).toMatch(/E\.timestamp occurs <= 30 days before now +true of 1 in 1/);
  expect(told).not.toContain('excluded');
});

test.each([
  ['p2', /name is mandatory and empty +manifests\/rest\.yaml:33$/m],
  ['p6', /`age` is not of the declared type +manifests\/rest\.yaml:17$/m],
  ['p7', /age is outside `expect\.range` +manifests\/rest\.yaml:36$/m],
  ['p4', /`p3` has the same email and goes out +manifests\/rest\.yaml:32$/m],
])('%s is a member and left out of the file', async (member, why) => {
  const told = await explain(member);
  expect(told).toMatch(/^in german/);
  expect(told).toMatch(why);
  expect(told).not.toContain('(file');
});

test('out: by which part', async () => {
  const [country, amount] = [await explain('p5'), await explain('p8')];
  expect(country).toMatch(/^not in german\n/);
  expect(country).toMatch(/false +cc = "DE" +"FR"/);
  expect(country).toMatch(/true +inSegment/);
  expect(amount).toMatch(/false +inSegment/);
  expect(amount).toMatch(/10\.49/);
  expect(await explain("p'; drop", 'daily')).toBe("not in german: the source has no profile `p'; drop`\n");
});

/** What is told line by line, without places and columns. */
async function linesFor(member: string, name: string): Promise<readonly string[]> {
  return (await explain(member, name)).split('\n').map((line) =>
    line
      .replace(/ {3}manifests.*/, '')
      .trim()
      .replaceAll(/ {2,}/g, '  '),
  );
}

test('what was not asked is not told as unknown or false: the other way of `if`, steps behind one that is never complete', async () => {
  expect((await linesFor('p1', 'asked')).slice(2)).toEqual([
    'false  if(age > 40, cc = "DE", cc = "FR")',
    'false  age > 40  30',
    'false  cc = "FR"  "DE"',
    'false  chain(xEvent, timestamp, [A: WHAT(amount  … : WHAT(amount > 1)])  step A: no event fits',
    'false  amount > 99  true of 0 in 1',
    '',
  ]);
});

test('a sequence that is not complete tells the step that lacks events, be it for their order alone', async () => {
  expect((await linesFor('p9', 'ordered')).slice(2)).toEqual([
    'false  chain(xEvent, timestamp, [Big: WHAT(amoun … : WHAT(amount < 5)])  step Low: 2 events fit, none later than step Big (2026-11-20T10:00:00Z)',
    'true  amount > 9  true of 1 in 3',
    'true  amount < 5  true of 2 in 3',
    'false  chain(xEvent, timestamp, [A: COUNT(4)])  step A: 3 events fit, 4 are needed',
    '',
  ]);
});

test('of several bindings each is told by its own text', async () => {
  expect((await linesFor('p9', 'paired')).slice(1)).toEqual([
    'false  exists E from xEvent where E.amount > 9,  …  where F.amount > 99  no event of 3',
    'false  and  true of 0 in 3',
    'true  E.amount > 9  true of 1 in 3',
    'false  F from xEvent where F.amount > 99  true of 0 in 3',
    'false  F.amount > 99  true of 0 in 9',
    '',
  ]);
});

test('what `let` names has its value, and a truth that decides by itself has a line', async () => {
  const lines = await linesFor('p1', 'named');
  expect(lines.slice(3, 11)).toEqual([
    'true  (cc = "DE")  "DE"',
    'true  and',
    'true  or',
    'true  G',
    'false  A > 40  30',
    'true  if(G, A, 0) * 2 > 59 - A  if(G, A, 0) * 2: 60  59 - A: 29',
    'true  G',
    '',
  ]);
});

test('a segment alone, and JSON for machines', async () => {
  expect(await explain('p5', 'buyers')).toMatch(/^in buyers\n/);
  const { stdout } = await call('2026-12-01T03:00:00Z', 'explain', 'daily', '--member', 'p2', '--json');
  expect(JSON.parse(stdout)).toMatchObject({
    activation: 'daily',
    member: 'p2',
    segments: [
      {
        segment: 'german',
        known: true,
        member: true,
        delivered: false,
        // Left out, and a member all the same: where members compete for a key, since when is on record.
        since: '2026-12-01T02:00:00Z',
        files: [],
        excluded: { reason: 'no name', file: 'manifests/rest.yaml', line: 33 },
        rules: { german: { kind: 'and', truth: true, file: 'manifests/segments.yaml', line: 7 }, buyers: { truth: true } },
      },
    ],
  });
});

test('names that are not applied and a missing --member are bad usage', async () => {
  expect(await call('2026-12-01T03:00:00Z', 'explain', 'dail', '--member', 'p1')).toMatchObject({ code: 64, stderr: expect.stringContaining('RC4015') });
  expect(await call('2026-12-01T03:00:00Z', 'explain', 'Segment/daily', '--member', 'p1')).toMatchObject({ code: 64 });
  expect(await call('2026-12-01T03:00:00Z', 'explain', 'daily')).toMatchObject({ code: 64 });
});

test('who left, who was forgotten, and a rule edited since', async () => {
  project.write('people.csv', `${PEOPLE.filter((line) => !line.startsWith('p1,')).join('\n')}\n`);
  const gone = await explain('p1');
  expect(gone).toContain('no longer in german: the source has no profile `p1`; was in it since slot 2026-12-01 02:00 UTC');
  expect(gone).toContain('the next file says that they left');
  // Somebody else has the email of p3 and stays.
  project.write('people.csv', `${PEOPLE.filter((line) => !line.startsWith('p3,')).join('\n')}\n`);
  const taken = await explain('p3');
  expect(taken).toContain('no longer in german');
  expect(taken).toContain('no file says that they left: another member, or another who left, has the same key');
  expect(taken).not.toContain('the next file says');
  project.write('people.csv', `${PEOPLE.filter((line) => !line.startsWith('p1,')).join('\n')}\n`);

  expect(await call('2026-12-01T03:00:00Z', 'forget', '--identity', 'crmId=p3')).toMatchObject({ code: 0 });
  expect(await explain('p3')).toContain('excluded from the file: the person was forgotten');
  expect(await explain('p4')).toContain('in no file of a slot yet: the next one has them');

  project.write('manifests/segments.yaml', `# moved\n${SEGMENTS.replace('"DE"', '"AT"')}`);
  const edited = await call('2026-12-01T03:00:00Z', 'explain', 'daily', '--member', 'p4');
  expect(edited.stdout).toMatch(/true +and +manifests\/segments\.yaml:1\n/);
  expect(edited.stderr).toContain('Segment/german edited since applied');
  rmSync(join(project.directory, 'manifests'), { recursive: true });
  expect(await call('2026-12-01T03:00:00Z', 'explain', 'daily', '--member', 'p4')).toMatchObject({ code: 0 });
}, 60_000);

const twoPeople = (name: string): string => `id,email,name,cc,age\np1,,Ann,DE,30\np2,,${name},DE,31\n`;

test('who was left out of the file of their first slot is not told to stand in it, where a value has to be unique', async () => {
  const rest = REST.replace('{source: identityMap.Email, target: email}', '{source: identityMap.crmId, target: id}').replace(
    'range: {max: 120}',
    'unique: true',
  );
  using unique = createTempProject({
    'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: why}\nspec: {}\n',
    'manifests/rest.yaml': rest,
    'manifests/segments.yaml': SEGMENTS,
    'people.csv': twoPeople(''),
    'orders.csv': `${ORDERS.join('\n')}\n`,
  });
  const ask = (day: number, ...args: string[]): Promise<Ended> => reconcile(['-C', unique.directory, '--now', `2026-12-0${day}T02:00:00Z`, ...args]);
  expect(await ask(1, 'apply', '--auto-approve')).toMatchObject({ code: 0 });
  expect(await ask(1, 'run', 'daily', '--slot', '2026-12-01T02:00:00Z')).toMatchObject({ code: 0 });
  unique.write('people.csv', twoPeople('Bea'));
  expect(await ask(2, 'run', 'daily', '--slot', '2026-12-02T02:00:00Z')).toMatchObject({ code: 0 });
  expect((await ask(2, 'explain', 'daily', '--member', 'p2')).stdout).toContain('(file outbox_german_20261201_020000.csv, or a later one)');
}, 60_000);
