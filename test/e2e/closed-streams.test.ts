import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ROOT } from '../support/reconcile.ts';
import { createTempProject } from '../support/temp-project.ts';

const PROJECT = { 'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: streams}\nspec: {}\n' };

function closeStdout({ stdout }: ChildProcess): void {
  stdout?.destroy();
}

/** The exit code and what was said on stderr. `begun` gets the process as soon as it runs. */
async function call(args: readonly string[], stdio: StdioOptions, begun?: (child: ChildProcess) => void): Promise<readonly unknown[]> {
  const child = spawn(process.execPath, [`${ROOT}scripts/reconcile.mjs`, ...args], { stdio, env: { ...process.env, NO_COLOR: '1' } });
  let said = '';
  child.stderr?.on('data', (data: Buffer) => (said += data.toString()));
  const ended = new Promise<number | null>((done) => void child.on('close', done));
  begun?.(child);
  return [await ended, said];
}

test('a reader that goes away changes no exit code: what failed has failed, and a watch works on', async () => {
  using project = createTempProject(PROJECT);
  expect(await call(['-C', project.directory, 'destinations', 'sftp'], ['ignore', 'pipe', 'pipe'], closeStdout)).toEqual([0, '']);
  const failed = await call(['-C', project.directory, 'run', 'nobody', '--json'], ['ignore', 'pipe', 'pipe'], closeStdout);
  expect(failed).toEqual([64, expect.stringContaining('RC4015')]);
  const watched = await call(['-C', project.directory, 'watch'], ['ignore', 'pipe', 'pipe'], (child) => {
    child.stderr?.once('data', () => {
      child.stderr?.destroy();
      // It says that it stops, to nobody.
      child.kill('SIGTERM');
    });
  });
  expect(watched).toEqual([0, expect.stringContaining('watching')]);
});

test('a result that cannot be written is an error, and a log that cannot be is none', async () => {
  using project = createTempProject(PROJECT);
  const full = openSync('/dev/full', 'w');
  expect(await call(['-C', project.directory, 'destinations', 'sftp'], ['ignore', full, 'pipe'])).toEqual([
    1,
    'error: stdout cannot be written: ENOSPC: no space left on device, write\n',
  ]);
  expect(await call(['-C', project.directory, 'run', 'nobody'], ['ignore', 'pipe', full])).toEqual([64, '']);
  closeSync(full);
});
