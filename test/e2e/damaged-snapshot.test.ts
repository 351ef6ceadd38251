import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { reconcile, type Ended } from '../support/reconcile.ts';
import { createShopProject } from '../support/shop-project.ts';

const SLOTS = ['2026-01-01T02:00:00Z', '2026-01-01T08:00:00Z'] as const;

test.each<[string, (bytes: Buffer) => Buffer]>([
  ['cut off', (bytes) => bytes.subarray(0, 300)],
  ['emptied', () => Buffer.alloc(0)],
  // Whoever reads such a file would take the ids as they are.
  ['still a file, of other members', (bytes) => withOneBitTurned(bytes)],
  ['with its footer overwritten', (bytes) => Buffer.concat([bytes.subarray(0, -300), Buffer.alloc(292), bytes.subarray(-8)])],
])('members on record that are %s fail the next slot, which says what file that is and what to do', async (_, damage) => {
  using project = createShopProject();
  const call = (now: string, ...args: readonly string[]): Promise<Ended> => reconcile(['-C', project.directory, '--now', now, ...args]);
  expect(await call('2026-01-01T00:00:00Z', 'apply', '--auto-approve')).toMatchObject({ code: 0 });
  expect(await call(SLOTS[0], 'run', 'letter', '--segment', 'rich', '--slot', SLOTS[0])).toMatchObject({ code: 0 });
  const folder = join(project.directory, '.reconcile/snapshots/letter/rich');
  const [name = ''] = readdirSync(folder);
  const whole = readFileSync(join(folder, name));
  writeFileSync(join(folder, name), damage(whole));

  const failed = await call(SLOTS[1], 'run', 'letter', '--segment', 'rich', '--slot', SLOTS[1]);
  expect([failed.code, failed.stdout], failed.stderr).toEqual([
    1,
    expect.stringMatching(
      new RegExp(`RC2003  the file \`\\.reconcile/snapshots/letter/rich/${name}\` is damaged\\n.*put it back from the same backup as the state`),
    ),
  ]);
  const doctor = await call(SLOTS[1], 'state', 'doctor');
  expect([doctor.code, doctor.stdout.includes(`snapshots/letter/rich/${name}`)]).toEqual([1, true]);

  writeFileSync(join(folder, name), whole);
  expect(await call(SLOTS[1], 'run', 'letter', '--segment', 'rich', '--slot', SLOTS[1])).toMatchObject({ code: 0 });
});

test('members on record that are gone, and no backup: the way out that is told leads out', async () => {
  using project = createShopProject();
  const call = (now: string, ...args: readonly string[]): Promise<Ended> => reconcile(['-C', project.directory, '--now', now, ...args]);
  expect(await call('2026-01-01T00:00:00Z', 'apply', '--auto-approve')).toMatchObject({ code: 0 });
  expect(await call(SLOTS[0], 'run', 'letter', '--segment', 'rich', '--slot', SLOTS[0])).toMatchObject({ code: 0 });
  rmSync(join(project.directory, '.reconcile/snapshots'), { recursive: true });

  const failed = await call(SLOTS[1], 'run', 'letter', '--segment', 'rich', '--slot', SLOTS[1]);
  const wayOut = 'Without one, delete the activation and apply it again: its next export is everybody';
  expect([failed.code, failed.stdout]).toEqual([1, expect.stringMatching(new RegExp(`RC2001 .* is gone\n.*${wayOut}`))]);
  const doctor = await call(SLOTS[1], 'state', 'doctor');
  expect([doctor.code, doctor.stdout]).toEqual([1, expect.stringContaining('delete the activation and apply it again: its next export is everybody')]);

  const manifest = project.read('manifests/all.yaml');
  project.write('manifests/all.yaml', manifest.slice(0, manifest.lastIndexOf('---')));
  expect(await call(SLOTS[1], 'apply', '--auto-approve')).toMatchObject({ code: 0 });
  project.write('manifests/all.yaml', manifest);
  expect(await call(SLOTS[1], 'apply', '--auto-approve')).toMatchObject({ code: 0 });
  const next = '2026-01-01T14:00:00Z';
  const again = await call(next, 'run', 'letter', '--segment', 'rich', '--slot', next, '--json');
  expect(JSON.parse(again.stdout)).toMatchObject({ runs: [{ status: 'success', counts: { activated: 180 } }] });
});

/** In an email, where nothing but its reader could tell. */
function withOneBitTurned(bytes: Buffer): Buffer {
  const turned = Buffer.from(bytes);
  const at = turned.indexOf('@') - 1;
  turned.writeUInt8(turned.readUInt8(at) ^ 1, at);
  return turned;
}
