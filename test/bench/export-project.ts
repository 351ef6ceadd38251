import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { spend } from './spend.ts';
import { OUTBOX } from '../support/shop-project.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const COMMAND = join(ROOT, 'scripts', 'reconcile.mjs');
/** Columns of text beside `id`, `email`, `score` and `cc`; the first eight are exported. */
export const TEXT_COLUMNS: readonly string[] = Array.from({ length: 16 }, (_, index) => `c${index}`);
export const EXPORTED_TEXTS: readonly string[] = TEXT_COLUMNS.slice(0, 8);

/** Profiles that are there as CSV, too. */
const IN_CSV = 1_000_000;
/** Segments of a twentieth of these each. */
export const TWENTY: readonly string[] = Array.from({ length: 20 }, (_, index) => `part-${index}`);

/**
 * A project over `people.parquet` (made unless it is there) with so many profiles of 20 columns, and an activation of 12 of them for each case: `csv`,
 * `csvgz`, `parquet`, `incremental`, and `dedup30`, `dedup3` and `dedup1` by keys of 30 rows each, of 3, and nearly unique ones; `wide` and
 * `wideparquet` write all 20, `twenty` has twenty segments over a CSV of a million of the profiles, `byemail` takes the email for the primary identity, which is in no order. The segment `third` is 30 % of the profiles.
 */
export async function makeExportProject(folder: string, rows: number): Promise<void> {
  const special: Readonly<Record<string, string>> = { c13: `'u'||(hash(range)%${rows * 2})`, c14: `'k'||(hash(range)%${rows / 10})` };
  const made = TEXT_COLUMNS.map((column, index) => `${special[column] ?? `'v${index}_'||(range*${index + 3}%${Math.ceil(rows / 100) + 3})`} ${column}`).join(
    ',',
  );
  await mkdir(join(folder, 'manifests'), { recursive: true });
  const people = join(folder, 'people.parquet');
  if (!existsSync(people))
    await bareEngine([
      `copy (select range id,'person'||range||'@example.com' email,(range*7919%1000)::int score,['DE','FR','US'][1+range%3] cc,${made} from range(${rows})) to '${people}' (format parquet)`,
    ]);
  const texts = join(folder, 'people.csv');
  if (!existsSync(texts)) await bareEngine([`copy (select * from '${people}' limit ${IN_CSV}) to '${texts}' (format csv, header)`]);
  await writeFile(join(folder, 'reconcile.yaml'), 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: bench}\nspec: {}\n');
  await writeFile(join(folder, 'manifests', 'all.yaml'), manifests());
  await spend(process.execPath, [COMMAND, '-C', folder, '--now', '2026-01-01T00:00:00Z', 'apply', '--auto-approve', '--no-input']);
}

/** Runs SQL in a process of its own, by the library that the command uses, with its own settings but for these. */
export function bareEngine(statements: readonly string[], settings: Readonly<Record<string, string>> = {}): ReturnType<typeof spend> {
  const script = `import { DuckDBInstance } from ${JSON.stringify(join(ROOT, 'node_modules/@duckdb/node-api/lib/index.js'))};
const connection = await (await DuckDBInstance.create(':memory:', ${JSON.stringify(settings)})).connect();
for (const statement of ${JSON.stringify(statements)}) await connection.run(statement);`;
  return spend(process.execPath, ['--input-type=module', '-e', script]);
}

function manifests(): string {
  const fields = TEXT_COLUMNS.map((column) => `${column}: {column: ${column}, type: string}`).join(', ');
  const id = '{source: identityMap.crmId, target: id}';
  return `apiVersion: reconcile/v1
kind: Source
metadata: {name: big}
spec: {engine: duckdb, datasets: {people: {path: people.parquet}, texts: {path: people.csv}}}
---
apiVersion: reconcile/v1
kind: Attributes
metadata: {name: person}
spec: {source: big, dataset: people, identities: {crmId: {column: id, primary: true}}, fields: {email: {column: email, type: string}, score: {column: score, type: integer}, cc: {column: cc, type: string}, ${fields}}}
---
apiVersion: reconcile/v1
kind: Attributes
metadata: {name: reader}
spec: {source: big, dataset: people, identities: {Email: {column: email, primary: true}}, fields: {score: {column: score, type: integer}, cc: {column: cc, type: string}, ${fields}}}
---
apiVersion: reconcile/v1
kind: Attributes
metadata: {name: text}
spec: {source: big, dataset: texts, identities: {crmId: {column: id, primary: true}}, fields: {email: {column: email, type: string}, score: {column: score, type: integer}, cc: {column: cc, type: string}, ${fields}}}
${TWENTY.map(
  (name, index) => `---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: ${name}}
spec: {attributes: text, pql: score >= ${index * 50} and score < ${index * 50 + 50}}
`,
).join('')}---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: third}
spec: {attributes: person, pql: score < 300}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: third-by-email}
spec: {attributes: reader, pql: score < 300}
---
${OUTBOX}
${[
  activation('csv', id, {}),
  activation('csvgz', id, { file: 'format: csv, compression: gzip' }),
  activation('parquet', id, { file: 'format: parquet' }),
  activation('dedup30', '{source: c15, key: true}', {}),
  activation('dedup3', '{source: c14, key: true}', {}),
  activation('dedup1', '{source: c13, key: true}', {}),
  activation('wide', id, { columns: ['email', 'score', 'cc', ...TEXT_COLUMNS] }),
  activation('wideparquet', id, { columns: ['email', 'score', 'cc', ...TEXT_COLUMNS], file: 'format: parquet' }),
  activation('byemail', '{source: identityMap.Email, target: email}', { segment: 'third-by-email', columns: ['score', 'cc', ...EXPORTED_TEXTS] }),
  activation('twenty', id, { segment: TWENTY.join(', ') }),
  activation('incremental', `${id}, {source: segmentMembership.status, target: status}`, { more: 'export: incremental, ' }),
].join('')}`;
}

interface ActivationParts {
  readonly columns?: readonly string[];
  readonly file?: string;
  readonly segment?: string;
  readonly more?: string;
}

function activation(
  name: string,
  first: string,
  { columns = ['email', 'score', 'cc', ...EXPORTED_TEXTS], file = 'format: csv', segment = 'third', more = '' }: ActivationParts,
): string {
  const mapping = columns.map((column) => `{source: ${column}}`).join(', ');
  return `---
apiVersion: reconcile/v1
kind: Activation
metadata: {name: ${name}}
spec: {destination: outbox, segments: [${segment}], mapping: [${first}, ${mapping}], ${more}file: {name: "${name}_%DESTINATION%_%SEGMENT_ID%_%DATETIME(YYYYMMdd_HHmmss)%", ${file}}, schedule: {every: 24h, at: "02:00", start: 2026-01-01}}
`;
}
