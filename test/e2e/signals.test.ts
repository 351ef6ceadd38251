import { execFileSync } from 'node:child_process';
import process from 'node:process';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { reconcile } from '../support/reconcile.ts';
import { createTempProject } from '../support/temp-project.ts';

const EVENTS = 300_000;

const MANIFESTS = `apiVersion: reconcile/v1
kind: Source
metadata: {name: shop}
spec: {engine: duckdb, datasets: {people: {path: people.csv}, events: {path: events.csv}}}
---
apiVersion: reconcile/v1
kind: Attributes
metadata: {name: person}
spec:
  source: shop
  dataset: people
  identities: {crmId: {column: id, primary: true}}
  fields: {}
  events: {dataset: events, profile: person, timestamp: ts, eventType: {value: buy}, fields: {amount: {column: amount, type: integer}}}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: pairs}
spec: {attributes: person, pql: 'exists A from xEvent where exists B from xEvent where B.amount > A.amount + 1000000'}
`;

/** Seconds of processor time, as `ps` tells them: `00:01:23` or `1:23.45`. */
function processorSeconds(pid: number): number {
  const text = execFileSync('ps', ['-o', 'time=', '-p', String(pid)], { encoding: 'utf8' }).trim();
  return text.split(/[:-]/).reduce((sum, part) => sum * 60 + Number(part), 0);
}

function isThere(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test.each(['SIGINT', 'SIGTERM'] as const)(
  'a second %s ends the command at once, though the engine compares every two of 300,000 events of one person',
  async (signal) => {
    using project = createTempProject({
      'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: signals}\nspec: {}\n',
      'manifests/all.yaml': MANIFESTS,
      'people.csv': 'id\n1\n',
      'events.csv': `person,ts,amount\n${Array.from({ length: EVENTS }, (_, index) => `1,2026-01-01 00:00:00,${index}`).join('\n')}\n`,
    });
    let pid = 0;
    const ended = reconcile(['-C', project.directory, '--now', '2026-02-01T00:00:00Z', 'preview', 'pairs'], { started: (started) => (pid = started) });
    onTestFinished(() => void (isThere(pid) && process.kill(pid, 'SIGKILL')));
    while (processorSeconds(pid) < 8) await wait(200);
    process.kill(pid, signal);
    await wait(2000);
    process.kill(pid, signal);
    expect(await ended).toMatchObject({
      code: null,
      signal,
      stderr: expect.stringContaining(`${signal}: finishing what is in flight; once more to stop at once`),
    });
    expect((await reconcile(['-C', project.directory, 'validate'])).code).toBe(0);
  },
);
