/** What users of sftp meet: each trouble told apart, with what to do, nothing half visible, and no secret in anything that is said. */
import { execFile, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { chmod, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { StorageSpec } from '../../src/model/generated/kinds.ts';
import { readHostKeys } from '../../src/storage/sftp/host-key.ts';
import { createStorage } from '../../src/storage/create-storage.ts';
import { probeStorage } from '../../src/storage/probe.ts';
import { describeWithServer } from '../support/servers/real-server.ts';
import { SSHD, startSshd, type Sshd } from '../support/servers/sshd.ts';
import { bytesOf, patternedBytes, spoolFile } from '../support/spool-file.ts';
import { troubleBench } from '../support/trouble-bench.ts';

const { folder, secrets, secret, retry, troubleOf } = troubleBench();

describeWithServer('trouble with sftp', SSHD, () => {
  let server: Sshd;
  beforeAll(async () => {
    server = await startSshd();
    Object.assign(secrets, {
      RIGHT_KEY: server.keys.right,
      WRONG_KEY: server.keys.wrong,
      LOCKED_KEY: server.keys.locked,
      PASSPHRASE: server.passphrase,
      WRONG_PASSPHRASE: 'wrong-passphrase-canary',
      PASSWORD: server.password ?? '',
      WRONG_PASSWORD: 'wrong-password-canary',
      NO_KEY: 'not-a-key-canary',
    });
  });
  afterAll(() => server[Symbol.asyncDispose]());
  const spec = (more: object): StorageSpec => ({
    type: 'sftp',
    host: '127.0.0.1',
    port: server.port,
    username: server.username,
    hostKey: server.hostKeys.ed25519,
    path: server.folder,
    ...more,
  });

  it('delivers with a key, a locked key and a pinned key of another type', async () => {
    for (const more of [
      { privateKey: { env: 'RIGHT_KEY' } },
      { privateKey: { env: 'LOCKED_KEY' }, passphrase: { env: 'PASSPHRASE' } },
      { privateKey: { env: 'RIGHT_KEY' }, hostKey: server.hostKeys.rsa },
      ...(server.password === undefined ? [] : [{ password: { env: 'PASSWORD' } }]),
    ]) {
      expect(await troubleOf(spec(more))).toMatchObject({ kind: 'none' });
      await rm(join(server.folder, 'trouble.csv'));
    }
  });

  it('lets the group read and remove what it delivered', async () => {
    await troubleOf(spec({ privateKey: { env: 'RIGHT_KEY' }, path: join(server.folder, 'made', 'deep'), mkdir: true }));

    expect((await stat(join(server.folder, 'made', 'deep', 'trouble.csv'))).mode & 0o060).toBe(0o060);
    expect((await stat(join(server.folder, 'made'))).mode & 0o070).toBe(0o070);
  });

  it.each([
    ['a wrong key', { privateKey: { env: 'WRONG_KEY' } }, 'authentication', /private key/, /register its public half/],
    ['a wrong password', { password: { env: 'WRONG_PASSWORD' } }, 'authentication', /password/, /storage\.password/],
    [
      'a wrong passphrase',
      { privateKey: { env: 'LOCKED_KEY' }, passphrase: { env: 'WRONG_PASSPHRASE' } },
      'authentication',
      /passphrase/,
      /storage\.passphrase/,
    ],
    ['a missing passphrase', { privateKey: { env: 'LOCKED_KEY' } }, 'authentication', /locked with a passphrase/, /storage\.passphrase/],
    ['something that is no key', { privateKey: { env: 'NO_KEY' } }, 'authentication', /cannot read the private key/, /BEGIN and END/],
    ['another host key', { privateKey: { env: 'RIGHT_KEY' }, hostKey: `SHA256:${'A'.repeat(43)}` }, 'host-key', /shown SHA256:/, /operator/],
    ['no way to log in', {}, 'configuration', /no way to log in/, /storage\.privateKey/],
  ] as const)('tells %s', async (_, more, kind, message, hint) => {
    const trouble = await troubleOf(spec(more));

    expect(trouble).toMatchObject({ kind });
    expect(trouble.message).toMatch(message);
    expect(trouble.hint).toMatch(hint);
    expect(await readdir(server.folder)).not.toContain('trouble.csv');
  });

  it('tells a missing folder, a read-only one and a full disk', async () => {
    const privateKey = { env: 'RIGHT_KEY' };
    expect(await troubleOf(spec({ privateKey, path: join(server.folder, 'nowhere') }))).toMatchObject({
      kind: 'missing-folder',
      hint: expect.stringContaining('mkdir'),
    });
    expect(await troubleOf(spec({ privateKey, path: server.readOnly }))).toMatchObject({ kind: 'permission' });
    if (server.password === undefined) return;
    const large = await spoolFile(folder, patternedBytes(5 * 2 ** 20));
    expect(await troubleOf(spec({ privateKey, path: server.tinyDisk }), large)).toMatchObject({ kind: 'no-space', message: expect.stringContaining('full') });
  });

  it('goes on once there is room again', async () => {
    if (server.password === undefined) return;
    const tiny = await createStorage(spec({ privateKey: { env: 'RIGHT_KEY' }, path: server.tinyDisk }), { root: folder, secret, retry });
    await using _ = tiny;
    const half = await spoolFile(folder, patternedBytes(2 * 2 ** 20));
    await tiny.abandon('trouble.csv', 'trouble');
    await tiny.publish('first.csv', half, { replace: false, token: 'one' });
    await expect(tiny.publish('second.csv', half, { replace: false, token: 'two' })).rejects.toMatchObject({ kind: 'no-space' });
    expect(await tiny.stat('second.csv')).toBeUndefined();

    await tiny.remove('first.csv');
    await tiny.publish('second.csv', half, { replace: false, token: 'two' });

    expect((await bytesOf(await tiny.read('second.csv'))).equals(patternedBytes(2 * 2 ** 20))).toBe(true);
  });

  it('never writes through a link that stands where the upload goes', async () => {
    const victim = join(server.folder, 'victim.txt');
    await writeFile(victim, 'precious');
    await chmod(victim, 0o666);
    await symlink(victim, join(server.folder, '.trouble.csv.trouble.part'));

    expect(await troubleOf(spec({ privateKey: { env: 'RIGHT_KEY' } }))).toMatchObject({ kind: 'permission' });

    expect(await readFile(victim, 'utf8')).toBe('precious');
  });

  it('leaves nothing beside a file of somebody else that took its name meanwhile', async () => {
    const at = join(server.folder, 'raced');
    await using storage = await createStorage(spec({ privateKey: { env: 'RIGHT_KEY' }, path: at, mkdir: true }), { root: folder, secret, retry });
    await storage.publish('first.csv', await spoolFile(folder, Buffer.from('first')), { replace: false, token: 'raced' });
    const onProgress = (): void => writeFileSync(join(at, 'taken.csv'), 'theirs');
    const raced = storage.publish('taken.csv', await spoolFile(folder, patternedBytes(200_000)), { replace: false, token: 'raced', onProgress });

    await expect(raced).rejects.toMatchObject({ kind: 'exists' });
    expect((await readdir(at)).toSorted()).toEqual(['first.csv', 'taken.csv']);
    expect(await readFile(join(at, 'taken.csv'), 'utf8')).toBe('theirs');
  });

  it('makes a folder again that somebody removed between two files', async () => {
    const at = join(server.folder, 'removed');
    await using storage = await createStorage(spec({ privateKey: { env: 'RIGHT_KEY' }, path: at, mkdir: true }), { root: folder, secret, retry });
    const publish = async (name: string): Promise<unknown> =>
      storage.publish(name, await spoolFile(folder, Buffer.from(name)), { replace: false, token: 'removed' });
    await publish('first.csv');
    await rm(at, { recursive: true });

    await expect(publish('second.csv')).rejects.toMatchObject({ kind: 'not-found' });
    await publish('second.csv');
    expect(await readdir(at)).toEqual(['second.csv']);
  });

  it('prints the host keys that can be pinned, without logging in', async () => {
    const keys = await readHostKeys('127.0.0.1', server.port);

    expect(keys).toEqual([
      { type: 'ssh-ed25519', fingerprint: server.hostKeys.ed25519 },
      { type: 'ssh-rsa', fingerprint: server.hostKeys.rsa },
    ]);
    await expect(readHostKeys('127.0.0.1', 1)).rejects.toMatchObject({ kind: 'transient', message: expect.stringContaining('refused') });
  });

  it('delivers with the agent, and says so when none runs', async () => {
    const agent = spawn('ssh-agent', ['-D', '-a', join(folder, 'agent')], { stdio: 'ignore' });
    try {
      vi.stubEnv('SSH_AUTH_SOCK', join(folder, 'agent'));
      await vi.waitFor(() => stat(join(folder, 'agent')), { timeout: 5_000 });
      expect(await troubleOf(spec({ agent: true, path: join(server.folder, 'agent'), mkdir: true }))).toMatchObject({
        kind: 'authentication',
        hint: expect.stringContaining('ssh-add'),
      });
      await promisify(execFile)('ssh-add', ['-q', server.privateKeyFile], { env: process.env });
      expect(await troubleOf(spec({ agent: true, path: join(server.folder, 'agent'), mkdir: true }))).toMatchObject({ kind: 'none' });
      vi.stubEnv('SSH_AUTH_SOCK', '');
      expect(await troubleOf(spec({ agent: true }))).toMatchObject({ kind: 'authentication', message: expect.stringContaining('SSH_AUTH_SOCK') });
    } finally {
      vi.unstubAllEnvs();
      agent.kill();
    }
  });

  it('is found by doctor, which leaves nothing behind', async () => {
    const at = join(server.folder, 'doctor');
    const storage = await createStorage(spec({ privateKey: { env: 'RIGHT_KEY' }, path: at, mkdir: true }), { root: folder, secret, retry });
    const wrong = await createStorage(spec({ privateKey: { env: 'WRONG_KEY' } }), { root: folder, secret, retry });

    const findings = await probeStorage(storage);

    expect(findings.find((one) => one.subject.startsWith('storage'))).toMatchObject({ level: 'ok' });
    expect(findings.map((one) => one.subject)).toEqual(expect.arrayContaining(['server', 'disk space']));
    expect(await readdir(at)).toEqual([]);
    expect(await probeStorage(wrong)).toMatchObject([{ level: 'error', code: 'RC5003', hint: expect.stringContaining('public half') }]);
    await storage[Symbol.asyncDispose]();
    await wrong[Symbol.asyncDispose]();
  });
});
