import { cpSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import process from 'node:process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { reconcile, ROOT, type Ended } from '../support/reconcile.ts';
import { createTempProject, type TempProject } from '../support/temp-project.ts';

/**
 * What the README shows is what the commands print: each of its blocks beside a run of its own, with what differs from run to run (names of runs, when
 * the sources were read, how long it took) left out.
 */
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const NOW = '2026-11-23T00:00:00Z';
let folder: TempProject;
let shop: string;

beforeAll(async () => {
  folder = createTempProject();
  shop = join(folder.directory, 'shop');
  await succeed(['-C', folder.directory, 'init', 'shop']);
});
afterAll(() => folder[Symbol.dispose]());

test('the day after, on examples/quickstart', async () => {
  const project = join(folder.directory, 'quickstart');
  for (const part of ['generate.ts', 'manifests', 'reconcile.yaml']) cpSync(join(ROOT, 'examples/quickstart', part), join(project, part), { recursive: true });
  const generate = (day: string): unknown => execFileSync(process.execPath, [join(project, 'generate.ts'), '--day', day]);
  const at = (day: string, ...args: readonly string[]): Promise<Ended> => succeed(['-C', project, '--now', day, ...args]);
  const [first, second] = ['2026-12-01T00:00:00Z', '2026-12-02T00:00:00Z'];
  generate('0');
  await at(first, 'apply', '--auto-approve');
  await at(first, 'run', 'emea-newsletter', '--slot', first);
  generate('1');
  const { stdout } = await at(second, 'run', 'emea-newsletter', '--slot', second);
  expect(shown(stdout)).toBe(block('$ reconcile --now 2026-12-02').replace(/^\$.*\n/u, ''));
});

test('the first project: its files, and what its commands say', async () => {
  const files = block('shop/').match(/\S+\.yaml/gu);
  expect(
    readdirSync(shop, { recursive: true })
      .filter((path) => String(path).endsWith('.yaml'))
      .toSorted(),
  ).toEqual(files?.toSorted());

  const segments = readFileSync(join(shop, 'manifests/segments.yaml'), 'utf8');
  folder.write('shop/manifests/segments.yaml', segments.replace('income >= 80000 and homeOwner', 'income >= 60000 and homeOwnr'));
  const broken = await reconcile(['-C', shop, 'validate']);
  expect([broken.code, shown(broken.stdout + broken.stderr)]).toEqual([8, block('error RC1207')]);

  folder.write('shop/manifests/segments.yaml', segments);
  expect(shown((await succeed(['-C', shop, 'test'])).stdout)).toBe(block('german-recent-buyers\n  ok'));

  expect((await succeed(['-C', shop, '--now', NOW, 'apply', '--auto-approve'])).stdout).toContain('Applied: 6 created, 0 updated, 0 deleted');
  folder.write('shop/manifests/segments.yaml', segments.replace('income >= 80000', 'income >= 60000'));
  const planned = await reconcile(['-C', shop, '--now', NOW, 'plan']);
  expect([planned.code, shown(planned.stdout)]).toEqual([0, block('Plan: 0 to create')]);

  folder.write('shop/manifests/segments.yaml', segments);
  // Its orders are as many days old as on the day the README was written.
  expect(undated(shown((await succeed(['-C', shop, 'run', 'newsletter'])).stdout))).toBe(undated(block('newsletter  now')));
});

/** The README's block of code that begins with these words. */
function block(beginning: string): string {
  const found = [...README.matchAll(/^```\w*\n([\s\S]*?)^```$/gmu)].map(([, text = '']) => text).find((text) => text.startsWith(beginning));
  expect(found, `a block of the README that begins with ${beginning}`).toBeDefined();
  return steady(found ?? '');
}

/** What a command printed, as a reader in its folder sees it. */
function shown(printed: string): string {
  return steady(printed.replace(/ -C \S+/gu, ''));
}

/** With names of files that do not tell their slot. */
function undated(text: string): string {
  return text.replaceAll(/_\d{8}_\d{6}\./gu, '_DATE.');
}

function steady(text: string): string {
  return text
    .replace(/\b01[0-9A-HJKMNP-TV-Z]{24}\b/gu, 'RUN')
    .replace(/sources read [-\d]+ [:\d]+ UTC/u, 'sources read TIME UTC')
    .replace(/since it was applied \([-\d]+\)/u, 'since it was applied (DAY)')
    .replace(/\(digest .*\)/u, '(digest OF THE PLAN)')
    .replace(/\b(success|failed) in [\d.]+ \w+/u, '$1 in TIME')
    .trim();
}

async function succeed(args: readonly string[]): Promise<Ended> {
  const ended = await reconcile(args);
  expect(ended.code, `${args.join(' ')}\n${ended.stdout}${ended.stderr}`).toBe(0);
  return ended;
}
