import { resolve } from 'node:path';
import { expect, test } from 'vitest';
import { pasteable } from '../../../src/cli/command-line.ts';
import type { GlobalOptions } from '../../../src/cli/context.ts';

const BARE: GlobalOptions = {
  directory: process.cwd(),
  environment: undefined,
  variables: {},
  state: undefined,
  now: undefined,
  json: false,
  logFormat: 'text',
  color: false,
  input: false,
  verbose: false,
  quiet: false,
};

test('a command in a text becomes one that means the very project; words that are none stay', () => {
  const text = 'accept this once: reconcile run act --allow-removed=3; see reconcile.yaml, reconcile runs-elsewhere and what to reconcile';
  expect(pasteable(text, BARE)).toBe(text);
  expect(pasteable(text, { ...BARE, directory: resolve('my shop'), environment: 'prod', variables: { a: "it's" }, state: 'sqlite:x.db' })).toBe(
    text.replace('reconcile run', `reconcile -C 'my shop' --env prod --var 'a=it'\\''s' --state sqlite:x.db run`),
  );
});

test('--now goes along where it counts, and not for a slot that lies after it', () => {
  const now = Date.UTC(2026, 0, 2);
  const of = (text: string): string => pasteable(text, { ...BARE, now });
  expect(of('reconcile run a --slot 2026-01-01T02:00:00Z')).toBe('reconcile --now 2026-01-02T00:00:00Z run a --slot 2026-01-01T02:00:00Z');
  expect(of('reconcile run a --slot 2026-01-03T02:00:00Z')).toBe('reconcile run a --slot 2026-01-03T02:00:00Z');
  expect(of('reconcile runs show X; reconcile runs retry X')).toBe('reconcile runs show X; reconcile --now 2026-01-02T00:00:00Z runs retry X');
});
