import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { decrypt, generateKey, readKey, readMessage, readPrivateKey } from 'openpgp';
import { expect, test } from 'vitest';
import { reconcile } from '../support/reconcile.ts';
import { createShopProject } from '../support/shop-project.ts';

const SLOT = '2026-01-01T02:00:00Z';

test('signed, encrypted files with a list that sha256sum checks; a replay sends all of it again', async () => {
  using project = createShopProject();
  const [receiver, sender] = await Promise.all(
    ['receiver', 'sender'].map((name) => generateKey({ userIDs: [{ name }], type: 'curve25519', format: 'armored', passphrase: name })),
  );
  project.write('keys/receiver.asc', receiver?.publicKey ?? '');
  project.write('keys/sender.asc', sender?.privateKey ?? '');
  const manifests = project
    .read('manifests/all.yaml')
    .replace(
      'path: out}}',
      'path: out}, encryption: {pgpPublicKey: {file: keys/receiver.asc}, signWith: {privateKey: {file: keys/sender.asc}, passphrase: {env: SIGN_PASS}}}}',
    )
    .replace('  export: incremental', '  file: {checksums: true, manifest: true, maxRows: 60, compression: gzip}\n  export: incremental');
  project.write('manifests/all.yaml', manifests);
  const out = join(project.directory, 'out');
  const call = (...args: readonly string[]): ReturnType<typeof reconcile> =>
    reconcile(['-C', project.directory, '--now', SLOT, ...args], { env: { SIGN_PASS: 'sender' } });

  const planned = JSON.parse((await call('plan', '--json')).stdout) as { readonly impact: readonly { readonly files: readonly string[] }[] };
  expect(planned.impact.flatMap(({ files: names }) => names)).toEqual(planned.impact.map(() => expect.stringMatching(/\.csv\.gz\.pgp$/) as string));
  const applied = await call('apply', '--auto-approve', '--no-input');
  expect(applied.code, applied.stderr).toBe(0);
  const locked = await reconcile(['-C', project.directory, '--now', SLOT, 'run', 'letter', '--slot', SLOT, '--segment', 'rich'], { env: { SIGN_PASS: 'no' } });
  const ran = await call('run', 'letter', '--slot', SLOT, '--segment', 'rich', '--json');
  const list = readdirSync(out).find((name) => name.endsWith('.sha256')) ?? '';
  const checked = execFileSync('sha256sum', ['--check', '--strict', list], { cwd: out, encoding: 'utf8' });
  const [{ id = '', files = [] } = {}] = (JSON.parse(ran.stdout) as { runs: readonly { id: string; files: readonly { path: string }[] }[] }).runs;
  const opened = await decrypt({
    message: await readMessage({ binaryMessage: new Uint8Array(execFileSync('cat', [join(out, files[0]?.path ?? '')])) }),
    decryptionKeys: await openKey(receiver?.privateKey ?? '', 'receiver'),
    verificationKeys: await readKey({ armoredKey: sender?.publicKey ?? '' }),
    expectSigned: true,
    format: 'binary',
  });

  expect([locked.code, locked.stdout]).toEqual([1, expect.stringContaining('RC4027')]);
  expect(ran.code, ran.stderr).toBe(0);
  expect(checked.trim().split('\n')).toEqual(files.map(({ path }) => `${path}: OK`));
  expect(files.length).toBeGreaterThan(1);
  expect(execFileSync('gzip', ['-dc'], { input: opened.data as Uint8Array, encoding: 'utf8' })).toMatch(/^email,name,status\np1@example.com,/);

  execFileSync('rm', ['-r', out]);
  const replayed = await call('runs', 'replay', id);
  expect(replayed.code, replayed.stderr).toBe(0);
  expect(execFileSync('sha256sum', ['--check', '--strict', list], { cwd: out, encoding: 'utf8' })).toBe(checked);

  // Files for a key that holds no more do not leave again.
  project.write('keys/newer.asc', receiver?.publicKey ?? '');
  project.write('manifests/all.yaml', manifests.replace('keys/receiver.asc', 'keys/newer.asc'));
  expect((await call('apply', '--auto-approve', '--no-input')).code).toBe(0);
  execFileSync('rm', ['-r', out]);
  const refused = await call('runs', 'replay', id);
  expect([refused.code, refused.stderr, existsSync(out)]).toEqual([
    1,
    expect.stringMatching(/RC4021.*before the destination's `encryption` was changed/),
    false,
  ]);
});

test('a literal where signing takes a secret, and signing where nothing is encrypted, are refused with their places', async () => {
  using project = createShopProject();
  const manifests = project.read('manifests/all.yaml');
  project.write(
    'manifests/all.yaml',
    manifests.replace('path: out}}', 'path: out}, encryption: {pgpPublicKey: {file: k.asc}, signWith: {privateKey: "-----BEGIN", passphrase: hunter2}}}'),
  );
  const literal = await reconcile(['-C', project.directory, 'validate']);
  project.write('manifests/all.yaml', manifests.replace('path: out}}', 'path: out}, encryption: {signWith: {privateKey: {file: k.asc}}}}'));
  const bare = await reconcile(['-C', project.directory, 'validate']);

  expect([literal.code, literal.stderr + literal.stdout]).toEqual([8, expect.stringMatching(/RC1403[^]*RC1403/)]);
  expect(literal.stderr + literal.stdout).not.toContain('hunter2');
  expect([bare.code, bare.stderr + bare.stdout]).toEqual([8, expect.stringContaining('pgpPublicKey')]);
});

test('an activation that cannot begin neither stops the others nor hides how they ended; a mistyped name stops all before anything runs', async () => {
  using project = createShopProject();
  const manifests = project.read('manifests/all.yaml');
  const other = manifests
    .slice(manifests.indexOf('---\napiVersion: reconcile/v1\nkind: Destination'))
    .replaceAll('outbox', 'sealed')
    .replaceAll('letter', 'sealed-letter')
    .replace('path: out}}', 'path: sealed}, encryption: {pgpPublicKey: {env: RECEIVER_KEY}}}');
  project.write('manifests/all.yaml', `${manifests}${other}`);
  const call = (env: Readonly<Record<string, string>>, ...args: readonly string[]): ReturnType<typeof reconcile> =>
    reconcile(['-C', project.directory, '--now', SLOT, ...args], { env });
  const { publicKey } = await generateKey({ userIDs: [{ name: 'receiver' }], type: 'curve25519', format: 'armored' });
  const applied = await call({ RECEIVER_KEY: publicKey }, 'apply', '--auto-approve', '--no-input');
  expect(applied.code, applied.stderr).toBe(0);

  const mistyped = await call({}, 'run', 'letter', 'sealed-lettre', '--slot', SLOT);
  const mixed = await call({ RECEIVER_KEY: 'no key' }, 'run', 'sealed-letter', 'letter', '--slot', SLOT, '--json');
  const told = JSON.parse(mixed.stdout) as {
    runs: readonly { activation: string; status: string; error?: { code: string } }[];
  };
  expect([mistyped.code, mistyped.stderr, mistyped.stdout]).toEqual([64, expect.stringContaining('did you mean `sealed-letter`?'), '']);
  expect(mixed.code, mixed.stderr).toBe(6);
  expect(told.runs.map(({ activation, status, error }) => `${activation} ${status} ${error?.code ?? ''}`)).toEqual([
    'sealed-letter failed RC4020',
    'sealed-letter failed RC4020',
    'letter success ',
    'letter success ',
  ]);
});

interface RunJson {
  readonly id: string;
  readonly status: string;
  readonly error?: { readonly code: string; readonly message: string };
}

test('a secret that is missing, a key that is none, a passphrase that is wrong: each attempt is on record, told by status, and goes on once it is mended', async () => {
  using project = createShopProject();
  const { publicKey } = await generateKey({ userIDs: [{ name: 'receiver' }], type: 'curve25519', format: 'armored' });
  const sender = await generateKey({ userIDs: [{ name: 'sender' }], type: 'curve25519', format: 'armored', passphrase: 'open' });
  project.write('keys/sender.asc', sender.privateKey);
  const encryption = 'encryption: {pgpPublicKey: {env: RECEIVER_KEY}, signWith: {privateKey: {file: keys/sender.asc}, passphrase: {env: SIGN_PASS}}}';
  project.write('manifests/all.yaml', project.read('manifests/all.yaml').replace('path: out}}', `path: out}, ${encryption}}`));
  const good = { RECEIVER_KEY: publicKey, SIGN_PASS: 'open' };
  const call = (env: Readonly<Record<string, string>>, ...args: readonly string[]): ReturnType<typeof reconcile> =>
    reconcile(['-C', project.directory, '--now', SLOT, ...args], { env });
  const applied = await call(good, 'apply', '--auto-approve', '--no-input');
  expect(applied.code, applied.stderr).toBe(0);

  const slot = ['run', 'letter', '--segment', 'rich', '--slot', SLOT, '--json'] as const;
  const runOf = (stdout: string): RunJson => (JSON.parse(stdout) as { readonly runs: readonly RunJson[] }).runs[0] ?? { id: '', status: '' };
  const attempts = [
    ['RC1405', {}],
    ['RC4020', { ...good, RECEIVER_KEY: 'CANARY, no key' }],
    ['RC4027', { ...good, SIGN_PASS: 'CANARY' }],
  ] as const;
  const seen: RunJson[] = [];
  for (const [code, env] of attempts) {
    const ended = await call(env, ...slot);
    const run = runOf(ended.stdout);
    seen.push(run);
    expect([ended.code, run]).toMatchObject([1, { status: 'failed', error: { code }, counts: { received: 0, failed: 0 }, files: [] }]);
    expect((await call({}, 'runs', 'list')).stdout).toContain(code);
    const status = JSON.parse((await call({}, 'status', '--json')).stdout) as {
      readonly resources: readonly { readonly kind: string; readonly conditions: readonly object[] }[];
    };
    expect(status.resources.find(({ kind }) => kind === 'Activation')?.conditions).toContainEqual(
      expect.objectContaining({ type: 'Stalled', status: 'True', message: expect.stringContaining(run.error?.message ?? 'nothing') as string }),
    );
    const shown = await call({}, 'runs', 'show', run.id);
    expect(ended.stdout + ended.stderr + JSON.stringify(status) + shown.stdout).not.toContain('CANARY');
  }
  expect(new Set(seen.map(({ id }) => id)).size).toBe(1);
  expect((await call({}, 'runs', 'show', seen[0]?.id ?? '')).stdout).toMatch(/attempt 1 +failed, .*RC1405[^]*attempt 2 +failed, .*RC4020/);

  // The watch records it as well, for the segments that are due.
  const watched = await call({}, 'watch', '--once', '--json');
  expect([watched.code, runOf(watched.stdout)]).toMatchObject([1, { status: 'failed', error: { code: 'RC1405' } }]);

  const ended = await call(good, ...slot);
  expect([ended.code, runOf(ended.stdout)]).toMatchObject([0, { id: seen[0]?.id, status: 'success' }]);
  // What has ended in success needs no key to be shown.
  expect(await call({}, ...slot)).toMatchObject({ code: 0 });
}, 180_000);

test('a key that is replaced where it stands, between a slot that failed and its next attempt: what was encrypted to the old one does not leave', async () => {
  using project = createShopProject();
  const [before, after] = await Promise.all([0, 1].map(() => generateKey({ userIDs: [{ name: 'receiver' }], type: 'curve25519', format: 'armored' })));
  project.write('receiver.asc', before?.publicKey ?? '');
  const manifests = project.read('manifests/all.yaml');
  project.write('manifests/all.yaml', manifests.replace('path: out}}', 'path: out}, encryption: {pgpPublicKey: {file: receiver.asc}}}'));
  const call = (...args: readonly string[]): ReturnType<typeof reconcile> => reconcile(['-C', project.directory, '--now', SLOT, ...args]);
  const run = (): ReturnType<typeof reconcile> => call('run', 'letter', '--segment', 'rich', '--slot', SLOT, '--json');
  expect(await call('apply', '--auto-approve')).toMatchObject({ code: 0 });
  const file = join(project.directory, 'out/outbox_rich_20260101_020000.csv.pgp');
  mkdirSync(file, { recursive: true });
  expect((await run()).stdout).toContain('RC4008');
  rmdirSync(file);

  project.write('receiver.asc', after?.publicKey ?? '');
  const ran = await run();
  const [{ id = '' } = {}] = (JSON.parse(ran.stdout) as { readonly runs: readonly RunJson[] }).runs;
  const message = await readMessage({ binaryMessage: new Uint8Array(readFileSync(file)) });
  const opened = await decrypt({ message, decryptionKeys: await readPrivateKey({ armoredKey: after?.privateKey ?? '' }) });
  expect([ran.code, opened.data]).toEqual([0, expect.stringMatching(/^email,name,status\n/)]);

  // Nor does a replay bring it there again.
  project.write('receiver.asc', before?.publicKey ?? '');
  rmSync(file);
  const replayed = await call('runs', 'replay', id);
  expect([replayed.code, replayed.stderr, existsSync(file)]).toEqual([1, expect.stringMatching(/RC4021.*keys that were replaced since/), false]);
}, 60_000);

async function openKey(armoredKey: string, passphrase: string): ReturnType<typeof readPrivateKey> {
  const { decryptKey } = await import('openpgp');
  return decryptKey({ privateKey: await readPrivateKey({ armoredKey }), passphrase });
}
