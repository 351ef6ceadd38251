import { execFile } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { SftpStorageSpec } from '../../../src/model/generated/kinds.ts';
import { findServer, freePort, startServer } from './real-server.ts';

const run = promisify(execFile);

export const SSHD: string | undefined = findServer('/usr/sbin/sshd', '/usr/bin/sshd', 'openssh/usr/sbin/sshd');

/** The account of the tests' own sshd: it exists in that process's view of /etc only. */
const TESTER = { name: 'reconcile-tester', id: 54321, password: 'right-password-canary' };

export interface Sshd extends AsyncDisposable {
  readonly port: number;
  readonly username: string;
  /** Undefined where the tests do not run as root and so cannot have an account of their own. */
  readonly password: string | undefined;
  /** `SHA256:…` by type. */
  readonly hostKeys: { readonly ed25519: string; readonly rsa: string };
  /** Texts of private keys: one that is let in, the same locked with `passphrase`, and one that is not let in. */
  readonly keys: { readonly right: string; readonly locked: string; readonly wrong: string };
  readonly passphrase: string;
  readonly privateKeyFile: string;
  /** A folder the account may write to. */
  readonly folder: string;
  /** A folder of 3 MiB (root only), and one it may not write to. */
  readonly tinyDisk: string;
  readonly readOnly: string;
  /** A spec of the right account, by key. */
  spec(more?: Partial<SftpStorageSpec>): SftpStorageSpec;
}

/**
 * OpenSSH's sshd on a free port, with accounts, keys and folders of its own. As root it runs in a mount namespace, where /etc/passwd and /etc/shadow
 * are ours and a folder is a tiny disk: nothing of the machine is changed.
 */
export async function startSshd(config: readonly string[] = []): Promise<Sshd> {
  if (SSHD === undefined) throw new Error('no sshd');
  const base = await mkdtemp(join(tmpdir(), 'reconcile-sshd-'));
  await chmod(base, 0o755);
  const asRoot = process.getuid?.() === 0;
  const passphrase = 'passphrase-canary';
  const key = async (name: string, type: string, lock = ''): Promise<string> => {
    const path = join(base, name);
    await run('ssh-keygen', ['-q', '-t', type, ...(type === 'rsa' ? ['-b', '2048'] : []), '-N', lock, '-C', name, '-f', path]);
    return path;
  };
  const [hostEd25519, hostRsa, right, wrong] = await Promise.all([
    key('host_ed25519', 'ed25519'),
    key('host_rsa', 'rsa'),
    key('right', 'ed25519'),
    key('wrong', 'ed25519'),
  ]);
  const locked = join(base, 'locked');
  await writeFile(locked, await readFile(right), { mode: 0o600 });
  await run('ssh-keygen', ['-q', '-p', '-P', '', '-N', passphrase, '-f', locked]);
  await writeFile(join(base, 'authorized_keys'), await readFile(`${right}.pub`), { mode: 0o644 });

  const [folder, tinyDisk, readOnly, home] = ['files', 'tiny', 'read-only', 'home'].map((name) => join(base, name)) as [string, string, string, string];
  for (const one of [folder, tinyDisk, readOnly, home]) await mkdir(one, { mode: 0o755 });
  await chmod(readOnly, 0o555);
  if (asRoot) for (const one of [folder, tinyDisk, home]) await chown(one, TESTER.id, TESTER.id);

  const port = await freePort();
  await writeFile(
    join(base, 'sshd_config'),
    [
      `ListenAddress 127.0.0.1`,
      `Port ${port}`,
      `HostKey ${hostEd25519}`,
      `HostKey ${hostRsa}`,
      `PidFile ${join(base, 'sshd.pid')}`,
      `AuthorizedKeysFile ${join(base, 'authorized_keys')}`,
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication yes',
      'MaxStartups 100',
      'LogLevel ERROR',
      'Subsystem sftp internal-sftp',
      ...config,
      '',
    ].join('\n'),
  );
  const server = await startServer(...(await commandOf(base, asRoot, tinyDisk, home)), port);
  const fingerprint = async (path: string): Promise<string> => (await run('ssh-keygen', ['-lf', `${path}.pub`])).stdout.split(' ')[1] ?? '';
  const hostKeys = { ed25519: await fingerprint(hostEd25519), rsa: await fingerprint(hostRsa) };
  const username = asRoot ? TESTER.name : userInfo().username;
  return {
    port,
    username,
    password: asRoot ? TESTER.password : undefined,
    hostKeys,
    keys: { right: await readFile(right, 'utf8'), locked: await readFile(locked, 'utf8'), wrong: await readFile(wrong, 'utf8') },
    passphrase,
    privateKeyFile: right,
    folder,
    tinyDisk,
    readOnly,
    spec: (more = {}) => ({ type: 'sftp', host: '127.0.0.1', port, username, privateKey: { file: right }, hostKey: hostKeys.ed25519, path: folder, ...more }),
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await rm(base, { recursive: true, force: true });
    },
  };
}

async function commandOf(base: string, asRoot: boolean, tinyDisk: string, home: string): Promise<[string, readonly string[]]> {
  const sshd = [SSHD ?? '', '-D', '-e', '-f', join(base, 'sshd_config')];
  if (!asRoot) return [sshd[0] ?? '', sshd.slice(1)];
  const { stdout: hash } = await run('openssl', ['passwd', '-6', TESTER.password]);
  await writeFile(join(base, 'passwd'), `${await readFile('/etc/passwd', 'utf8')}${TESTER.name}:x:${TESTER.id}:${TESTER.id}::${home}:/bin/sh\n`, {
    mode: 0o644,
  });
  await writeFile(join(base, 'shadow'), `${await readFile('/etc/shadow', 'utf8')}${TESTER.name}:${hash.trim()}:19000:0:99999:7:::\n`, { mode: 0o600 });
  const script = [
    'set -e',
    'mkdir -p /run/sshd',
    `mount --bind ${join(base, 'passwd')} /etc/passwd`,
    `mount --bind ${join(base, 'shadow')} /etc/shadow`,
    `mount -t tmpfs -o size=3m,uid=${TESTER.id},gid=${TESTER.id},mode=755 tmpfs ${tinyDisk}`,
    `exec ${sshd.join(' ')}`,
  ].join('\n');
  return ['unshare', ['-m', 'sh', '-c', script]];
}
