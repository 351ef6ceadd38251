/**
 * `npm run -s quickstart`: the main job on `examples/quickstart`, step by step, with the commands a person would type. Everything lands in
 * that folder; a second run finds the state of the first and has nothing left to do.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

const root = fileURLToPath(new URL('..', import.meta.url));
const project = join(root, 'examples', 'quickstart');
const DAY_0 = '2026-12-01T00:00:00Z';
const DAY_1 = '2026-12-02T00:00:00Z';

if (existsSync(join(project, '.reconcile'))) {
  say('examples/quickstart was run before: its state and files are removed, to start from the beginning');
  for (const part of ['.reconcile', 'out']) rmSync(join(project, part), { recursive: true, force: true });
}

say('1. Invent a small shop: 2,000 people, 10,000 orders (always the same)');
generate('0');

say('2. Check the manifests, and the segments against their own tests');
reconcile('validate');
reconcile('test');

say('3. What would change, in configuration and in people?');
reconcile('--now', DAY_0, 'plan');

say('4. Make it so, and look again: nothing is left');
reconcile('--now', DAY_0, 'apply', '--auto-approve');
reconcile('--now', DAY_0, 'plan');

say('5. Export the first slot: everybody, since nothing was delivered before');
reconcile('--now', DAY_0, 'run', 'emea-newsletter', '--slot', DAY_0);

say('6. A day passes: new orders, some people move, some go. The next slot sends only who came and who went');
generate('1');
reconcile('--now', DAY_1, 'run', 'emea-newsletter', '--slot', DAY_1);

say('7. The daily full export, compressed: a slot that passed while nothing ran');
reconcile('--now', DAY_1, 'run', 'winback-daily', '--slot', '2026-12-01T02:00:00Z');

say('8. Where things stand');
reconcile('--now', DAY_1, 'status');

say('The files, with their first lines');
showFiles(join(project, 'out'));

function say(text: string): void {
  process.stdout.write(`\n\u2500\u2500 ${text}\n\n`);
}

function reconcile(...args: readonly string[]): void {
  process.stdout.write(`$ reconcile ${args.join(' ')}\n`);
  execute([join(root, 'scripts', 'reconcile.mjs'), '-C', project, ...args]);
}

function generate(day: string): void {
  process.stdout.write(`$ node generate.ts --day ${day}\n`);
  execute([join(project, 'generate.ts'), '--day', day]);
}

function execute(args: readonly string[]): void {
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  process.stdout.write('\n');
  if (status !== 0) process.exit(status ?? 1);
}

function showFiles(folder: string): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }).toSorted((a, b) => a.name.localeCompare(b.name))) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const bytes = readFileSync(path);
    const lines = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8').split('\n', 3);
    process.stdout.write(`${path.slice(root.length)}  ${statSync(path).size} bytes\n${lines.map((line) => `    ${line.slice(0, 110)}\n`).join('')}`);
  }
}
