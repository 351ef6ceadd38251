import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { currentOwner, isNear, mayBeAlive } from '../../../src/state/owner.ts';

describe('an owner', () => {
  it('is alive while its process is', () => {
    expect(mayBeAlive(currentOwner())).toBe(true);
    expect(isNear(currentOwner())).toBe(true);
  });

  it('is dead once its process has ended, or its pid is another’s', async () => {
    const child = spawn(process.execPath, ['-e', '']);
    await new Promise((ended) => child.once('exit', ended));
    expect(mayBeAlive({ ...currentOwner(), pid: child.pid ?? 0 })).toBe(false);
    const [, world] = currentOwner().processStart.split('@');
    expect(mayBeAlive({ ...currentOwner(), processStart: `1@${world ?? ''}` })).toBe(false);
  });

  it('is dead when it is a zombie', async () => {
    // A shell whose child has ended and who does not ask after it.
    const parent = spawn('bash', ['-c', 'sleep 0.3 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'ignore'] });
    try {
      const pid = Number(await new Promise<string>((said) => parent.stdout.once('data', (chunk: Buffer) => said(String(chunk)))));
      const { readFileSync } = await import('node:fs');
      await expect.poll(() => /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]).toBe('Z');
      expect(mayBeAlive({ ...currentOwner(), pid, processStart: '' })).toBe(false);
    } finally {
      parent.kill('SIGKILL');
    }
  });

  it('cannot be proved dead on another host, in another container of this host’s name, or after a restart of the machine', () => {
    const dead = { ...currentOwner(), pid: 2 ** 22 - 3 };
    expect(mayBeAlive(dead)).toBe(false);
    for (const owner of [
      { ...dead, host: 'elsewhere' },
      { ...dead, processStart: '1@00000000.1' },
    ]) {
      expect(isNear(owner)).toBe(false);
      expect(mayBeAlive(owner)).toBe(true);
    }
  });
});
