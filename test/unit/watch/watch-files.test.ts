import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { isGitBusy, mayMatter, scanManifests } from '../../../src/watch/manifest-scan.ts';
import { watchFiles } from '../../../src/watch/watch-files.ts';
import type { WatchEvent } from '../../../src/watch/watch-event.ts';
import { createTempProject, type TempProject } from '../../support/temp-project.ts';

const QUIET_MS = 60;
const UNTIL = { timeout: 10_000, interval: 10 };

interface Watched {
  readonly project: TempProject;
  readonly path: (name: string) => string;
  readonly events: WatchEvent[];
  /** What the manifests' folder held at each reconciling. */
  readonly seen: number[];
  reconcile: () => Promise<void>;
  roots: readonly string[];
}

function start({ scanEveryMs = 60_000 } = {}): Watched {
  const project = createTempProject({ 'reconcile.yaml': 'a', 'manifests/one.yaml': '1', 'manifests/two.yaml': '2' });
  const stop = new AbortController();
  const watched: Watched = {
    project,
    path: (name) => join(project.directory, name),
    events: [],
    seen: [],
    reconcile: async () => {},
    roots: ['manifests', 'reconcile.yaml', 'environments'],
  };
  const ended = watchFiles({
    directory: project.directory,
    roots: () => watched.roots,
    reconcile: async () => {
      watched.seen.push(watched.seen.length);
      await watched.reconcile();
    },
    emit: (event) => void watched.events.push(event),
    signal: stop.signal,
    quietMs: QUIET_MS,
    scanEveryMs,
  });
  onTestFinished(async () => {
    stop.abort();
    await ended;
    project[Symbol.dispose]();
  });
  return watched;
}

const reconciled = (watched: Watched, times: number): Promise<void> => vi.waitFor(() => expect(watched.seen).toHaveLength(times), UNTIL);

describe('reconciling', () => {
  test('once at the start, and after each change', async () => {
    const watched = start();
    await reconciled(watched, 1);
    watched.project.write('manifests/one.yaml', 'changed');
    await reconciled(watched, 2);
    watched.project.write('environments/prod.yaml', 'x: 1');
    await reconciled(watched, 3);
    rmSync(watched.path('manifests/two.yaml'));
    await reconciled(watched, 4);
    expect(watched.events.map(({ type }) => type)).toEqual(['files-changed', 'files-changed', 'files-changed']);
  });

  test('many changes at once are one', async () => {
    const watched = start();
    await reconciled(watched, 1);
    for (let index = 0; index < 500; index += 1) watched.project.write(`manifests/sub/m${index}.yaml`, 'x');
    await reconciled(watched, 2);
    await wait(QUIET_MS * 5);
    expect(watched.seen).toHaveLength(2);
  });

  test('a change in the moments after a reconciling is seen', async () => {
    const watched = start();
    for (let round = 1; round <= 30; round += 1) {
      await reconciled(watched, round);
      mkdirSync(watched.path(`manifests/sub${round}`));
      for (let index = 0; index < 20; index += 1) watched.project.write(`manifests/sub${round}/m${index}.yaml`, 'x');
    }
  });

  test('a folder that becomes one of the manifests’ while it runs is watched as well', async () => {
    const watched = start();
    watched.project.write('more/three.yaml', '3');
    watched.reconcile = async () => void (watched.roots = [...watched.roots.slice(0, 3), 'more']);
    await reconciled(watched, 2);
    await wait(QUIET_MS * 5);
    expect(watched.seen).toHaveLength(2);
    watched.project.write('more/three.yaml', 'changed');
    await reconciled(watched, 3);
  });

  test('a file that is replaced, as editors save, is seen each time', async () => {
    const watched = start();
    await reconciled(watched, 1);
    writeFileSync(watched.path('manifests/.one.yaml.tmp'), 'new');
    renameSync(watched.path('manifests/.one.yaml.tmp'), watched.path('manifests/one.yaml'));
    await reconciled(watched, 2);
    // Lost events on a file that was replaced are a known trap of chokidar: the second one has to be seen as well.
    writeFileSync(watched.path('manifests/.one.yaml.tmp'), 'newer');
    renameSync(watched.path('manifests/.one.yaml.tmp'), watched.path('manifests/one.yaml'));
    await reconciled(watched, 3);
  });

  test('a file that goes and comes back within a moment is never seen as gone', async () => {
    const watched = start();
    const present: boolean[] = [];
    await reconciled(watched, 1);
    watched.reconcile = async () => {
      present.push(existsSync(watched.path('manifests/one.yaml')));
    };
    rmSync(watched.path('manifests/one.yaml'));
    await wait(QUIET_MS / 3);
    watched.project.write('manifests/one.yaml', 'back');
    await reconciled(watched, 2);
    expect(present).toEqual([true]);
  });

  test('waits while git holds the working tree', async () => {
    const watched = start();
    await reconciled(watched, 1);
    mkdirSync(watched.path('.git'));
    writeFileSync(watched.path('.git/index.lock'), '');
    rmSync(watched.path('manifests/two.yaml'));
    await wait(QUIET_MS * 6);
    expect(watched.seen).toHaveLength(1);
    rmSync(watched.path('.git/index.lock'));
    await reconciled(watched, 2);
  });

  test('what is no manifest wakes nobody', async () => {
    const watched = start();
    await reconciled(watched, 1);
    watched.project.write('manifests/notes.txt', 'x');
    watched.project.write('manifests/.hidden.yaml', 'x');
    watched.project.write('.reconcile/state.db', 'x');
    watched.project.write('out/file.yaml', 'x');
    await wait(QUIET_MS * 5);
    expect(watched.seen).toHaveLength(1);
  });

  test('an error is told and the next change is looked at again', async () => {
    const watched = start();
    await reconciled(watched, 1);
    watched.reconcile = () => Promise.reject(new Error('broken YAML'));
    watched.project.write('manifests/one.yaml', '{');
    await reconciled(watched, 2);
    await vi.waitFor(() => expect(watched.events.at(-1)).toMatchObject({ type: 'look-failed', what: 'manifests' }), UNTIL);
    watched.reconcile = async () => {};
    watched.project.write('manifests/one.yaml', 'mended');
    await reconciled(watched, 3);
  });

  test('without any event the regular look finds changes', async () => {
    const watched = start({ scanEveryMs: 150 });
    await reconciled(watched, 1);
    const link = watched.path('manifests/linked.yaml');
    // Outside the watched folders no event comes when the target of a link changes.
    watched.project.write('elsewhere/target.yaml', '1');
    symlinkSync(watched.path('elsewhere/target.yaml'), link);
    await reconciled(watched, 2);
    watched.project.write('elsewhere/target.yaml', '12');
    await reconciled(watched, 3);
  });
});

