/**
 * How much the built command adds to a bare Node: `node test/bench/startup.ts` after `npm run build`. Wall-clock medians of whole processes, in
 * turn, so that a noisy machine is noisy for all of them.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const ROUNDS = 21;
const CASES: Readonly<Record<string, { readonly args: readonly string[]; readonly limit: number }>> = {
  'node -e 0': { args: ['-e', '0'], limit: 1 },
  '--version': { args: ['bin/reconcile.cjs', '--version'], limit: 2 },
  'validate (quickstart)': { args: ['bin/reconcile.cjs', '-C', 'examples/quickstart', 'validate'], limit: 8 },
};

const times = new Map<string, number[]>(Object.keys(CASES).map((name) => [name, []]));
for (let round = 0; round < ROUNDS; round += 1) {
  for (const [name, { args }] of Object.entries(CASES)) {
    const start = process.hrtime.bigint();
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
    if (status !== 0) throw new Error(`${name} ended with ${status}: ${stderr}`);
    times.get(name)?.push(Number(process.hrtime.bigint() - start) / 1e6);
  }
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
const bare = median(times.get('node -e 0') ?? []);
process.stdout.write('| command | median ms | times bare node | at most |\n|---|---|---|---|\n');
for (const [name, { limit }] of Object.entries(CASES)) {
  const middle = median(times.get(name) ?? []);
  process.stdout.write(`| ${name} | ${middle.toFixed(0)} | ${(middle / bare).toFixed(2)} | ${limit} |\n`);
}
