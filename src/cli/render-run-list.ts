import { printableLine } from '../support/printable.ts';
import { formatInstant, type Instant } from '../model/instant.ts';
import { toRun } from '../export/to-run.ts';
import type { RunRecord } from '../state/run-ledger.ts';
import { formatCount, formatDuration } from './format-amount.ts';
import { renderRuns, type RenderRunsOptions } from './render-runs.ts';
import { renderTable } from './render-table.ts';

/** A line per run, newest first. */
export function renderRunList(records: readonly RunRecord[], { now }: RenderRunsOptions): string {
  return renderTable(
    records.map((record) => ({
      RUN: record.id,
      ACTIVATION: record.activation,
      SEGMENT: record.segment,
      SLOT: record.slot === null ? 'now' : minute(record.slot),
      MODE: record.mode,
      STATUS: record.status,
      ROWS: formatCount(record.counts.activated),
      EXCLUDED: formatCount(record.counts.excluded),
      FAILED: formatCount(record.counts.failed),
      STARTED: minute(record.startedAt),
      TOOK: formatDuration((record.endedAt ?? now) - record.startedAt),
      ERROR: record.error?.code ?? '',
    })),
  );
}

/** All that is on record of one run. */
export function renderRun(record: RunRecord, options: RenderRunsOptions): string {
  const lines = [
    renderRuns([toRun(record)], options).trimEnd(),
    '',
    `run        ${record.id}   attempt ${record.attempt}`,
    `status     ${record.status}${record.status === 'running' ? `, step ${record.step}` : ''}`,
    `started    ${formatInstant(record.startedAt)}`,
    `ended      ${record.endedAt === null ? '-' : formatInstant(record.endedAt)}`,
    ...(record.earlier ?? []).map(
      (one) =>
        `attempt ${one.attempt}  ${one.endedAt === null ? 'was killed' : one.status}, ${formatInstant(one.startedAt)}${one.error === undefined ? '' : `  ${one.error.code}  ${printableLine(one.error.message)}`}`,
    ),
    ...(toRun(record).accepted ?? []).map(
      ({ guard, measured, by, because }) =>
        `accepted   guards.${guard}, measured ${measured}${by === undefined ? '' : `, by ${by}`}${because === undefined ? '' : `: ${printableLine(because)}`}`,
    ),
    ...record.files.map((file) => `file       ${file.path}   ${formatCount(file.rows)} rows   ${formatCount(file.bytes)} bytes   sha256 ${file.sha256}`),
  ];
  if (record.status === 'held' && record.slot !== null) lines.push('', `try again  reconcile runs retry ${record.id}`);
  return lines.join('\n');
}

function minute(instant: Instant): string {
  return formatInstant(instant).slice(0, 16).replace('T', ' ');
}