test('a change while one is reconciling is looked at afterwards', async () => {
  const watched = start();
  await reconciled(watched, 1);
  const gate = Promise.withResolvers<void>();
  watched.reconcile = () => gate.promise;
  watched.project.write('manifests/one.yaml', 'first');
  await reconciled(watched, 2);
  watched.project.write('manifests/one.yaml', 'second!');
  await wait(QUIET_MS * 3);
  expect(watched.seen).toHaveLength(2);
  watched.reconcile = async () => {};
  gate.resolve();
  await reconciled(watched, 3);
});

test('the digest goes by name, size and time, and bears loops of links and missing folders', async () => {
  using project = createTempProject({ 'manifests/a.yaml': 'a' });
  const scan = (): Promise<string> => scanManifests({ directory: project.directory, roots: () => ['manifests/', 'missing'] });
  const first = await scan();
  expect(await scan()).toBe(first);
  utimesSync(join(project.directory, 'manifests/a.yaml'), 1, 1);
  const second = await scan();
  expect(second).not.toBe(first);
  symlinkSync(join(project.directory, 'manifests'), join(project.directory, 'manifests/loop'));
  expect(await scan()).not.toBe(second);
});

test('mayMatter, isGitBusy', async () => {
  expect(['a.yaml', 'sub/a.yml'].every(mayMatter)).toBe(true);
  expect(['a.txt', '.a.yaml', '.reconcile/a.yaml', 'sub/.git/a.yaml', 'node_modules/a.yaml'].some(mayMatter)).toBe(false);
  using project = createTempProject({ 'deep/er/x': '' });
  mkdirSync(join(project.directory, '.git'));
  expect(await isGitBusy(join(project.directory, 'deep/er'))).toBe(false);
  writeFileSync(join(project.directory, '.git/index.lock'), '');
  expect(await isGitBusy(join(project.directory, 'deep/er'))).toBe(true);
});
