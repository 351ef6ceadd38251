/**
 * 12,000,001 members in files of at most 5,000,000 rows, counted by another reader:
 *   node test/bench/parts.ts
 * Prints the parts with their rows; ends with 1 when a name or a count differs from what the rules say (activation-rules 2.6), or when somebody is
 * missing or is in the files twice.
 */
import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { DuckDBInstance } from '@duckdb/node-api';
import { OUTBOX } from '../support/shop-project.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MEMBERS = 12_000_001;
const EXPECTED = { 'people.csv': 5_000_000, 'people_2.csv': 5_000_000, 'people_3.csv': 2_000_001 };

/** Python's csv module counts rows by file and marks each id in a bitmap. */
const COUNT = `
import csv, json, os, sys
members, folder = int(sys.argv[1]), sys.argv[2]
seen, twice, rows = bytearray(members), 0, {}
for name in sorted(os.listdir(folder)):
    with open(os.path.join(folder, name), newline='', encoding='utf-8') as file:
        reader = csv.reader(file, strict=True)
        assert next(reader) == ['id', 'email', 'note']
        count = 0
        for id, email, note in reader:
            number = int(id)
            assert email == f'person{number}@example.com' and note == ('line one\\nline "two", %d' % number if number % 1000 == 0 else f'n{number}')
            twice += seen[number]
            seen[number] = 1
            count += 1
        rows[name] = count
print(json.dumps({'rows': rows, 'missing': members - sum(seen), 'twice': twice}))
`;

const folder = await mkdtemp(join(tmpdir(), 'bench-parts-'));
try {
  await prepare();
  reconcile('--now', '2026-01-01T00:00:00Z', 'apply', '--auto-approve', '--no-input');
  const started = performance.now();
  reconcile('--now', '2026-01-02T02:00:00Z', 'run', 'people', '--slot', '2026-01-02T02:00:00Z', '--json');
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const counted = spawnSync('python3', ['-c', COUNT, String(MEMBERS), join(folder, 'out')], { encoding: 'utf8' });
  if (counted.status !== 0) throw new Error(counted.stderr);
  const { rows, missing, twice } = JSON.parse(counted.stdout) as { rows: Record<string, number>; missing: number; twice: number };
  for (const [name, count] of Object.entries(rows)) console.log(`${name} ${count.toLocaleString('en-US')}`);
  console.log(`${missing} missing, ${twice} twice, ${seconds} s`);
  if (JSON.stringify(rows) !== JSON.stringify(EXPECTED) || missing > 0 || twice > 0) process.exitCode = 1;
} finally {
  await rm(folder, { recursive: true, force: true });
}

function reconcile(...args: readonly string[]): void {
  const { status, stderr } = spawnSync(process.execPath, [join(ROOT, 'scripts', 'reconcile.mjs'), '-C', folder, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`exit ${status}: ${stderr}`);
}

async function prepare(): Promise<void> {
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  await connection.run(
    `copy (select range id, 'person'||range||'@example.com' email, case when range % 1000 = 0 then 'line one' || chr(10) || 'line "two", ' || range else 'n' || range end note from range(${MEMBERS})) to '${join(folder, 'people.parquet')}' (format parquet)`,
  );
  await mkdir(join(folder, 'manifests'));
  await writeFile(join(folder, 'reconcile.yaml'), 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: parts}\nspec: {}\n');
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
spec: {source: big, dataset: people, identities: {crmId: {column: id, primary: true}}, fields: {email: {column: email, type: string}, note: {column: note, type: string}}}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: everybody}
spec: {attributes: person, pql: email.isNotNull()}
---
${OUTBOX}
---
apiVersion: reconcile/v1
kind: Activation
metadata: {name: people}
spec: {destination: outbox, segments: [everybody], mapping: [{source: identityMap.crmId, target: id}, {source: email}, {source: note}], export: full, schedule: {every: 24h, at: "02:00", start: 2026-01-01}, file: {name: people}}
`,
  );
}
