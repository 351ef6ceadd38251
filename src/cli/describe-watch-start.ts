import type { OpenedProject } from '../compose.ts';
import { formatInstant, type Instant } from '../model/instant.ts';
import { formatSlots } from '../plan/plan-view.ts';
import { nextSlots } from '../schedule/slots.ts';
import { readAhead } from '../watch/read-ahead.ts';
import { listPairs } from '../watch/scheduled-pair.ts';
import { formatCount } from './format-amount.ts';
import type { LogLine } from './watch-log.ts';

const SLOTS_SHOWN = 3;
const ACTIVATIONS_SHOWN = 20;

/** What `watch` says first: what it looks at, and what comes next. */
export async function describeStart(project: OpenedProject, manifests: readonly string[], now: Instant): Promise<readonly LogLine[]> {
  const { resources } = await project.store.read();
  const pairs = listPairs(resources, (type) => project.catalogue().find(type)?.card);
  const byActivation = [...Map.groupBy(pairs, ({ activation }) => activation)];
  const watched = [...manifests, 'reconcile.yaml', 'environments'];
  const lines: LogLine[] = [
    {
      level: 'info',
      event: 'started',
      text: `watching ${watched.join(', ')}, and ${formatCount(byActivation.length)} applied ${byActivation.length === 1 ? 'activation' : 'activations'}`,
      fields: { watched, activations: byActivation.length },
    },
  ];
  if (byActivation.length === 0)
    lines.push({ level: 'warn', event: 'nothing-applied', text: 'no activation is applied: no slot will come due before `reconcile apply`', fields: {} });
  const width = Math.max(0, ...byActivation.slice(0, ACTIVATIONS_SHOWN).map(([name]) => name.length));
  for (const [activation, own] of byActivation.slice(0, ACTIVATIONS_SHOWN)) {
    const slots: Instant[] = [];
    for (const pair of own) {
      if (pair.schedule === undefined || pair.suspended) continue;
      const from = Math.max(now, pair.activeFrom - 1, (await readAhead(project.ledger, pair, now)) ?? -Infinity);
      slots.push(...nextSlots(pair.schedule, pair.anchor, from, SLOTS_SHOWN));
    }
    const next = [...new Set(slots)].toSorted((a, b) => a - b).slice(0, SLOTS_SHOWN);
    const isEvaluated = own.some(({ schedule }) => schedule !== undefined && 'after' in schedule);
    const told = own.every(({ suspended }) => suspended)
      ? 'suspended'
      : next.length > 0
        ? formatSlots(next, now)
        : isEvaluated
          ? 'after each `reconcile evaluate`'
          : 'no slot to come';
    lines.push({ level: 'info', event: 'next-slots', text: `  ${activation.padEnd(width)}   ${told}`, fields: { activation, slots: next.map(formatInstant) } });
  }
  const rest = byActivation.length - ACTIVATIONS_SHOWN;
  if (rest > 0) lines.push({ level: 'info', event: 'next-slots', text: `  … and ${formatCount(rest)} more: reconcile status`, fields: { more: rest } });
  return lines;
}
