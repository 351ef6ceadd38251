import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { onTinyDisk } from './servers/real-server.ts';

export interface TinyDisk extends AsyncDisposable {
  /** A folder on it, by a path that every process of root sees. */
  readonly folder: string;
}

const READY_MS = 10_000;

/** A disk of so many bytes (root only). It lies in a mount namespace of its own, which others enter by the path of the process that holds it. */
export async function startTinyDisk(bytes: number): Promise<TinyDisk> {
  const base = await mkdtemp(join(tmpdir(), 'reconcile-tiny-'));
  const holder = spawn(...onTinyDisk('sleep', ['3600'], base, bytes, ['audiences']), { stdio: 'ignore' });
  const ended = new Promise<void>((done) => holder.once('close', () => done()));
  const folder = `/proc/${holder.pid}/root${join(base, 'audiences')}`;
  const deadline = Date.now() + READY_MS;
  while (!existsSync(folder)) {
    if (holder.exitCode !== null || Date.now() > deadline) throw new Error('no tiny disk');
    await wait(10);
  }
  return {
    folder,
    async [Symbol.asyncDispose]() {
      holder.kill('SIGKILL');
      await ended;
      await rm(base, { recursive: true, force: true });
    },
  };
}
