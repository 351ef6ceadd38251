import { afterAll, expect, test } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import { main } from '../../src/cli/main.ts';
import { randomFrom } from '../support/random.ts';
import { createTempProject } from '../support/temp-project.ts';

/** `MUTATIONS=20000 MUTATIONS_SEED=… npx vitest run test/property/manifest-mutations` for the long run; there are about 13,000 single mutations. */
const CASES = Number(process.env['MUTATIONS'] ?? 500);
const SEED = Number(process.env['MUTATIONS_SEED'] ?? 20261129);
const NOW = '2026-02-01T00:00:00Z';

/** Every kind that this version acts on, with most of what can be said of it. */
const MANIFESTS = `apiVersion: reconcile/v1
kind: Project
metadata: {name: mutated, title: Mutated, description: All kinds}
spec: {}
---
apiVersion: reconcile/v1
kind: Source
metadata: {name: shop}
spec: {engine: duckdb, datasets: {people: {path: data/people.csv}, purchases: {path: data/purchases.csv}}}
---
apiVersion: reconcile/v1
kind: Attributes
metadata: {name: customer}
spec:
  source: shop
  dataset: people
  identities: {crmId: {column: id, primary: true}, Email: {column: email, labels: [I1]}}
  fields:
    person.name.firstName: {column: first, type: string, labels: [C1]}
    homeAddress.countryCode: {column: country, type: string}
    income: {column: income, type: 'decimal(10,2)'}
    birthDate: {column: born, type: date}
  events:
    dataset: purchases
    profile: id
    timestamp: at
    eventType: {value: purchase}
    fields: {amount: {column: amount, type: decimal}}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: german}
spec:
  attributes: customer
  pql: |
    homeAddress.countryCode = "DE" and
    chain(xEvent, timestamp, [A: WHAT(eventType = "purchase" and amount > 1) WHEN(<= 90 days before now)])
  tests:
    - {name: one, now: 2026-01-01, profile: {homeAddress: {countryCode: DE}}, events: [{eventType: purchase, timestamp: 2025-12-31, amount: 2}], member: true}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: all}
spec: {attributes: customer, pql: 'inSegment("german") or income >= 0'}
---
apiVersion: reconcile/v1
kind: Destination
metadata: {name: outbox}
spec: {type: local-directory, storage: {type: local, path: out}, marketingActions: [emailTargeting]}
---
apiVersion: reconcile/v1
kind: Destination
metadata: {name: drop}
spec:
  type: sftp
  storage: {type: sftp, host: 127.0.0.1, port: 22, username: x, path: in, hostKey: 'SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA', password: {env: PASSWORD}, mkdir: true}
---
apiVersion: reconcile/v1
kind: Destination
metadata: {name: bucket}
spec:
  type: amazon-s3
  storage: {type: s3, bucket: exports, region: eu-west-1, prefix: in/here, accessKeyId: {env: PASSWORD}, secretAccessKey: {env: PASSWORD}}
---
apiVersion: reconcile/v1
kind: Activation
metadata: {name: everything}
spec:
  destination: outbox
  segments: [german, {name: all, export: full, schedule: {every: 24h, at: '03:00', start: 2026-01-01}, file: {name: '%SEGMENT_NAME%_%SEGMENT_ID%_%DATETIME(YYYYMMdd)%'}}]
  mapping:
    - {source: identityMap.crmId, target: customer, key: true}
    - {source: person.name.firstName, target: first, mandatory: true, expect: {notNull: true, pattern: '[A-Z].*'}}
    - {source: homeAddress.countryCode, target: country, transform: sha256, expect: {values: [DE, FR]}}
    - {source: income, expect: {range: {min: 0, max: 1000000}}}
    - {expression: income * 2, target: twice}
    - {source: segmentMembership.status, target: status}
  export: incremental
  schedule: {every: 6h, at: '02:00', start: 2026-01-01, end: 2027-02-01}
  missed: latest
  file:
    name: '%DESTINATION%_%SEGMENT_ID%_%DATETIME(YYYYMMdd_HHmmss)%'
    format: csv
    compression: gzip
    csv: {delimiter: ';', quote: "'", escape: "'", nullValue: '', header: true}
    maxRows: 1000
    sort: true
    manifest: true
    checksums: true
  guards: {maxRemovedPercent: 20, minMembers: 1}
  suspend: false
---
apiVersion: reconcile/v1
kind: Alert
metadata: {name: ops}
spec:
  on: [flow-run-failure, flow-run-delay]
  activations: [everything]
  thresholds: {delay: 150m, skippedRate: 1%}
  channels:
    - {type: webhook, url: {env: PASSWORD}, secret: {env: PASSWORD}}
    - {type: email, to: [ops@example.com], smtp: {url: {env: PASSWORD}}}
`;

const PEOPLE = `id,email,first,country,income,born\n${Array.from({ length: 50 }, (_, id) => `${id},p${id}@x.io,Name${id},${id % 2 === 0 ? 'DE' : 'FR'},${id}.50,1990-01-${String((id % 28) + 1).padStart(2, '0')}`).join('\n')}\n`;
const PURCHASES = `id,at,amount\n${Array.from({ length: 50 }, (_, id) => `${id},2026-01-${String((id % 28) + 1).padStart(2, '0')},${id}`).join('\n')}\n`;

