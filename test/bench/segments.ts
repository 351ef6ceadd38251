/**
 * Segments counted by the real command, one by one and together, against SQL written by hand, in turn, each in a process of its own:
 *   node test/bench/segments.ts [--profiles N] [--events N] [--rounds N] [--data FOLDER] [--unordered] [--memory MB] [--only profile|event|purchase|statement]
 * `--data` keeps the generated files for the next time (2.7 GB by default); `--unordered` reads events that are not in order of time; `--memory` sets
 * RECONCILE_MEMORY_MB. Prints tables of medians and fails when a count differs from the one by hand.
 */
import { mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createDuckDbEngine } from '../../src/engine/duckdb/duckdb-engine.ts';
import type { AppliedResource, AppliedResources } from '../../src/export/deps.ts';
import { countSegments } from '../../src/export/count-segments.ts';
import { resourceKey, type ResourceKey } from '../../src/model/resource.ts';
import { spend, type Spent } from './spend.ts';
import { ATTRIBUTES, eventsQuery, EVENT_SEGMENTS, NOW, PROFILE_SEGMENTS, profilesQuery, PURCHASE_SEGMENTS } from './segments-data.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const { values: options } = parseArgs({
  options: {
    profiles: { type: 'string', default: '10000000' },
    events: { type: 'string', default: '50000000' },
    rounds: { type: 'string', default: '5' },
    data: { type: 'string' },
    unordered: { type: 'boolean', default: false },
    memory: { type: 'string' },
    only: { type: 'string', default: 'profile,event,purchase,statement' },
  },
});
const rounds = Number(options.rounds);
const folder = await mkdtemp(join(tmpdir(), 'bench-segments-'));
const data = resolve(options.data ?? folder);
const PROFILES = join(data, 'profiles.parquet');
const EVENTS = join(data, options.unordered ? 'events-unordered.parquet' : 'events.parquet');
const ALL_EVENT_SEGMENTS = { ...EVENT_SEGMENTS, ...PURCHASE_SEGMENTS };
const names = { profile: Object.keys(PROFILE_SEGMENTS), event: Object.keys(EVENT_SEGMENTS) };
if (options.memory !== undefined) process.env['RECONCILE_MEMORY_MB'] = options.memory;

