/**
 * Exports of the real command against bare DuckDB doing the same, in turn, each in a process of its own:
 *   node test/bench/export.ts [ROWS] [ROUNDS] [CASE…]
 * Prints a table of medians: wall time, the ratio of the two, the same of processor time (which other work on the machine disturbs less), and our peak
 * memory.
 */
import { mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { bareEngine, COMMAND, EXPORTED_TEXTS, makeExportProject, TWENTY } from './export-project.ts';
import { spend, type Spent } from './spend.ts';

const [rowsText = '10000000', roundsText = '3', ...chosen] = process.argv.slice(2);
const rows = Number(rowsText);
const rounds = Number(roundsText);
const folder = await mkdtemp(join(tmpdir(), 'bench-export-'));
const source = join(folder, 'people.parquet');
const other = join(folder, 'other.parquet');
/** What our engine has. */
const SHORT_OF_MEMORY = { memory_limit: '256MB', temp_directory: join(folder, 'spill') };
let day = 1;
const LISTED = `id,email,score,cc,${EXPORTED_TEXTS.join(',')}`;
const OPTIONS = { csv: 'format csv', csvgz: 'format csv, compression gzip', parquet: 'format parquet' } as const;

interface Case {
  readonly activation: string;
  /** SQL that a good engineer would write by hand. `snapshot` is our own, so that both compare with the same members. */
  readonly bare: (snapshot: string) => readonly string[];
  readonly slot?: boolean;
  /** The bare engine has no more memory than ours. */
  readonly shortOfMemory?: boolean;
  /** What happens to the source before each round: another state that was seen before, or one that is new. */
  readonly source?: 'changes' | 'is new';
}

const incremental = { activation: 'incremental', slot: true, bare: bareIncremental } as const;
const CASES: Readonly<Record<string, Case>> = {
  csv: { activation: 'csv', bare: () => [copy(`select ${LISTED} from '${source}' where score < 300`, OPTIONS.csv)] },
  csvgz: { activation: 'csvgz', bare: () => [copy(`select ${LISTED} from '${source}' where score < 300`, OPTIONS.csvgz)] },
  parquet: { activation: 'parquet', bare: () => [copy(`select ${LISTED} from '${source}' where score < 300`, OPTIONS.parquet)] },
  // All 20 columns.
  wide: { activation: 'wide', bare: () => [copy(`select * from '${source}' where score < 300`, OPTIONS.csv)] },
  'wide-parquet': { activation: 'wideparquet', bare: () => [copy(`select * from '${source}' where score < 300`, OPTIONS.parquet)] },
  // Twenty segments over a CSV of a million profiles: by hand it is loaded once, as far as it is needed.
  twenty: { activation: 'twenty', bare: bareTwenty },
  // Keys of 30 rows each, of 3, and nearly unique ones.
  'dedup-30': { activation: 'dedup30', bare: () => bareDedup('c15') },
  'dedup-3': { activation: 'dedup3', bare: () => bareDedup('c14') },
  'dedup-1': { activation: 'dedup1', bare: () => bareDedup('c13') },
  'dedup-30-short': { activation: 'dedup30', bare: () => bareDedup('c15'), shortOfMemory: true },
  'dedup-3-short': { activation: 'dedup3', bare: () => bareDedup('c14'), shortOfMemory: true },
  'dedup-1-short': { activation: 'dedup1', bare: () => bareDedup('c13'), shortOfMemory: true },
  unchanged: incremental,
  changed: { ...incremental, source: 'changes' },
  'changed-new': { ...incremental, source: 'is new' },
};

function bareDedup(key: string): readonly string[] {
  const order = ['email', 'score', 'cc', ...EXPORTED_TEXTS].map((column) => `coalesce(${column}::varchar, '')`).join(',');
  return [
    copy(
      `select ${key},email,score,cc,${EXPORTED_TEXTS.join(',')} from '${source}' where score < 300 qualify row_number() over (partition by ${key} order by ${order}, id) = 1`,
      OPTIONS.csv,
    ),
  ];
}

function bareTwenty(): readonly string[] {
  return [
    `create temp table p as select ${LISTED} from read_csv('${join(folder, 'people.csv')}')`,
    ...TWENTY.map(
      (name, index) => `copy (from p where score >= ${index * 50} and score < ${index * 50 + 50}) to '${join(folder, `bare.out.${name}`)}' (${OPTIONS.csv})`,
    ),
  ];
}

function bareIncremental(snapshot: string): readonly string[] {
  return [
    `create temp table m as select id from '${source}' where score < 300`,
    `create temp table c as select coalesce(m.id, s.id) id, case when s.id is null then 'realized' else 'exited' end status from m full join '${snapshot}' s on m.id = s.id where m.id is null or s.id is null`,
    copy(`select c.id,email,score,cc,${EXPORTED_TEXTS.join(',')},c.status from c left join '${source}' p on p.id = c.id`, OPTIONS.csv),
    `copy m to '${join(folder, 'bare.snapshot')}' (format parquet)`,
  ];
}

try {
  await makeExportProject(folder, rows);
  await bareEngine([
    `copy (select * replace (case when id % 40 = 0 then (score + 300) % 1000 else score end as score) from '${source}') to '${other}' (format parquet)`,
  ]);
  console.log(
    `| case (${rows.toLocaleString('en-US')} profiles) | bare DuckDB | reconcile | ratio | bare cpu | our cpu | ratio | peak memory |\n| --- | --- | --- | --- | --- | --- | --- | --- |`,
  );
  for (const name of chosen.length === 0 ? Object.keys(CASES) : chosen) await measure(name);
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function measure(name: string): Promise<void> {
  const wanted = CASES[name];
  if (wanted === undefined) throw new Error(`no case ${name}; there are ${Object.keys(CASES).join(', ')}`);
  const bare: Spent[] = [];
  const ours: Spent[] = [];
  let peakMb = 0;
  // The first run measures the source's health, which is kept per state of the source; with a slot it is also the one that makes the snapshot.
  for (let round = 0; round <= rounds; round += 1) {
    const now = new Date(Date.UTC(2026, 0, (day += 1), 2)).toISOString().replace('.000', '');
    if (wanted.source !== undefined) await exchangeSources();
    if (wanted.source === 'is new') await rm(join(folder, '.reconcile', 'cache', 'sources'), { recursive: true, force: true });
    const snapshot = wanted.slot === true ? await snapshotPath() : '';
    await rm(join(folder, 'out'), { recursive: true, force: true });
    if (round > 0) bare.push(await bareEngine(wanted.bare(snapshot), wanted.shortOfMemory === true ? SHORT_OF_MEMORY : {}));
    await rm(join(folder, 'bare.out'), { recursive: true, force: true });
    await rm(join(folder, 'bare.snapshot'), { force: true });
    const args = ['-C', folder, '--now', now, 'run', wanted.activation, ...(wanted.slot === true ? ['--slot', now] : [])];
    const result = await spend(process.execPath, [COMMAND, ...args]);
    if (round > 0) {
      ours.push(result);
      peakMb = Math.max(peakMb, result.peakMb);
    }
  }
  const cells = (['ms', 'cpuMs'] as const).flatMap((kind) => {
    const [a, b] = [bare.map((spent) => spent[kind]), ours.map((spent) => spent[kind])];
    return [`${(median(a) / 1000).toFixed(2)} s`, `${(median(b) / 1000).toFixed(2)} s`, median(b.map((ms, index) => ms / (a[index] ?? 1))).toFixed(2)];
  });
  console.log(`| ${name} | ${cells.join(' | ')} | ${Math.round(peakMb)} MiB |`);
}

/** Two states of the source in turn: one in forty of the members leaves and as many join. Files keep what they are told apart by. */
async function exchangeSources(): Promise<void> {
  await rename(source, `${source}.aside`);
  await rename(other, source);
  await rename(`${source}.aside`, other);
}

async function snapshotPath(): Promise<string> {
  const base = join(folder, '.reconcile', 'snapshots', 'incremental', 'third');
  const [file] = await readdir(base).catch(() => []);
  return file === undefined ? '' : join(base, file);
}

function copy(query: string, options: string): string {
  return `copy (${query}) to '${join(folder, 'bare.out')}' (${options})`;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
