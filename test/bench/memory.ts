/**
 * Peak memory of the real command over more and more profiles:
 *   node test/bench/memory.ts [--millions 1,3,10,30,100] [--rounds N] [--data FOLDER] [--known] [CASE…]
 * Prints a table of the highest peaks and the times of the last round. Each run is the first over a state of the source, its check of the primary identity
 * included, unless `--known`. `--data` keeps the projects there, for the next time.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { COMMAND, makeExportProject } from './export-project.ts';
import { spend } from './spend.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    millions: { type: 'string', default: '1,3,10,30,100' },
    rounds: { type: 'string', default: '1' },
    data: { type: 'string' },
    known: { type: 'boolean', default: false },
  },
});
const cases = positionals.length === 0 ? ['csv', 'csvgz', 'parquet'] : positionals;
const base = values.data ?? (await mkdtemp(join(tmpdir(), 'bench-memory-')));
let minute = 0;

try {
  console.log(`| profiles | ${cases.join(' | ')} |\n| --- |${' --- |'.repeat(cases.length)}`);
  for (const millions of values.millions.split(',')) {
    const folder = join(base, millions);
    await makeExportProject(folder, Number(millions) * 1e6);
    const cells: string[] = [];
    for (const name of cases) cells.push(await measure(folder, name));
    console.log(`| ${millions} million | ${cells.join(' | ')} |`);
    if (values.data === undefined) await rm(folder, { recursive: true, force: true });
  }
} finally {
  if (values.data === undefined) await rm(base, { recursive: true, force: true });
}

async function measure(folder: string, activation: string): Promise<string> {
  let [peakMb, seconds] = [0, 0];
  for (let round = 0; round < Number(values.rounds); round += 1) {
    if (!values.known) await rm(join(folder, '.reconcile', 'cache', 'sources'), { recursive: true, force: true });
    await rm(join(folder, 'out'), { recursive: true, force: true });
    const now = new Date(Date.now() + (minute += 60_000)).toISOString();
    const spent = await spend(process.execPath, [COMMAND, '-C', folder, '--now', now, 'run', activation]);
    peakMb = Math.max(peakMb, spent.peakMb);
    seconds = spent.ms / 1000;
  }
  return `${Math.round(peakMb)} MiB, ${seconds.toFixed(1)} s`;
}
