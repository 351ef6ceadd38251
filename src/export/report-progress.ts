import type { RunCounts } from '../model/run.ts';
import type { RunRecord } from '../state/run-ledger.ts';
import type { ExportDeps, ExportProgress } from './deps.ts';
import type { RunWork } from './run-work.ts';

export type ProgressMade = Partial<Pick<ExportProgress, 'rows' | 'bytes' | 'totalBytes' | 'files'> & { readonly totalRows: number | undefined }>;

/** Where a run stands while it tells how far it has come. */
export interface RunStanding {
  readonly run: Pick<RunRecord, 'id' | 'activation' | 'segment' | 'startedAt'>;
  readonly counts: RunCounts;
  readonly work: RunWork;
}

/** Tells whoever shows it how far a run has come. Until its rows are counted nobody is told of how many they are. */
export function reportProgress(
  { progress: show }: Pick<ExportDeps, 'progress'>,
  { run, counts, work }: RunStanding,
  step: ExportProgress['step'],
  made: ProgressMade,
): void {
  const { totalRows = counts.activated, ...rest } = made;
  show?.({
    runId: run.id,
    activation: run.activation,
    segment: run.segment,
    step,
    rows: counts.activated,
    bytes: 0,
    files: work.parts?.length ?? 0,
    ...rest,
    startedAt: run.startedAt,
    ...(step === 'connecting' || step === 'selecting' || (step === 'writing' && made.totalRows === undefined) ? {} : { totalRows }),
  });
}
