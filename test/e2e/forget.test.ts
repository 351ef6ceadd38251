import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { generateKey } from 'openpgp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Run } from '../../src/model/run.ts';
import { unfinishedName } from '../../src/storage/unfinished-name.ts';
import { reconcile, type Ended } from '../support/reconcile.ts';
import { createShopProject, PEOPLE_SOURCE } from '../support/shop-project.ts';
import { createTempProject, type TempProject } from '../support/temp-project.ts';

const WHO = 'p7@example.org';
const SLOTS = ['2026-01-01T02:00:00Z', '2026-01-02T02:00:00Z', '2026-01-03T02:00:00Z'] as const;

function activation(name: string, destination: string, segment: string, mapping: string, file: string): string {
  return `---
apiVersion: reconcile/v1
kind: Activation
metadata: {name: ${name}}
spec:
  destination: ${destination}
  segments: [${segment}]
  mapping: [${mapping}]
  export: incremental
  schedule: {every: 24h, at: "02:00", start: 2026-01-01}
  file: {name: "%DESTINATION%_%SEGMENT_ID%_${name}_%DATETIME(YYYYMMdd_HHmmss)%", ${file}}
`;
}

const MANIFESTS = `apiVersion: reconcile/v1
kind: Source
metadata: {name: shop}
spec: {engine: duckdb, datasets: {people: {path: people.csv}, mails: {path: mails.csv}}}
---
apiVersion: reconcile/v1
kind: Attributes
metadata: {name: person}
spec:
  source: shop
  dataset: people
  identities: {crmId: {column: id, primary: true}, Email: {column: email}}
  fields: {first: {column: first, type: string}, mail: {column: email, type: string}}
---
apiVersion: reconcile/v1
kind: Attributes
metadata: {name: mailer}
spec: {source: shop, dataset: mails, identities: {Email: {column: email, primary: true}}, fields: {n: {column: n, type: integer}}}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: everybody}
spec: {attributes: person, pql: 'first != "nobody"'}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: mailers}
spec: {attributes: mailer, pql: 'n >= 0'}
---
apiVersion: reconcile/v1
kind: Destination
metadata: {name: plain}
spec: {type: local-directory, storage: {type: local, path: out/plain}}
---
apiVersion: reconcile/v1
kind: Destination
metadata: {name: sealed}
spec: {type: local-directory, storage: {type: local, path: out/sealed}, encryption: {pgpPublicKey: {file: key.asc}}}
${activation('hashed', 'plain', 'everybody', '{source: identityMap.Email, target: email_sha256, transform: sha256}, {source: first}', 'compression: gzip')}${activation('sealed', 'sealed', 'everybody', '{source: identityMap.crmId, target: id}, {source: mail}', 'compression: zstd')}${activation('keyed', 'plain', 'everybody', '{source: mail, key: true}, {source: first}', 'format: parquet, manifest: true, checksums: true')}${activation('strict', 'plain', 'everybody', '{source: identityMap.crmId, target: id}, {source: first, expect: {pattern: "[A-M].*"}}', 'format: json')}${activation('bymail', 'plain', 'mailers', '{source: identityMap.Email, target: email}, {source: n}', 'sort: true')}`;
const NAMES = ['hashed', 'sealed', 'keyed', 'strict', 'bymail'] as const;
let project: TempProject;

beforeAll(async () => {
  const { publicKey } = await generateKey({ userIDs: [{ name: 'receiver' }], type: 'curve25519', format: 'armored' });
  const people = Array.from({ length: 40 }, (_, id) => `${id},${id % 3 === 0 ? 'Ann' : 'Zoe'},${id === 7 ? 'P7@Example.org' : `p${id}@example.org`}`);
  const mails = Array.from({ length: 20 }, (_, id) => `p${id}@example.org,${id}`);
  project = createTempProject({
    'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: e2e}\nspec: {}\n',
    'manifests/all.yaml': MANIFESTS,
    'key.asc': publicKey,
    'people.csv': `id,first,email\n${people.join('\n')}\n`,
    'mails.csv': `email,n\n${mails.join('\n')}\n`,
  });
  const applied = await call('2026-01-01T00:00:00Z', 'apply', '--auto-approve', '--no-input');
  expect(applied.code, applied.stderr + applied.stdout).toBe(0);
  const ran = await call(SLOTS[0], 'run', ...NAMES, '--slot', SLOTS[0]);
  expect(ran.code, ran.stderr + ran.stdout).toBe(0);
}, 60_000);
afterAll(() => project[Symbol.dispose]());