try {
  await prepare();
  if (options.only.includes('profile')) await compareProfile();
  if (options.only.includes('event')) await compareEvents('five different questions', EVENT_SEGMENTS);
  if (options.only.includes('purchase')) await compareEvents('five questions about purchases', PURCHASE_SEGMENTS);
  if (options.only.includes('statement')) await compareStatements();
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** Whole processes over attributes alone. */
async function compareProfile(): Promise<void> {
  const alone: Spent[][] = [];
  const together: Spent[] = [];
  await inTurn(async () => {
    const each: Spent[] = [];
    for (const name of names.profile) each.push(await evaluate([name]));
    alone.push(each);
    together.push(await evaluate(names.profile));
  });
  console.log('\n| twenty profile segments | wall | processor | most memory |\n| --- | --- | --- | --- |');
  const sum = { ms: median(alone.map((each) => total(each, 'ms'))), cpuMs: median(alone.map((each) => total(each, 'cpuMs'))) };
  console.log(`| alone, sum | ${seconds(sum.ms)} | ${seconds(sum.cpuMs)} | ${most(alone.flat())} |`);
  console.log(`| together | ${seconds(mid(together, 'ms'))} | ${seconds(mid(together, 'cpuMs'))} | ${most(together)} |`);
  const ratio = (key: 'ms' | 'cpuMs'): string => median(together.map((one, index) => one[key] / total(alone[index] ?? [], key))).toFixed(2);
  console.log(`| ratio | ${ratio('ms')} | ${ratio('cpuMs')} | |`);
}

/** Whole processes over events, each beside the same question by hand, which has all the memory of the machine. */
async function compareEvents(what: string, set: typeof EVENT_SEGMENTS): Promise<void> {
  const of = Object.keys(set);
  const ours = new Map<string, Spent[]>(of.map((name) => [name, []]));
  const theirs = new Map<string, Spent[]>(of.map((name) => [name, []]));
  const together: Spent[] = [];
  await inTurn(async () => {
    const counts: Record<string, number> = {};
    for (const name of of) {
      const hand = await byHand(name);
      theirs.get(name)?.push(hand);
      const one = await evaluate([name]);
      ours.get(name)?.push(one);
      counts[name] = Number(hand.output);
      expectSame(name, one.output, counts);
    }
    const all = await evaluate(of);
    together.push(all);
    expectSame('together', all.output, counts);
  });
  console.log(`\n| ${what} | by hand | ours | ratio | processor by hand | ours | ratio | memory by hand | ours |\n|${' --- |'.repeat(9)}`);
  for (const name of of) {
    const [a, b] = [theirs.get(name) ?? [], ours.get(name) ?? []];
    const ratio = (key: 'ms' | 'cpuMs'): string => median(b.map((one, index) => one[key] / (a[index]?.[key] ?? 1))).toFixed(2);
    console.log(
      `| ${name} | ${seconds(mid(a, 'ms'))} | ${seconds(mid(b, 'ms'))} | ${ratio('ms')} | ${seconds(mid(a, 'cpuMs'))} | ${seconds(mid(b, 'cpuMs'))} | ${ratio('cpuMs')} | ${most(a)} | ${most(b)} |`,
    );
  }
  const sums = (key: 'ms' | 'cpuMs'): number[] => together.map((_, index) => of.reduce((sum, name) => sum + (ours.get(name)?.[index]?.[key] ?? 0), 0));
  const [wall, cpu] = [sums('ms'), sums('cpuMs')];
  const ratio = (key: 'ms' | 'cpuMs', all: readonly number[]): string => median(together.map((one, index) => one[key] / (all[index] ?? 1))).toFixed(2);
  console.log(
    `\ntogether: ${seconds(mid(together, 'ms'))} of ${seconds(median(wall))}, ratio ${ratio('ms', wall)}; processor ${seconds(mid(together, 'cpuMs'))} of ${seconds(median(cpu))}, ratio ${ratio('cpuMs', cpu)}; memory ${most(together)}`,
  );
}

/** The statements alone, in this process: nothing of the start is in the sums. */
async function compareStatements(): Promise<void> {
  for (const kind of ['profile', 'event'] as const) {
    const alone: number[] = [];
    const together: number[] = [];
    await inTurn(async () => {
      let sum = 0;
      for (const name of names[kind]) sum += await timed([name]);
      alone.push(sum);
      together.push(await timed(names[kind]));
    });
    const ratio = median(together.map((ms, index) => ms / (alone[index] ?? 1))).toFixed(2);
    console.log(`\nstatements of ${kind} segments: together ${seconds(median(together))} of ${seconds(median(alone))}, ratio ${ratio}`);
  }
}

async function timed(segments: readonly string[]): Promise<number> {
  const started = performance.now();
  await countSegments(
    {
      engine: (model, signal) =>
        createDuckDbEngine({
          model,
          project: folder,
          cacheFolder: join(folder, '.reconcile', 'cache'),
          temporaryFolder: join(folder, '.reconcile', 'cache', 'engine'),
          memoryLimitMb: Number(process.env['RECONCILE_MEMORY_MB'] ?? 256),
          ...(signal === undefined ? {} : { signal }),
        }),
    },
    { resources: resources(), segments, now: Date.parse(NOW) },
  );
  return performance.now() - started;
}

async function inTurn(round: () => Promise<void>): Promise<void> {
  for (let index = 0; index < rounds; index += 1) await round();
}

function evaluate(segments: readonly string[]): Promise<Spent> {
  return spend(process.execPath, [join(ROOT, 'scripts', 'reconcile.mjs'), '-C', folder, '--now', NOW, 'evaluate', ...segments, '--json']);
}

function byHand(name: string): Promise<Spent> {
  return bare([ALL_EVENT_SEGMENTS[name]?.byHand(PROFILES, EVENTS) ?? '']);
}

/** Bare DuckDB with its own settings; prints the last statement's first value. */
function bare(statements: readonly string[]): Promise<Spent> {
  const text = `import { DuckDBInstance } from ${JSON.stringify(join(ROOT, 'node_modules/@duckdb/node-api/lib/index.js'))};
const connection = await (await DuckDBInstance.create(':memory:', { temp_directory: ${JSON.stringify(join(folder, 'bare'))} })).connect();
let rows = [];
for (const statement of ${JSON.stringify(statements)}) rows = (await connection.runAndReadAll(statement)).getRows();
console.log(String(rows[0]?.[0]));`;
  return spend(process.execPath, ['--input-type=module', '-e', text]);
}

function expectSame(what: string, output: string, counts: Readonly<Record<string, number>>): void {
  const { segments } = JSON.parse(output) as { readonly segments: readonly { readonly segment: string; readonly members: number }[] };
  for (const { segment, members } of segments)
    if (members !== counts[segment]) throw new Error(`${what}: ${segment} has ${members} members, by hand ${counts[segment]}`);
}

async function prepare(): Promise<void> {
  await mkdir(data, { recursive: true });
  const made = [
    [PROFILES, profilesQuery(Number(options.profiles))],
    [EVENTS, eventsQuery(Number(options.events), Number(options.profiles), options.unordered)],
  ] as const;
  for (const [path, query] of made) {
    const there = await stat(path).then(
      () => true,
      () => false,
    );
    if (!there) await bare([`copy (${query}) to '${path}' (format parquet)`]);
  }
  await symlink(PROFILES, join(folder, 'people.parquet'));
  await symlink(EVENTS, join(folder, 'happened.parquet'));
  await mkdir(join(folder, 'manifests'));
  const documents = [...resources()].map(([key, { metadata, spec }]) => ({ kind: key.slice(0, key.indexOf('/')), metadata, spec }));
  await writeFile(join(folder, 'reconcile.yaml'), 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: bench}\nspec: {}\n');
  await writeFile(
    join(folder, 'manifests', 'all.yaml'),
    documents.map((document) => JSON.stringify({ apiVersion: 'reconcile/v1', ...document })).join('\n---\n'),
  );
  await spend(process.execPath, [join(ROOT, 'scripts', 'reconcile.mjs'), '-C', folder, '--now', NOW, 'apply', '--auto-approve', '--no-input']);
  // The source's health is measured once per state of its files and kept.
  await evaluate([...names.profile, ...Object.keys(ALL_EVENT_SEGMENTS)]);
}

function resources(): AppliedResources {
  const source = { engine: 'duckdb', datasets: { people: { path: 'people.parquet' }, happened: { path: 'happened.parquet' } } };
  const found = new Map<ResourceKey, AppliedResource>([
    [resourceKey('Source', 'big'), { metadata: { name: 'big' }, spec: source }],
    [resourceKey('Attributes', 'person'), { metadata: { name: 'person' }, spec: ATTRIBUTES }],
  ]);
  const segments = [...Object.entries(PROFILE_SEGMENTS), ...Object.entries(ALL_EVENT_SEGMENTS).map(([name, { pql }]) => [name, pql] as const)];
  for (const [name, pql] of segments) found.set(resourceKey('Segment', name), { metadata: { name }, spec: { attributes: 'person', pql } });
  return found;
}

function total(all: readonly Spent[], key: 'ms' | 'cpuMs'): number {
  return all.reduce((sum, one) => sum + one[key], 0);
}

function mid(all: readonly Spent[], key: 'ms' | 'cpuMs'): number {
  return median(all.map((one) => one[key]));
}

function most(all: readonly Spent[]): string {
  return `${Math.round(Math.max(...all.map(({ peakMb }) => peakMb)))} MiB`;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
