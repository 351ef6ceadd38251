import { effectiveLimit, type DestinationCard } from '../model/destination-card.ts';
import type { ActivationSpec, ExportModeSpec, ScheduleSpec } from '../model/generated/kinds.ts';
import { HOUR_MS } from '../model/instant.ts';
import type { EffectiveSegment } from './effective.ts';
import { pointerTo, type Report } from './finding.ts';

/** `ScheduleFacts` of the schedule room, as far as the rules read it. */
export interface ScheduleFactsLike {
  readonly type: 'once' | '3h' | '6h' | '8h' | '12h' | '24h' | 'cron' | 'after-evaluation';
  readonly leastGapMs: number | undefined;
  readonly problems: readonly {
    readonly code: string;
    readonly severity: 'error' | 'warning';
    readonly key: string;
    readonly message: string;
    readonly hint: string;
  }[];
}

export interface ScheduleCheck {
  readonly spec: ActivationSpec;
  readonly segment: EffectiveSegment;
  readonly destination: { readonly details: Readonly<Record<string, unknown>> | undefined; readonly card: DestinationCard } | undefined;
  readonly lintSchedule: (schedule: ScheduleSpec) => ScheduleFactsLike;
}

/** Schedules of each mode, whatever the destination (contract section 6); cron at least so many hours apart. */
const MODES: Readonly<Record<ExportModeSpec, { readonly types: readonly ScheduleFactsLike['type'][]; readonly leastHours: number }>> = {
  full: { types: ['once', '24h', 'cron', 'after-evaluation'], leastHours: 24 },
  incremental: { types: ['3h', '6h', '8h', '12h', '24h', 'cron'], leastHours: 3 },
};

/** Mode and frequency of one segment, by the contract and by the destination's card (activation-rules 2.2, 10.1 to 10.3). */
export function checkSchedule({ spec, segment, destination, lintSchedule }: ScheduleCheck, report: Report): void {
  const { mode, schedule, override } = segment;
  const card = destination?.card;
  const place = (key: 'export' | 'schedule', inner?: string): string => {
    const own = override[key] as object | string | undefined;
    const isOwn = own !== undefined && (inner === undefined || typeof own === 'string' || inner in own);
    const base = isOwn ? pointerTo('spec', 'segments', segment.index, key) : pointerTo('spec', key);
    return inner === undefined ? base : `${base}${pointerTo(inner)}`;
  };
  const ofCard = card?.exports?.[mode];
  if (card?.exports !== undefined && ofCard === undefined) {
    const modes = Object.keys(card.exports);
    const pointer = override.export === undefined && spec.export === undefined ? '/spec' : place('export');
    report({
      code: 'RC1320',
      pointer,
      ...(pointer === '/spec' ? { part: 'key' as const } : {}),
      message: `${card.displayName} takes no ${mode} exports`,
      hint: `write \`export: ${modes[0]}\``,
    });
    return;
  }
  if (schedule === undefined) {
    if (mode === 'incremental') {
      const message = 'an incremental activation without a schedule has no slots: each `run` exports everybody';
      report({
        code: 'RC7007',
        severity: 'warning',
        pointer: place('export'),
        message,
        hint: 'add a schedule, such as `{every: 6h, at: "02:00"}`, or write `export: full`',
      });
    }
    return;
  }
  const { type, leastGapMs, problems } = lintSchedule(schedule);
  for (const { code, severity, key, message, hint } of problems) report({ code, severity, pointer: place('schedule', key), message, hint });
  if (problems.some(({ code }) => code === 'RC7001')) return;
  const key = type === 'after-evaluation' ? 'after' : type === 'once' || type === 'cron' ? type : 'every';
  const { types, leastHours } = MODES[mode];
  const allowed = types.filter((one) => ofCard === undefined || ofCard.includes(one));
  if (!allowed.includes(type)) {
    const byCard = types.includes(type);
    const message = `${byCard ? `${card?.displayName ?? 'the destination'} takes no ${mode}` : `${article(mode)} ${mode}`} exports ${describe(type)}`;
    report({
      code: 'RC7008',
      pointer: place('schedule', key),
      message: byCard ? message : `${article(mode)} ${mode} export cannot run ${describe(type)}`,
      hint: `${mode}: ${allowed.map(describe).join(', ')}${adviceFor(mode, type, byCard)}`,
    });
    return;
  }
  if (leastGapMs === undefined) return;
  const limit = card === undefined ? undefined : effectiveLimit(card, 'minIntervalHours', destination?.details);
  const least = Math.max(leastHours, limit?.value ?? 0);
  if (leastGapMs >= least * HOUR_MS) return;
  const message = `${mode} exports are at least ${least} hours apart, and these are ${formatGap(leastGapMs)}`;
  report({
    code: 'RC7009',
    // A card may advise more than the rules of the field ask for.
    severity: limit?.level === 'warning' && leastGapMs >= leastHours * HOUR_MS ? 'warning' : 'error',
    pointer: place('schedule', key),
    message,
    hint: adviceForGap(mode, type, least),
  });
}

function adviceForGap(mode: ExportModeSpec, type: ScheduleFactsLike['type'], least: number): string {
  if (mode === 'full') return 'once a day, such as "0 4 * * *", or `export: incremental`';
  if (type !== 'cron') return `write an interval of ${least} hours or more`;
  // Hours that do not divide the day have a short gap at midnight.
  const hours = [3, 4, 6, 8, 12].find((one) => one >= least);
  return hours === undefined ? 'once a day, such as "0 4 * * *"' : `such as "0 */${hours} * * *"`;
}

function describe(type: ScheduleFactsLike['type']): string {
  if (type === 'once') return 'once';
  if (type === 'cron') return 'by cron';
  if (type === 'after-evaluation') return 'after evaluation';
  return `every ${type}`;
}

function article(mode: ExportModeSpec): string {
  return mode === 'incremental' ? 'an' : 'a';
}

function adviceFor(mode: ExportModeSpec, type: ScheduleFactsLike['type'], byCard: boolean): string {
  if (byCard || type === 'cron') return '';
  return mode === 'full' ? '; or write `export: incremental`' : '; or write `export: full`';
}

function formatGap(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  return minutes % 60 === 0 ? `${minutes / 60}` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
