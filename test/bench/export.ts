/**
 * Exports of the real command against bare DuckDB doing the same, in turn, each in a process of its own:
 *   node test/bench/export.ts [ROWS] [ROUNDS] [CASE…]
 * Prints a table of medians: wall time, the ratio of the two, the same of processor time (which other work on the machine disturbs less), and our peak
 * memory.
 */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const [rowsText = '10000000', roundsText = '3', ...chosen] = process.argv.slice(2);
const rows = Number(rowsText);
const rounds = Number(roundsText);
const folder = await mkdtemp(join(tmpdir(), 'bench-export-'));
const source = join(folder, 'people.parquet');
const other = join(folder, 'other.parquet');
const ENGINE_MEMORY = '256MB';
let day = 1;
const COLUMNS = Array.from({ length: 16 }, (_, index) => `c${index}`);
const LISTED = `id,email,score,cc,${COLUMNS.slice(0, 8).join(',')}`;
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
  const order = ['email', 'score', 'cc', ...COLUMNS.slice(0, 8)].map((column) => `coalesce(${column}::varchar, '')`).join(',');
  return [
    copy(
      `select ${key},email,score,cc,${COLUMNS.slice(0, 8).join(',')} from '${source}' where score < 300 qualify row_number() over (partition by ${key} order by ${order}, id) = 1`,
      OPTIONS.csv,
    ),
  ];
}

function bareIncremental(snapshot: string): readonly string[] {
  return [
    `create temp table m as select id from '${source}' where score < 300`,
    `create temp table c as select coalesce(m.id, s.id) id, case when s.id is null then 'realized' else 'exited' end status from m full join '${snapshot}' s on m.id = s.id where m.id is null or s.id is null`,
    copy(`select c.id,email,score,cc,${COLUMNS.slice(0, 8).join(',')},c.status from c left join '${source}' p on p.id = c.id`, OPTIONS.csv),
    `copy m to '${join(folder, 'bare.snapshot')}' (format parquet)`,
  ];
}

try {
  await prepare();
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
    if (round > 0)
      bare.push(await run('node', ['--input-type=module', '-e', script(wanted.bare(snapshot), wanted.shortOfMemory === true ? ENGINE_MEMORY : undefined)]));
    await rm(join(folder, 'bare.out'), { recursive: true, force: true });
    await rm(join(folder, 'bare.snapshot'), { force: true });
    const args = ['-C', folder, '--now', now, 'run', wanted.activation, ...(wanted.slot === true ? ['--slot', now] : [])];
    const result = await run(process.execPath, [join(ROOT, 'scripts', 'reconcile.mjs'), ...args]);
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
  const { readdir } = await import('node:fs/promises');
  const base = join(folder, '.reconcile', 'snapshots', 'incremental', 'third');
  const [file] = await readdir(base).catch(() => []);
  return file === undefined ? '' : join(base, file);
}

function copy(query: string, options: string): string {
  return `copy (${query}) to '${join(folder, 'bare.out')}' (${options})`;
}

function script(statements: readonly string[], memory?: string): string {
  return `import { DuckDBInstance } from ${JSON.stringify(join(ROOT, 'node_modules/@duckdb/node-api/lib/index.js'))};
const connection = await (await DuckDBInstance.create(':memory:', ${JSON.stringify(memory === undefined ? {} : { memory_limit: memory, temp_directory: join(folder, 'spill') })})).connect();
for (const statement of ${JSON.stringify(statements)}) await connection.run(statement);`;
}

interface Spent {
  readonly ms: number;
  readonly cpuMs: number;
  readonly peakMb: number;
}