/** What people put in the wrong place, and what only tests do. */
const VALUES: readonly (readonly unknown[])[] = [
  [null, [], {}, [null], [[]], [{}], { a: 1 }, ['a', 'a'], [1], [true]],
  [0, -1, 1.5, 1e308, 9_007_199_254_740_993n, Number.NaN, Infinity, true, false],
  ['', ' ', '\n', 'a\u0000b', '\ud800', '../../etc', '/', '~', 'x'.repeat(5000), 'ä\u202E"\'`|', 'null', '-', 'a: b', '*', '@'],
  ['2026-13-01', '2026-01-01', '25:00', '1h', '1%', '%', '%X%', '%DATETIME(', '(', '[', 'x = 1', '${A}', 'SHA256:x', 'http://x', 'crmId', 'german'],
  ['toString', '__proto__', 'constructor', 'valueOf', 'identityMap.toString', { constructor: 2 }, { toString: { column: 'id', type: 'string' } }],
  [{ env: 'PASSWORD' }, { env: '' }, { env: 'NOT_SET' }, { file: '/nonexistent' }, { file: '.' }],
];
type Change = { readonly put: unknown } | { readonly what: 'remove' | 'misspell' | 'repeat' };
const CHANGES: readonly Change[] = [...VALUES.flat().map((put) => ({ put })), { what: 'remove' }, { what: 'misspell' }, { what: 'repeat' }];
type Path = readonly (string | number)[];

/** Never in what a user reads: traces, and what JavaScript calls values. */
const NEVER = /\n\s+at .+:\d+:\d+|has a bug|\[object |TypeError|RangeError|Error: |undefined|is not a function|canary/;

const project = createTempProject({ 'data/people.csv': PEOPLE, 'data/purchases.csv': PURCHASES, 'reconcile.yaml': '' });
afterAll(() => project[Symbol.dispose]());

const documents = parseAllDocuments(MANIFESTS).map((document) => document.toJS() as Record<string, unknown>);

function pathsOf(value: unknown, path: Path = []): Path[] {
  const below =
    value === null || typeof value !== 'object'
      ? []
      : Object.entries(value).flatMap(([key, child]) => pathsOf(child, [...path, Array.isArray(value) ? Number(key) : key]));
  return path.length === 0 ? below : [path, ...below];
}

/** The documents with one change, as YAML. */
function mutated(index: number, path: Path, change: Change): string {
  const copies = structuredClone(documents);
  let at = copies[index] as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) at = at[key] as Record<string | number, unknown>;
  const last = path.at(-1) ?? '';
  const list = Array.isArray(at) ? at : undefined;
  if ('put' in change) at[last] = change.put;
  else if (change.what === 'repeat') {
    if (list === undefined) at[`${last}2`] = at[last];
    else list.push(structuredClone(at[last]));
  } else {
    const value = at[last];
    if (list === undefined) delete at[last];
    else list.splice(Number(last), 1);
    if (change.what === 'misspell' && list === undefined) at[`${last}x`.slice(1)] = value;
  }
  return copies.map((copy) => stringify(copy)).join('---\n');
}

async function call(...args: string[]): Promise<{ readonly code: number; readonly text: string }> {
  let text = '';
  const write = (more: string): void => void (text += more);
  const code = await main({
    argv: ['-C', project.directory, '--now', NOW, ...args],
    cwd: project.directory,
    env: { PASSWORD: 'canary', HOME: project.directory },
    version: '0.0.0',
    clock: () => Date.parse(NOW),
    stdout: { write },
    stderr: { write },
    stdin: {},
    signal: new AbortController().signal,
  });
  return { code, text };
}

test(
  `one value of a manifest changed (${CASES} of all, seed ${SEED}): what is wrong has a place in a file, and nothing ends in a trace`,
  { timeout: 3_600_000 },
  async () => {
    const all = documents.flatMap((document, index) => pathsOf(document).flatMap((path) => CHANGES.map((change) => ({ index, path, change }))));
    const random = randomFrom(SEED);
    const chosen =
      CASES >= all.length ? all : Array.from({ length: CASES }, () => all[Math.floor(random() * all.length)] ?? all[0]).filter((one) => one !== undefined);
    const wrong: string[] = [];
    const seen = { refused: 0, planned: 0 };
    for (const { index, path, change } of chosen) {
      const [head = '', ...rest] = mutated(index, path, change).split('---\n');
      project.write('reconcile.yaml', head);
      project.write('manifests/all.yaml', rest.join('---\n'));
      const name = `${String(documents[index]?.['kind'])} ${path.join('.')} ${'put' in change ? `= ${typeof change.put === 'bigint' ? String(change.put) : JSON.stringify(change.put)?.slice(0, 60)}` : change.what}`;
      for (const args of [['validate'], ['plan', '--no-input']]) {
        const { code, text } = await call(...args).catch((error: unknown) => ({ code: -1, text: `\n    at x:1:1 ${String((error as Error).stack)}` }));
        if (NEVER.test(text) || (code !== 0 && !/\n\s+--> \S+:\d+:\d+\n/.test(text)))
          wrong.push(`${name}: ${args.join(' ')} ended with ${code}\n${text.slice(0, 1500)}`);
        if (code === 0 && args[0] === 'plan') seen.planned += 1;
        if (code === 0) continue;
        seen.refused += 1;
        break;
      }
    }
    expect(wrong.join('\n\n')).toBe('');
    // Both happen, or nothing was looked at.
    expect(seen.refused).toBeGreaterThan(CASES / 2);
    expect(seen.planned).toBeGreaterThan(CASES / 50);
  },
);
