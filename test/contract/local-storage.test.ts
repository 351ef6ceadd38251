import { chmod, link, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLocalStorage } from '../../src/storage/local/local-storage.ts';
import { bytesOf, spoolFile } from '../support/spool-file.ts';
import { syncsDuring } from '../support/syncs-during.ts';
import { storageSuite } from './storage-suite.ts';

storageSuite('local', async () => {
  const root = await mkdtemp(join(tmpdir(), 'local-storage-'));
  return { open: async () => createLocalStorage({ root }), [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }) };
});

describe('local storage', () => {
  let folder: string;
  let root: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'local-storage-'));
    root = join(folder, 'out');
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('makes the files readable as the umask says, although the spool’s are private', async () => {
    const storage = createLocalStorage({ root, umask: 0o022 });
    await storage.publish('a/b.csv', await spoolFile(folder, Buffer.from('x')), { replace: false, token: 't' });

    expect((await stat(join(root, 'a/b.csv'))).mode & 0o777).toBe(0o644);
  });

  it('says why a folder cannot be made, and not that something was removed', async () => {
    await symlink('/nowhere/at/all', root);
    const storage = createLocalStorage({ root });
    const file = await spoolFile(folder, Buffer.from('x'));

    await expect(storage.publish('b.csv', file, { replace: false, token: 't' })).rejects.toMatchObject({
      kind: 'configuration',
      message: expect.stringContaining('a link that leads nowhere, stands where a folder should be') as string,
    });
  });

  it('shares the bytes with the spool instead of copying them', async () => {
    const storage = createLocalStorage({ root });
    const file = await spoolFile(folder, Buffer.from('x'.repeat(1000)));
    await storage.publish('b.csv', file, { replace: false, token: 't' });

    expect((await stat(join(root, 'b.csv'))).ino).toBe((await stat(file.path)).ino);
  });

  it('leaves one name behind when the same spool file is published twice', async () => {
    const storage = createLocalStorage({ root });
    const file = await spoolFile(folder, Buffer.from('x'));
    await storage.publish('c.csv', file, { replace: true, token: 't' });
    await storage.publish('c.csv', file, { replace: true, token: 't' });
    await storage.publish('c.csv', file, { replace: false, token: 't' });

    expect(await readdir(root)).toEqual(['c.csv']);
  });

  it('replaces the temporary name that a killed process left', async () => {
    const storage = createLocalStorage({ root });
    await mkdir(root);
    await writeFile(join(root, '.d.csv.t.part'), 'half');
    const other = join(folder, 'precious');
    await writeFile(other, 'precious');
    await link(other, join(root, '.e.csv.t.part'));

    await storage.publish('d.csv', await spoolFile(folder, Buffer.from('whole')), { replace: false, token: 't' });
    await storage.publish('e.csv', await spoolFile(folder, Buffer.from('whole')), { replace: false, token: 't' });

    expect(await readFile(join(root, 'd.csv'), 'utf8')).toBe('whole');
    expect(await readFile(other, 'utf8')).toBe('precious');
    expect((await readdir(root)).sort()).toEqual(['d.csv', 'e.csv']);
  });

  it('has a file on its disk before it has its name, and the name before it is told', async () => {
    const storage = createLocalStorage({ root });
    await mkdir(root);
    for (const replace of [false, true]) {
      const file = await spoolFile(folder, Buffer.from(`replaced: ${replace}`));
      const synced = await syncsDuring(
        () => storage.publish('s.csv', file, { replace, token: 't' }),
        async () => (await readFile(join(root, 's.csv'), 'utf8').catch(() => '')) === `replaced: ${replace}`,
      );
      expect(synced).toEqual([
        { what: 'file', then: false },
        { what: 'folder', then: true },
      ]);
    }
    expect(
      await syncsDuring(
        () => storage.remove('s.csv'),
        async () => readdir(root),
      ),
    ).toEqual([{ what: 'folder', then: [] }]);
  });

  it('has each folder that it made in the one above it, up to the one that was there', async () => {
    const storage = createLocalStorage({ root: join(folder, 'made', 'deep') });
    const named = new Set<string>();
    const file = await spoolFile(folder, Buffer.from('x'));
    await syncsDuring(
      () => storage.publish('deeper/s.csv', file, { replace: false, token: 't' }),
      async (path) => void named.add(path),
    );
    const folders = ['', 'made', 'made/deep', 'made/deep/deeper'].map((path) => join(folder, path));
    expect(folders.filter((path) => !named.has(path))).toEqual([]);
  });

  it('takes names of 255 bytes, whose temporary name would be too long', async () => {
    const storage = createLocalStorage({ root });
    const name = `${'n'.repeat(251)}.csv`;
    await storage.publish(name, await spoolFile(folder, Buffer.from('x')), { replace: false, token: 't' });

    expect(await readdir(root)).toEqual([name]);
  });

  it('follows no link out of its folder', async () => {
    const storage = createLocalStorage({ root });
    const outside = join(folder, 'outside');
    await mkdir(outside);
    await mkdir(root);
    await writeFile(join(outside, 'secret.txt'), 'secret');
    await symlink(outside, join(root, 'link'));
    await symlink(join(outside, 'secret.txt'), join(root, 'file'));
    await symlink(join(outside, 'not-there'), join(root, 'dangling'));
    const file = await spoolFile(folder, Buffer.from('x'));

    for (const key of ['link/new.txt', 'link/sub/new.txt', 'dangling/new.txt']) {
      await expect(storage.publish(key, file, { replace: true, token: 't' })).rejects.toMatchObject({ kind: 'permission' });
    }
    await expect(storage.read('file').then(bytesOf)).rejects.toMatchObject({ kind: 'permission' });
    await expect(storage.read('link/secret.txt').then(bytesOf)).rejects.toMatchObject({ kind: 'permission' });
    await expect(storage.remove('link/secret.txt')).rejects.toMatchObject({ kind: 'permission' });
    expect(await readdir(outside)).toEqual(['secret.txt']);
  });

  it('says what to do when a file stands where the folder should be', async () => {
    await writeFile(root, 'a file');
    const storage = createLocalStorage({ root });

    const failed = storage.publish('x.csv', await spoolFile(folder, Buffer.from('x')), { replace: true, token: 't' });

    await expect(failed).rejects.toMatchObject({ kind: 'configuration', hint: expect.stringContaining('storage.path') });
  });

  it('says what to do when the folder is read-only', async () => {
    await mkdir(root);
    await chmod(root, 0o555);
    // Root may write everywhere but into the kernel's own folders.
    const storage = createLocalStorage({ root: process.getuid?.() === 0 ? '/sys/kernel' : root });

    const failed = storage.publish('x.csv', await spoolFile(folder, Buffer.from('x')), { replace: true, token: 't' });

    await expect(failed).rejects.toMatchObject({ kind: 'permission', code: 'RC5005', hint: expect.stringContaining('folder') });
    await chmod(root, 0o755);
  });
});
