import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { expect, test } from 'vitest';
import { reconcile, type Ended } from '../support/reconcile.ts';
import { SMALL_DELIVERY_APPLIED, SMALL_DELIVERY_NOW, SMALL_DELIVERY_SLOT, smallDelivery } from '../support/small-delivery.ts';
import { createTempProject } from '../support/temp-project.ts';

const NOBODY = 65_534;

/** As operators set up a folder that many may drop files into and only its owner may look into. */
test.runIf(process.getuid?.() === 0)('a folder that may be written and not read takes files, and doctor says so', { timeout: 60_000 }, async () => {
  const box = mkdtempSync(join(tmpdir(), 'drop-box-'));
  try {
    using project = createTempProject(smallDelivery('local-directory', { type: 'local', path: join(box, 'in') }));
    mkdirSync(join(box, 'in'));
    chmodSync(box, 0o755);
    chmodSync(join(box, 'in'), 0o1733);
    chownSync(project.directory, NOBODY, NOBODY);
    const call = (now: string, ...args: readonly string[]): Promise<Ended> =>
      reconcile(['-C', project.directory, '--now', now, ...args], { user: NOBODY, env: { HOME: project.directory } });
    // The checkout's build is made by whoever may write there.
    expect(await reconcile(['--version'])).toMatchObject({ code: 0 });
    const applied = await call(SMALL_DELIVERY_APPLIED, 'apply', '--auto-approve');
    expect(applied, applied.stderr).toMatchObject({ code: 0 });

    const ran = await call(SMALL_DELIVERY_NOW, 'run', 'remote', '--slot', SMALL_DELIVERY_SLOT);
    expect(ran, ran.stdout + ran.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('read back: equal') });
    const doctor = await call(SMALL_DELIVERY_NOW, 'doctor');
    expect(doctor.stdout).toContain('a small file was written, read back and removed');
    expect(readdirSync(join(box, 'in'))).toEqual(['everyone_all.csv']);
  } finally {
    rmSync(box, { recursive: true, force: true });
  }
});