function call(now: string, ...args: readonly string[]): Promise<Ended> {
  return reconcile(['-C', project.directory, '--now', now, ...args]);
}

function runsOf(ended: Ended): readonly Run[] {
  return (JSON.parse(ended.stdout) as { runs: readonly Run[] }).runs;
}

async function runOf(activationName: string): Promise<Run> {
  const [run] = runsOf(await call(SLOTS[0], 'runs', 'list', '--activation', activationName, '--status', 'success', '--limit', '1', '--json'));
  if (run === undefined) throw new Error(`no run of ${activationName}`);
  return run;
}

function filesBelow(folder: string): ReadonlyMap<string, Buffer> {
  const found = readdirSync(join(project.directory, folder), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return new Map(found.map((entry) => [join(entry.parentPath, entry.name), readFileSync(join(entry.parentPath, entry.name))]));
}

function naming(text: string): readonly string[] {
  return [...filesBelow('.reconcile')].filter(([, bytes]) => bytes.toString('latin1').toLowerCase().includes(text)).map(([path]) => path);
}

test('replay without the kept files: built again, every byte equal, and said so; encrypted files are refused and what is visible stays', async () => {
  const before = filesBelow('out');
  for (const { run } of await Promise.all(NAMES.map(async (name) => ({ run: await runOf(name) })))) {
    const kept = await call('2026-01-01T03:00:00Z', 'runs', 'replay', run.id, '--json');
    expect([kept.code, (JSON.parse(kept.stdout) as { from?: string }).from], kept.stderr).toEqual([0, 'spool']);
  }
  // What is kept is no more what was sent, though it is as long.
  const { id: changed } = await runOf('bymail');
  const spool = join(project.directory, '.reconcile', 'spool', changed);
  for (const name of readdirSync(spool)) {
    const bytes = readFileSync(join(spool, name));
    rmSync(join(spool, name));
    writeFileSync(join(spool, name), bytes.fill('x', 0, 1));
  }
  const anew = await call('2026-01-01T03:00:00Z', 'runs', 'replay', changed, '--json');
  expect([anew.code, (JSON.parse(anew.stdout) as { from?: string }).from], anew.stderr).toEqual([0, 'rebuilt']);
  rmSync(join(project.directory, '.reconcile', 'spool'), { recursive: true });
  for (const name of NAMES) {
    const { id } = await runOf(name);
    const replayed = await call('2026-01-01T03:00:00Z', 'runs', 'replay', id, '--json');
    if (name === 'sealed') expect([replayed.code, replayed.stdout]).toEqual([1, expect.stringContaining('RC4021')]);
    else expect([replayed.code, (JSON.parse(replayed.stdout) as { from?: string }).from], replayed.stderr).toEqual([0, 'rebuilt']);
  }
  expect(filesBelow('out')).toEqual(before);
});

test('a member is explained in each export: since which slot, in which file, or by which rule not', async () => {
  const [hashed, sealed, strict] = await Promise.all(['hashed', 'sealed', 'strict'].map((name) => call(SLOTS[0], 'explain', name, '--member', '7')));
  expect(hashed?.stdout).toContain('in everybody since slot 2026-01-01 02:00 UTC (file plain_everybody_hashed_20260101_020000.csv.gz');
  expect(sealed?.stdout).toContain('sealed_everybody_sealed_20260101_020000.csv.zst.pgp');
  expect(strict?.stdout).toContain('excluded from the file: first is not as `expect.pattern` wants it');
});

test('forget: gone from every snapshot, kept file, list of rejects, cache and error on record; never exported nor listed again', async () => {
  // An error that names the person, as the contract wants duplicates named.
  writeFileSync(join(project.directory, 'mails.csv'), `${project.read('mails.csv')}${WHO},99\n`);
  const duplicate = await call(SLOTS[1], 'run', 'bymail', '--slot', SLOTS[1], '--json');
  expect(runsOf(duplicate)[0]?.error?.message).toContain(WHO);
  expect(naming(WHO).length).toBeGreaterThan(2);
  const rejects = join(project.directory, '.reconcile', 'rejects', 'strict', 'everybody');
  expect(readdirSync(rejects).map((name) => /^7,/m.test(readFileSync(join(rejects, name), 'utf8')))).toEqual([true]);

  const forgotten = await call(SLOTS[1], 'forget', '--identity', 'Email=p7@EXAMPLE.org', '--json');
  expect(forgotten.code, forgotten.stderr).toBe(0);
  // In strict's files nobody of that name ever was.
  expect(JSON.parse(forgotten.stdout)).toMatchObject({ members: 4, snapshots: 4, rejects: 1, records: 1 });
  expect(naming(WHO)).toEqual([]);

  const next = runsOf(await call(SLOTS[2], 'run', 'hashed', 'sealed', 'keyed', 'strict', '--slot', SLOTS[2], '--json'));
  const now = runsOf(await call('2026-01-03T03:00:00Z', 'run', 'hashed', 'sealed', 'keyed', 'strict', '--json'));
  expect(next.map(({ counts }) => [counts.activated, counts.reasons['forgotten']])).toEqual(Array.from({ length: 4 }, () => [0, 1]));
  expect(now.slice(0, 3).map(({ counts }) => [counts.received, counts.activated, counts.reasons['forgotten']])).toEqual(
    Array.from({ length: 3 }, () => [40, 39, 1]),
  );
  expect(readdirSync(rejects).some((name) => /^7,/m.test(readFileSync(join(rejects, name), 'utf8')))).toBe(false);
  expect(naming(WHO)).toEqual([]);
});

function keyedBy(name: string, primary: string): string {
  return `---
apiVersion: reconcile/v1
kind: Attributes
metadata: {name: ${name}}
spec: {source: shop, dataset: ${name}, identities: {${primary}: {column: id, primary: true}, Email: {column: email}}, fields: {n: {column: n, type: integer}}}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: ${name}s}
spec: {attributes: ${name}, pql: 'n = 1'}
${activation(name, 'plain', `${name}s`, `{source: identityMap.${primary}, target: id}, {source: n}`, 'sort: true')}`;
}

test('forget: in every spelling, among others with the same id nobody else, still when the source has emptied the identity, and out of a run that was killed before its end', async () => {
  const greek = 'ΝΙΚΟΣ@example.gr';
  using two = createTempProject({
    'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: two}\nspec: {}\n',
    'person.csv': `id,email,n\n7,${greek},1\n8,b@example.org,1\n`,
    'lead.csv': `id,email,n\n7,c@example.org,1\n9,"${greek}\t",1\n`,
    'manifests/all.yaml': `apiVersion: reconcile/v1
kind: Source
metadata: {name: shop}
spec: {engine: duckdb, datasets: {person: {path: person.csv}, lead: {path: lead.csv}}}
---
apiVersion: reconcile/v1
kind: Destination
metadata: {name: plain}
spec: {type: local-directory, storage: {type: local, path: out}}
${keyedBy('person', 'crmId')}${keyedBy('lead', 'leadId')}`,
  });
  const withEnv = (env: Readonly<Record<string, string>>, now: string, ...args: readonly string[]): Promise<Ended> =>
    reconcile(['-C', two.directory, '--now', now, ...args], { env });
  const at = (now: string, ...args: readonly string[]): Promise<Ended> => withEnv({}, now, ...args);
  await at('2026-01-01T00:00:00Z', 'apply', '--auto-approve', '--no-input');
  await at(SLOTS[0], 'run', 'lead', '--slot', SLOTS[0]);
  const killed = await withEnv({ RECONCILE_CRASH_AT: 'snapshot-placed' }, SLOTS[0], 'run', 'person', '--slot', SLOTS[0]);
  expect(killed.signal).toBe('SIGKILL');
  const [{ id = '' } = {}] = runsOf(await at(SLOTS[0], 'runs', 'list', '--activation', 'person', '--json'));
  const unfinished = join('out', unfinishedName('plain_persons_person_20260101_020000.csv', id));
  two.write(unfinished, 'id,n\n7,1\n');

  const forgotten = await at(SLOTS[1], 'forget', '--identity', `Email=${greek}`, '--json');
  expect(JSON.parse(forgotten.stdout)).toMatchObject({ members: 2, snapshots: 2 });
  expect(() => two.read(unfinished)).toThrow('ENOENT');
  const ran = await at(SLOTS[0], 'run', 'person', 'lead', '--slot', SLOTS[0], '--json');
  expect(runsOf(ran).map(({ status, counts }) => [status, counts.activated])).toEqual(Array.from({ length: 2 }, () => ['success', 2]));
  two.write('person.csv', 'id,email,n\n7,,1\n8,b@example.org,1\n');
  const next = await at(SLOTS[1], 'run', 'person', 'lead', '--slot', SLOTS[1], '--json');
  const now = await at('2026-01-02T03:00:00Z', 'run', 'person', 'lead', '--json');
  // Lead 7 is somebody else than person 7: it stays delivered and is not sent again.
  expect(runsOf(next).map(({ counts }) => [counts.received, counts.reasons])).toEqual(Array.from({ length: 2 }, () => [1, { forgotten: 1 }]));
  expect(runsOf(now).map(({ counts }) => [counts.activated, counts.reasons])).toEqual(Array.from({ length: 2 }, () => [1, { forgotten: 1 }]));
});

test('forget: whoever has left the source is known by what their membership carries, hashed; a replay that builds anew does not send them', async () => {
  using shop = createTempProject({
    'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: left}\nspec: {}\n',
    'people.csv': 'id,email,phone,first\n1,jo@example.org,0049 170 1,Jo\n2,ann@example.org,0049 170 2,Ann\n3,zoe@example.org,0049 170 3,Zoe\n',
    'manifests/all.yaml': `${PEOPLE_SOURCE}
---
apiVersion: reconcile/v1
kind: Attributes
metadata: {name: person}
spec:
  source: shop
  dataset: people
  identities: {crmId: {column: id, primary: true}, Email: {column: email}, Phone: {column: phone}}
  fields: {first: {column: first, type: string}}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: everybody}
spec: {attributes: person, pql: 'first != "nobody"'}
---
apiVersion: reconcile/v1
kind: Destination
metadata: {name: plain}
spec: {type: local-directory, storage: {type: local, path: out}}
${activation('plain', 'plain', 'everybody', '{source: identityMap.crmId, target: id}, {source: first}', 'sort: true')}${activation('email', 'plain', 'everybody', '{source: identityMap.Email, target: hash, key: true, transform: sha256}', 'sort: true')}${activation('phone', 'plain', 'everybody', '{source: identityMap.Phone, target: hash, key: true, transform: sha256}', 'sort: true')}`,
  });
  const at = (now: string, ...args: readonly string[]): Promise<Ended> => reconcile(['-C', shop.directory, '--now', now, ...args]);
  await at('2026-01-01T00:00:00Z', 'apply', '--auto-approve', '--no-input');
  const first = runsOf(await at(SLOTS[0], 'run', 'plain', 'email', 'phone', '--slot', SLOTS[0], '--json'));
  expect(first.map(({ counts }) => counts.activated)).toEqual([3, 3, 3]);
  const people = shop.read('people.csv');
  shop.write('people.csv', people.replace(/^1,.*\n/m, ''));

  const byEmail = await at(SLOTS[1], 'forget', '--identity', 'Email=Jo@example.org', '--json');
  expect(JSON.parse(byEmail.stdout), byEmail.stderr).toMatchObject({ members: 3, snapshots: 3 });
  shop.write('people.csv', people.replace(/^[12],.*\n/gm, ''));
  const byPhone = await at(SLOTS[1], 'forget', '--identity', 'Phone=0049 170 2', '--json');
  expect(JSON.parse(byPhone.stdout), byPhone.stderr).toMatchObject({ members: 3, snapshots: 3 });

  // They are back in the source as they were: the files could be built again byte for byte, with them in it.
  shop.write('people.csv', people);
  const replayed = await at(SLOTS[1], 'runs', 'replay', first[0]?.id ?? '', '--json');
  expect([replayed.code, replayed.stdout]).toEqual([1, expect.stringMatching(/RC4021[^]*the source would give other bytes now/)]);
  const next = runsOf(await at(SLOTS[1], 'run', 'plain', '--slot', SLOTS[1], '--json'));
  expect(next.map(({ counts }) => counts.reasons['forgotten'])).toEqual([2]);
  // A plan tells of them what the run will.
  shop.write('manifests/all.yaml', shop.read('manifests/all.yaml').replace('first != "nobody"', 'first != "none"'));
  const planned = await at(SLOTS[1], 'plan', '--json', '--no-input');
  const { impact } = JSON.parse(planned.stdout) as { impact: readonly { activation: string; excluded: Readonly<Record<string, number>> }[] };
  expect(impact.find(({ activation: of }) => of === 'plain')?.excluded).toEqual({ forgotten: 2 });
});

test('forget: a phone is the same person with other spaces, signs and zeros in it, and nobody else; that nobody is found is told', async () => {
  using shop = createTempProject({
    'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: phones}\nspec: {}\n',
    'person.csv': 'id,email,n\n1,0049 (170) 111-22,1\n2,+49170111-22,1\n3,+49 170 111 23,1\n4,device-4917011122,1\n5,unknown,1\n6,,1\n',
    'manifests/all.yaml': `apiVersion: reconcile/v1
kind: Source
metadata: {name: shop}
spec: {engine: duckdb, datasets: {person: {path: person.csv}}}
---
apiVersion: reconcile/v1
kind: Destination
metadata: {name: plain}
spec: {type: local-directory, storage: {type: local, path: out}}
${keyedBy('person', 'crmId').replace('Email: {', 'Phone: {')}`,
  });
  const at = (now: string, ...args: readonly string[]): Promise<Ended> => reconcile(['-C', shop.directory, '--now', now, ...args]);
  await at('2026-01-01T00:00:00Z', 'apply', '--auto-approve', '--no-input');
  await at(SLOTS[0], 'run', 'person', '--slot', SLOTS[0]);

  const forgotten = await at(SLOTS[1], 'forget', '--identity', 'Phone=+49 170 11122', '--json');
  expect(JSON.parse(forgotten.stdout), forgotten.stderr).toMatchObject({ people: 2, members: 2, snapshots: 1 });
  shop.write('person.csv', `${shop.read('person.csv')}7,+49 170/11122,1\n`);
  const next = runsOf(await at(SLOTS[1], 'run', 'person', '--slot', SLOTS[1], '--json'));
  expect(next.map(({ counts }) => [counts.received, counts.reasons])).toEqual([[3, { forgotten: 3 }]]);

  const nobody = await at(SLOTS[1], 'forget', '--identity', 'Phone=+49 170 99999');
  expect([nobody.code, nobody.stdout]).toEqual([0, expect.stringContaining('nobody has this identity, in the source or in a snapshot')]);
});

test('forget: whoever has left the source is known by the identity’s column where an activation maps it as a field', async () => {
  using shop = createTempProject({
    'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: fields}\nspec: {}\n',
    'people.csv': 'id,email,first\n1,jo@example.org,Jo\n2,ann@example.org,Ann\n',
    'manifests/all.yaml': `${PEOPLE_SOURCE}
---
apiVersion: reconcile/v1
kind: Attributes
metadata: {name: person}
spec:
  source: shop
  dataset: people
  identities: {crmId: {column: id, primary: true}, Email: {column: email}}
  fields: {mail: {column: email, type: string}, first: {column: first, type: string}}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: everybody}
spec: {attributes: person, pql: 'first != "nobody"'}
---
apiVersion: reconcile/v1
kind: Destination
metadata: {name: plain}
spec: {type: local-directory, storage: {type: local, path: out}}
${activation('mail', 'plain', 'everybody', '{source: mail, key: true}, {source: first}', 'sort: true')}`,
  });
  const at = (now: string, ...args: readonly string[]): Promise<Ended> => reconcile(['-C', shop.directory, '--now', now, ...args]);
  await at('2026-01-01T00:00:00Z', 'apply', '--auto-approve', '--no-input');
  expect(runsOf(await at(SLOTS[0], 'run', 'mail', '--slot', SLOTS[0], '--json'))[0]?.counts.activated).toBe(2);
  shop.write('people.csv', 'id,email,first\n2,ann@example.org,Ann\n');
  const forgotten = await at(SLOTS[1], 'forget', '--identity', 'Email=Jo@example.org', '--json');
  expect(JSON.parse(forgotten.stdout), forgotten.stderr).toMatchObject({ members: 1, snapshots: 1 });
  expect(runsOf(await at(SLOTS[1], 'run', 'mail', '--slot', SLOTS[1], '--json'))[0]?.files).toEqual([]);
});

test('forget: several at once are all remembered; a list of them that is none stops every export', async () => {
  using many = createTempProject({
    'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: many}\nspec: {}\n',
    'person.csv': `id,email,n\n${Array.from({ length: 6 }, (_, id) => `${id},p${id}@example.org,1\n`).join('')}`,
    'manifests/all.yaml': `apiVersion: reconcile/v1
kind: Source
metadata: {name: shop}
spec: {engine: duckdb, datasets: {person: {path: person.csv}}}
---
apiVersion: reconcile/v1
kind: Destination
metadata: {name: plain}
spec: {type: local-directory, storage: {type: local, path: out}}
${keyedBy('person', 'crmId')}`,
  });
  const at = (now: string, ...args: readonly string[]): Promise<Ended> => reconcile(['-C', many.directory, '--now', now, ...args]);
  await at('2026-01-01T00:00:00Z', 'apply', '--auto-approve', '--no-input');
  const ended = await Promise.all([0, 1, 2, 3].map((id) => at(SLOTS[0], 'forget', '--identity', `Email=p${id}@example.org`)));
  expect(ended.map(({ code, stderr }) => [code, stderr])).toEqual(Array.from({ length: 4 }, () => [0, '']));
  const list = '.reconcile/suppressed.json';
  const { key, entries } = JSON.parse(many.read(list)) as { readonly key: string; readonly entries: readonly unknown[] };
  expect(entries).toHaveLength(8);
  expect(runsOf(await at(SLOTS[0], 'run', 'person', '--json')).map(({ counts }) => [counts.activated, counts.reasons])).toEqual([[2, { forgotten: 4 }]]);

  const before = many.read(list);
  for (const text of ['', before.slice(0, -40), 'null', '{}', JSON.stringify({ key, entries: [null] }), JSON.stringify({ entries })]) {
    many.write(list, text);
    const stopped = await at(SLOTS[0], 'run', 'person', '--json');
    expect([text, stopped.code, stopped.stdout]).toEqual([text, 1, expect.stringMatching(/RC4022[^]*nothing is exported without it/)]);
  }
  expect(readdirSync(join(many.directory, 'out'))).toHaveLength(1);
});

test('forget: an identity that nothing has is told with the one that is meant', async () => {
  const ended = await call(SLOTS[1], 'forget', '--identity', 'Emial=x@example.org', '--json');
  expect([ended.code, ended.stdout]).toEqual([64, expect.stringMatching(/RC4026[^]*did you mean `Email`/)]);
});

test('forget while a slot has failed and left files: of the others who were in them, who leaves is still told', async () => {
  using project = createShopProject();
  const call = (now: string, ...args: readonly string[]): ReturnType<typeof reconcile> => reconcile(['-C', project.directory, '--now', now, ...args]);
  const load = (rich: string): void =>
    project.write(
      'data/people.csv',
      `id,email,name,income\n${[...'12345'].map((id) => `${id},p${id}@example.com,P,${rich.includes(id) ? 60 : 10}\n`).join('')}`,
    );
  const slot = (time: string): ReturnType<typeof reconcile> => call(time, 'run', 'letter', '--segment', 'rich', '--slot', time);
  const manifest = 'manifests/all.yaml';
  project.write(
    manifest,
    readFileSync(join(project.directory, manifest), 'utf8').replace('  export: incremental', '  file: {maxRows: 2, sort: true}\n  export: incremental'),
  );
  load('1');
  expect(await call('2026-01-01T00:00:00Z', 'apply', '--auto-approve')).toMatchObject({ code: 0 });
  expect(await slot('2026-01-01T02:00:00Z')).toMatchObject({ code: 0 });
  mkdirSync(join(project.directory, 'out', 'outbox_rich_20260101_080000_2.csv'));
  // 2 and 3 are visible.
  load('1234');
  expect(await slot('2026-01-01T08:00:00Z')).toMatchObject({ code: 1 });
  expect(await call('2026-01-01T09:00:00Z', 'forget', '--identity', 'crmId=3')).toMatchObject({ code: 0 });
  const spools = join(project.directory, '.reconcile', 'spool');
  const left = readdirSync(spools, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  expect(left.map(({ name }) => name).toSorted()).toEqual(['left.parquet', 'left.parquet.sha256']);
  const instance = await DuckDBInstance.create();
  const connection = await instance.connect();
  const [kept] = left.filter(({ name }) => name === 'left.parquet').map((entry) => join(entry.parentPath, entry.name));
  const rows = (await connection.runAndReadAll(`select cast(id as varchar) from read_parquet('${kept}') order by 1`)).getRowsJS();
  connection.closeSync();
  expect(rows.flat()).toEqual(['1', '2', '4']);
  load('145');

  expect(await slot('2026-01-01T14:00:00Z')).toMatchObject({ code: 6, stdout: expect.stringContaining('RC4012') });
  expect(readFileSync(join(project.directory, 'out', 'outbox_rich_20260101_140000.csv'), 'utf8')).toContain('p2@example.com,P,exited\n');
});
