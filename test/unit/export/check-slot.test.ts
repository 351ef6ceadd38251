import { expect, test } from 'vitest';
import { checkSlot } from '../../../src/export/check-slot.ts';
import type { AppliedResources } from '../../../src/export/deps.ts';
import type { ResolvedJob } from '../../../src/export/resolve-job.ts';
import { DAY_MS, parseInstant, type Instant } from '../../../src/model/instant.ts';
import { openMemoryState } from '../../../src/state/memory/open-memory-state.ts';

const at = (text: string): Instant => parseInstant(`${text}Z`) ?? Number.NaN;
const EDITED = at('2026-12-04T00:30:00');

/** An activation whose schedule has no start, applied first on 1 December at 09:00 and edited on the 4th. */
function check(slot: Instant, anchors: { readonly activeFrom?: Instant; readonly firstAppliedAt?: Instant }, others?: readonly string[]): Promise<void> {
  const resources: AppliedResources = new Map([['Activation/letter', { metadata: { name: 'letter' }, spec: {}, ...anchors }]]);
  const one = { job: { activation: 'letter', segment: 'rich', target: 't' }, settings: { schedule: { every: '24h', at: '02:00' }, mode: 'full' } };
  const { ledger } = openMemoryState(() => EDITED);
  return checkSlot(ledger, one as unknown as ResolvedJob, { resources, activation: 'letter', slot, now: EDITED + 2 * DAY_MS, others });
}

test('slots since the first apply stay slots after an edit; those before it never were', async () => {
  const anchors = { activeFrom: EDITED, firstAppliedAt: at('2026-12-01T09:00:00') };
  await check(at('2026-12-02T02:00:00'), anchors);
  await check(at('2026-12-04T02:00:00'), anchors);
  await expect(check(at('2026-11-30T02:00:00'), anchors)).rejects.toMatchObject({ code: 'RC4017', exit: 64 });
  await expect(check(at('2026-12-02T03:00:00'), anchors)).rejects.toMatchObject({ code: 'RC4017', hint: expect.stringContaining('2026-12-02T02:00:00Z') });
});

const hintOf = (others: readonly string[]): Promise<unknown> =>
  check(at('2026-12-02T03:00:00'), { activeFrom: EDITED, firstAppliedAt: at('2026-12-01T09:00:00') }, others).catch(({ hint }: { hint: string }) => hint);

test('among segments with schedules of their own, one that is refused says how another is exported', async () => {
  expect(await hintOf([])).not.toContain('--segment');
  expect(await hintOf(['poor'])).toMatch(/; `--segment poor` exports the other one alone$/);
  expect(await hintOf(['poor', 'old'])).toMatch(/; --segment exports one of the others alone$/);
});

test('a state from before the first apply was recorded knows when the activation became active', async () => {
  await check(at('2026-12-05T02:00:00'), { activeFrom: EDITED });
  await expect(check(at('2026-12-02T02:00:00'), { activeFrom: EDITED })).rejects.toMatchObject({ code: 'RC4017' });
});
