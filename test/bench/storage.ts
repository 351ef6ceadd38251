/**
 * Uploads against the tools of the trade, whole processes, in turn, medians: `node test/bench/storage.ts sftp|s3 [ROUNDS] [MIB]`. Results stand in README.md.
 */
import { execFile } from 'node:child_process';
import { createHash, randomFillSync } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { bundle } from '../../scripts/bundle.ts';
import { startSshd } from '../support/servers/sshd.ts';
import { startVersitygw } from '../support/servers/versitygw.ts';

const run = promisify(execFile);
const MEBIBYTE = 2 ** 20;
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Built as the package is, inside the checkout, where its dependencies are found. */
const BUILT = join(ROOT, '.cache', `bench-storage-${process.pid}`);
const UPLOAD = join(BUILT, 'dist', 'storage-upload.js');
const [what = 'sftp', rounds = '5', mebibytes = '1024'] = process.argv.slice(2);

interface Contest {
  readonly name: string;
  ours(): Promise<number>;
  theirs(): Promise<void>;
  clean(): Promise<void>;
}

const folder = await mkdtemp(join(tmpdir(), 'bench-storage-'));
try {
  await bundle(ROOT, BUILT, { 'storage-upload': 'test/bench/storage-upload.ts' });
  const digests: Record<string, string> = {};
  const one = await makeFiles('one', 1, Number(mebibytes));
  const eight = await makeFiles('eight', 8, Number(mebibytes) / 8);
  if (what === 'sftp') await benchSftp(one, eight, digests);
  else await benchS3(one, eight, digests);

  async function makeFiles(name: string, count: number, size: number): Promise<string[]> {
    const paths: string[] = [];
    for (let index = 0; index < count; index += 1) {
      const path = join(folder, `${name}-${index}.bin`);
      const hash = createHash('sha256');
      // On the disk before anything is measured: else the disk is busy with it while the uploads wait for theirs.
      const out = createWriteStream(path, { flush: true });
      for (let written = 0; written < size; written += 1) {
        const block = randomFillSync(Buffer.allocUnsafe(MEBIBYTE));
        hash.update(block);
        if (!out.write(block)) await new Promise((go) => out.once('drain', go));
      }
      out.end();
      await finished(out);
      digests[`${name}-${index}.bin`] = hash.digest('hex');
      paths.push(path);
    }
    return paths;
  }
} finally {
  await rm(BUILT, { recursive: true, force: true });
  await rm(folder, { recursive: true, force: true });
}

async function benchSftp(one: readonly string[], eight: readonly string[], digests: Record<string, string>): Promise<void> {
  await using server = await startSshd();
  await writeFile(join(folder, 'spec.json'), JSON.stringify({ spec: server.spec({ mkdir: true }), digests }));
  const theirs = async (files: readonly string[], put: string): Promise<void> => {
    await writeFile(join(folder, 'batch'), files.map((path) => `${put} ${path} ${server.folder}/\n`).join(''));
    const options = ['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR'].flatMap((option) => ['-o', option]);
    await run('sftp', ['-q', '-b', join(folder, 'batch'), '-i', server.privateKeyFile, ...options, '-P', String(server.port), `${server.username}@127.0.0.1`]);
  };
  const cases = [
    ['one file', one, 'put'],
    ['eight files', eight, 'put'],
    // Not what is wanted, but the like for the like: `-f` makes each file durable, as ours always are.
    ['eight files, theirs with fsync', eight, 'put -f'],
  ] as const;
  for (const [name, files, put] of cases) {
    await compete({ name: `sftp, ${name}`, ours: () => upload(files), theirs: () => theirs(files, put), clean: () => empty(server.folder) });
  }
}

async function benchS3(one: readonly string[], eight: readonly string[], digests: Record<string, string>): Promise<void> {
  await run('aws', ['--version']).catch(() => {
    throw new Error('no AWS CLI on PATH to compare with: `python3 -m venv VENV && VENV/bin/pip install awscli`, then PATH=VENV/bin:$PATH');
  });
  await using server = await startVersitygw();
  const { bucket, region, endpoint } = server;
  const spec = {
    type: 's3',
    bucket,
    region,
    endpoint,
    forcePathStyle: true,
    accessKeyId: { env: 'AWS_ACCESS_KEY_ID' },
    secretAccessKey: { env: 'AWS_SECRET_ACCESS_KEY' },
  };
  await writeFile(join(folder, 'spec.json'), JSON.stringify({ spec, digests }));
  const env = { ...process.env, AWS_ACCESS_KEY_ID: server.accessKeyId, AWS_SECRET_ACCESS_KEY: server.secretAccessKey, AWS_DEFAULT_REGION: region };
  for (const [name, files] of [['one file', one] as const, ['eight files', eight] as const]) {
    const args =
      files.length === 1 ? [files[0] ?? '', `s3://${bucket}/`] : [folder, `s3://${bucket}/`, '--recursive', '--exclude', '*', '--include', 'eight-*'];
    await compete({
      name: `s3, ${name}`,
      ours: () => upload(files, env),
      theirs: async () => void (await run('aws', ['s3', 'cp', '--only-show-errors', '--endpoint-url', endpoint, ...args], { env })),
      clean: () => empty(server.folder),
    });
  }
}

async function upload(files: readonly string[], env = process.env): Promise<number> {
  const { stdout } = await run(process.execPath, [UPLOAD, join(folder, 'spec.json'), ...files], { env });
  return Number(stdout);
}

async function empty(at: string): Promise<void> {
  for (const name of await readdir(at)) await rm(join(at, name), { recursive: true });
}

async function compete(contest: Contest): Promise<void> {
  const ours: number[] = [];
  const theirs: number[] = [];
  let memory = 0;
  for (let round = 0; round < Number(rounds); round += 1) {
    let start = performance.now();
    memory = Math.max(memory, await contest.ours());
    ours.push(performance.now() - start);
    await contest.clean();
    start = performance.now();
    await contest.theirs();
    theirs.push(performance.now() - start);
    await contest.clean();
  }
  const ratio = median(theirs) / median(ours);
  process.stdout.write(
    `${contest.name}: ours ${(median(ours) / 1000).toFixed(2)} s, theirs ${(median(theirs) / 1000).toFixed(2)} s, ${ratio.toFixed(2)} times as fast, ` +
      `at most ${Math.round(memory / MEBIBYTE)} MiB\n  ours ${times(ours)}\n  theirs ${times(theirs)}\n`,
  );
}

function times(list: readonly number[]): string {
  return list.map((ms) => (ms / 1000).toFixed(2)).join(' ');
}

function median(list: readonly number[]): number {
  const sorted = [...list].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
