/** What servers of SFTP are set up to do, through the public door: each is delivered to, or told as what it is. */
import { readFile, writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import type { SftpStorageSpec } from '../../src/model/generated/kinds.ts';
import { reconcile, type Ended } from '../support/reconcile.ts';
import { CAN_MOUNT, describeWithServer } from '../support/servers/real-server.ts';
import { SSHD, startSshd } from '../support/servers/sshd.ts';
import { SMALL_DELIVERY_APPLIED, SMALL_DELIVERY_NOW, SMALL_DELIVERY_SLOT, smallDelivery } from '../support/small-delivery.ts';
import { createTempProject } from '../support/temp-project.ts';

const SFTP_SERVER = '/usr/lib/openssh/sftp-server';
const HAS_IPV6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));

interface Setup {
  readonly config?: readonly string[];
  readonly spec?: Partial<SftpStorageSpec>;
  /** Characters of each person's name: 2,000 make a file that goes up in a thread. */
  readonly nameLength?: number;
  readonly prepare?: (folder: string) => Promise<void>;
}

async function deliver({ config = [], spec = {}, nameLength = 30, prepare }: Setup): Promise<Ended> {
  await using server = await startSshd(config);
  await prepare?.(server.folder);
  const files = smallDelivery('sftp', server.spec(spec));
  using project = createTempProject({
    ...files,
    password: server.password ?? '',
    'data/people.csv': files['data/people.csv']?.replaceAll('x'.repeat(30), 'x'.repeat(nameLength)) ?? '',
  });
  const call = (now: string, ...args: readonly string[]): Promise<Ended> => reconcile(['-C', project.directory, '--now', now, ...args]);
  expect(await call(SMALL_DELIVERY_APPLIED, 'apply', '--auto-approve')).toMatchObject({ code: 0 });
  const ended = await call(SMALL_DELIVERY_NOW, 'run', 'remote', '--slot', SMALL_DELIVERY_SLOT);
  if (server.password !== undefined) expect(ended.stdout + ended.stderr).not.toContain(server.password);
  return ended;
}

const expire = async (folder: string): Promise<void> => {
  const shadow = join(dirname(folder), 'shadow');
  await writeFile(shadow, (await readFile(shadow, 'utf8')).replace(':19000:0:99999:', ':0:0:99999:'));
};

describeWithServer('a server of SFTP', SSHD, () => {
  test('that lets a user in once at a time takes large files too', { timeout: 120_000 }, async () => {
    const ended = await deliver({ config: [`ForceCommand exec flock -n "$HOME/lock" ${SFTP_SERVER}`], nameLength: 2000 });
    expect(ended, ended.stdout).toMatchObject({ code: 0, stdout: expect.stringMatching(/40\.\d MB .* read back: equal/) });
  });

  test.runIf(CAN_MOUNT)('that wants an expired password changed', { timeout: 60_000 }, async () => {
    // oxlint-disable-next-line typescript/consistent-type-assertions -- a key that is taken away
    const spec = { privateKey: undefined, password: { file: 'password' } } as unknown as Partial<SftpStorageSpec>;
    const ended = await deliver({ spec, prepare: expire });
    expect(ended.stdout).toMatch(/the login holds, but it opens no SFTP channel \(.*exit code 1/);
    expect(ended.stdout).toMatch(/log in once by hand, which shows what it says: sftp -P \d+ reconcile-tester@127\.0\.0\.1; a password may have to be changed/);
  });

  test('that wants a password besides the key', { timeout: 60_000 }, async () => {
    const ended = await deliver({ config: ['AuthenticationMethods publickey,password'] });
    expect(ended.stdout).toMatch(/took the private key, and wants password besides/);
    expect(ended.stdout).toContain('ask its operator to let one of them do');
  });

  test('that lets nobody read what was delivered', { timeout: 60_000 }, async () => {
    const ended = await deliver({ config: ['ForceCommand internal-sftp -P read'] });
    expect(ended.stdout).toMatch(/cannot read .* permission denied\n +. ask the server’s operator for the right to read there too/);
  });

  test.runIf(HAS_IPV6)('at an IPv6 address, as it stands in URLs too', { timeout: 60_000 }, async () => {
    const ended = await deliver({ config: ['ListenAddress ::1'], spec: { host: '[::1]' } });
    expect(ended, ended.stdout).toMatchObject({ code: 0 });
  });
});