function run(command: string, args: readonly string[]): Promise<Spent> {
  return new Promise((done, failed) => {
    const started = performance.now();
    const child = spawn(command === 'node' ? process.execPath : command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let peakMb = 0;
    let cpuMs = 0;
    let errors = '';
    child.stderr.on('data', (text: Buffer) => (errors += String(text)));
    const timer = setInterval(() => {
      const { peak, cpu } = readProcess(child.pid ?? 0);
      peakMb = Math.max(peakMb, peak);
      cpuMs = Math.max(cpuMs, cpu);
    }, 25);
    child.on('error', failed);
    child.on('close', (code) => {
      clearInterval(timer);
      if (code === 0) done({ ms: performance.now() - started, cpuMs, peakMb });
      else failed(new Error(`exit ${code}: ${errors}`));
    });
  });
}

async function prepare(): Promise<void> {
  const special: Readonly<Record<string, string>> = { c13: `'u'||(hash(range)%${rows * 2})`, c14: `'k'||(hash(range)%${rows / 10})` };
  const made = COLUMNS.map((column, index) => `${special[column] ?? `'v${index}_'||(range*${index + 3}%${Math.ceil(rows / 100) + 3})`} ${column}`).join(',');
  await run('node', [
    '--input-type=module',
    '-e',
    script([
      `copy (select range id,'person'||range||'@example.com' email,(range*7919%1000)::int score,['DE','FR','US'][1+range%3] cc,${made} from range(${rows})) to '${source}' (format parquet)`,
      `copy (select * replace (case when id % 40 = 0 then (score + 300) % 1000 else score end as score) from '${source}') to '${other}' (format parquet)`,
    ]),
  ]);
  await mkdir(join(folder, 'manifests'));
  await writeFile(join(folder, 'reconcile.yaml'), 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: bench}\nspec: {}\n');
  const fields = COLUMNS.map((column) => `${column}: {column: ${column}, type: string}`).join(', ');
  const mapping = ['email', 'score', 'cc', ...COLUMNS.slice(0, 8)].map((column) => `{source: ${column}}`).join(', ');
  const activation = (name: string, first: string, rest: string): string => `---
apiVersion: reconcile/v1
kind: Activation
metadata: {name: ${name}}
spec: {destination: outbox, segments: [third], mapping: [${first}, ${mapping}${rest.includes('incremental') ? ', {source: segmentMembership.status, target: status}' : ''}], ${rest.replace('file: {', `file: {name: "${name}_%DESTINATION%_%SEGMENT_ID%_%DATETIME(YYYYMMdd_HHmmss)%", `)}, schedule: {every: 24h, at: "02:00", start: 2026-01-01}}
`;
  await writeFile(
    join(folder, 'manifests', 'all.yaml'),
    `apiVersion: reconcile/v1
kind: Source
metadata: {name: big}
spec: {engine: duckdb, datasets: {people: {path: people.parquet}}}
---
apiVersion: reconcile/v1
kind: Attributes
metadata: {name: person}
spec: {source: big, dataset: people, identities: {crmId: {column: id, primary: true}}, fields: {email: {column: email, type: string}, score: {column: score, type: integer}, cc: {column: cc, type: string}, ${fields}}}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: third}
spec: {attributes: person, pql: score < 300}
---
apiVersion: reconcile/v1
kind: Destination
metadata: {name: outbox}
spec: {type: local-directory, storage: {type: local, path: out}}
${activation('csv', '{source: identityMap.crmId, target: id}', 'file: {format: csv}')}${activation('csvgz', '{source: identityMap.crmId, target: id}', 'file: {format: csv, compression: gzip}')}${activation('parquet', '{source: identityMap.crmId, target: id}', 'file: {format: parquet}')}${activation('dedup30', '{source: c15, key: true}', 'file: {format: csv}')}${activation('dedup3', '{source: c14, key: true}', 'file: {format: csv}')}${activation('dedup1', '{source: c13, key: true}', 'file: {format: csv}')}${activation('incremental', '{source: identityMap.crmId, target: id}', 'export: incremental, file: {format: csv}')}`,
  );
  await run(process.execPath, [join(ROOT, 'scripts', 'reconcile.mjs'), '-C', folder, '--now', '2026-01-01T00:00:00Z', 'apply', '--auto-approve', '--no-input']);
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** Peak memory in MiB and processor time in ms of a process; zeros once it has ended. */
function readProcess(pid: number): { readonly peak: number; readonly cpu: number } {
  try {
    const peak = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    // Ticks of 10 ms, user and system.
    return { peak, cpu: (Number(fields[11]) + Number(fields[12])) * 10 };
  } catch {
    return { peak: 0, cpu: 0 };
  }
}
