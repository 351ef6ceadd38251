import { spawn } from 'node:child_process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { reconcile, ROOT } from '../support/reconcile.ts';
import { createShopProject } from '../support/shop-project.ts';
import type { TempProject } from '../support/temp-project.ts';

let project: TempProject;
beforeEach(() => {
  project = createShopProject();
});
afterEach(() => project[Symbol.dispose]());

/** Runs the command on a terminal of its own (`script` of util-linux) and types `answer` when it asks. */
function onTerminal(args: readonly string[], answer: string): Promise<{ readonly code: number | null; readonly screen: string }> {
  const command = [process.execPath, `${ROOT}scripts/reconcile.mjs`, '-C', project.directory, ...args].map((word) => `'${word}'`).join(' ');
  return new Promise((done, failed) => {
    const { CI: _, ...env } = process.env;
    const child = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null'], { env: { ...env, TERM: 'xterm' } });
    let screen = '';
    let asked = false;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      screen += text;
      if (asked || !/\[y\/N\]|to go on:/.test(screen)) return;
      asked = true;
      child.stdin.write(answer);
    });
    child.on('error', failed);
    child.on('close', (code) => done({ code, screen }));
  });
}
const pending = async (): Promise<number | null> => (await reconcile(['-C', project.directory, 'plan', '--detailed-exitcode', '--no-impact'])).code;

test.each([
  ['a yes', 'y\n', 0, 0],
  ['a no', 'n\n', 1, 2],
  ['nothing', '\n', 1, 2],
  ['Ctrl-C', '\u0003', 130, 2],
  ['the end of input', '\u0004', 1, 2],
])('apply shows the plan with its people and asks; %s', async (_, answer, code, after) => {
  const { code: exit, screen } = await onTerminal(['apply'], answer);

  expect(exit).toBe(code);
  expect(screen).toContain('In people');
  expect(screen.includes('Nothing was changed')).toBe(code !== 0);
  expect(await pending()).toBe(after);
});

test('destroy wants the project’s name, and nothing but it', async () => {
  await reconcile(['-C', project.directory, 'apply', '--auto-approve']);

  expect(await onTerminal(['destroy'], 'y\n')).toMatchObject({ code: 1 });
  expect(await pending()).toBe(0);
  expect(await onTerminal(['destroy'], 'tiny\n')).toMatchObject({ code: 0 });
  expect(await pending()).toBe(2);
});
