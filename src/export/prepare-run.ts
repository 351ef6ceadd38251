import { mkdir, writeFile as writeText } from 'node:fs/promises';
import { join } from 'node:path';
import type { Engine } from '../engine/engine.ts';
import { AppError } from '../model/app-error.ts';
import type { RunCounts } from '../model/run.ts';
import type { RunLedger } from '../state/run-ledger.ts';
import type { Storage } from '../storage/storage.ts';
import { sha256 } from '../support/digest.ts';
import type { ExportPaths } from './deps.ts';
import { checkOverflow } from './check-overflow.ts';
import { checkReadable } from './check-readable.ts';
import { countIfMany } from './estimate-rows.ts';
import { fitCarried } from './fit-carried.ts';
import { holdRun } from './guards.ts';
import { keepOnlyMembersLeft } from './keep-spool.ts';
import { checksumsName, checksumsText, manifestName, manifestText } from './manifest-file.ts';
import { measureGuards, sourceFacts } from './measure-guards.ts';
import { lastSnapshot } from './last-snapshot.ts';
import { findLeftBehind } from './left-behind.ts';
import { membersTold } from './members-told.ts';
import { openJob, type OpenedJob } from './open-job.ts';
import { encryptionDigest } from './outdated-work.ts';
import { planFiles, surplusFiles } from './publish-parts.ts';
import type { PlannedFile, RunWork } from './run-work.ts';
import { writeRejects } from './rejects.ts';
import { selectDirect, type DirectSelection } from './select-direct.ts';
import { selectJob, hasExits, type Selection } from './select-job.ts';
import { changeRows, memberRows, selectedRows, type RowsQuery } from './select-rows.ts';
import type { SegmentJob } from './segment-job.ts';
import { withAudience } from './settle-audience.ts';
import { countSpacedValues } from './spaced-values.ts';
import { STAGED, writeParts, type WrittenPart } from './write-parts.ts';
import { writeSnapshot } from './write-snapshot.ts';

export interface PrepareInput {
  readonly job: SegmentJob;
  readonly runId: string;
  readonly engine: Engine;
  readonly ledger: RunLedger;
  readonly storage: Storage;
  readonly paths: ExportPaths;
  readonly signal: AbortSignal | undefined;
  /** The other side may refuse rows: who stands in which one is kept. */
  readonly who: boolean;
  /** What the manifest says of the run, when its files are built again; the job's own otherwise. */
  readonly recordedAs?: Pick<SegmentJob, 'slot' | 'mode'>;
  readonly step: (
    name: 'connecting' | 'selecting' | 'writing',
    progress: { readonly rows: number; readonly totalRows?: number | undefined; readonly bytes: number; readonly files: number },
  ) => void;
  readonly rowsPerPart?: number | undefined;
  readonly crashPoint: (name: string) => void;
}

export interface PreparedRun {
  readonly counts: RunCounts;
  readonly work: RunWork;
}

/**
 * Selects and writes one segment's rows into the spool. Nothing outside the spool changes: it may be killed at any instant and started again from
 * the beginning. Throws `HeldError` when a guard holds the run.
 */
export async function prepareRun(input: PrepareInput): Promise<PreparedRun> {
  return withAudience(input.engine, input.job, input.signal, (job) => prepare({ ...input, job }));
}

async function prepare(input: PrepareInput): Promise<PreparedRun> {
  const { job, runId, engine, ledger, paths, signal, rowsPerPart, crashPoint } = input;
  const folder = join(paths.spool, runId);
  await keepOnlyMembersLeft(folder);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const begin = (name: 'connecting' | 'selecting'): void => input.step(name, { rows: 0, bytes: 0, files: 0 });
  begin('selecting');
  const opened = await openJob(engine, job);
  const last = await lastSnapshot({ ledger, paths }, job);
  const leftBehind = await findLeftBehind(ledger, job, async () => {
    begin('connecting');
    return input.storage;
  });
  begin('selecting');
  const snapshot = await membersTold({ job, engine, paths, folder, last, leftBehind, signal });

  const isDirect = job.slot === null && snapshot === undefined && opened.columns.every((column) => column.expect === undefined);
  const direct = isDirect ? await selectDirect({ job, opened, folder, signal, rowsPerPart, crashPoint }) : undefined;
  const selection = isDirect ? undefined : await selectJob({ job, opened, folder, snapshot, signal, rowsPerPart, crashPoint });
  const query = rowsQuery(job, await fitted(job, opened, selection, snapshot !== undefined, signal), direct, selection, snapshot !== undefined);
  crashPoint('selected');
  if (selection !== undefined && opened.columns.some((column) => column.expect !== undefined))
    await writeRejects({ opened, selection, paths, job, runId, signal });
  const source = await sourceFacts(job, opened, signal);
  const guard = async (members: number, removed: number): Promise<RunWork['accepted']> => {
    const recorded = snapshot?.pointer.members ?? 0;
    const verdict = await measureGuards({ ledger, job, opened, source, recorded, members, removed, selection, signal });
    holdRun(verdict, job.again.replace('RUN', runId));
    return verdict.accepted.length === 0 ? undefined : verdict.accepted;
  };
  let accepted = selection === undefined ? undefined : await guard(selection.counts.members, selection.counts.removed);

  const expected = selection?.counts ?? direct?.counts;
  const due = expected?.activated ?? (await countIfMany(job, opened, signal));
  const nothing = due === 0 && job.mode === 'incremental';
  if (!nothing) {
    await checkOverflow(job, opened, query, signal);
    await checkReadable(job.file, opened, query, signal);
  }
  const parts = nothing
    ? []
    : await writeParts({
        engine,
        query,
        columns: opened.columns,
        settings: job.file,
        rows: due,
        folder,
        stages: job.stages,
        who: input.who,
        signal,
        onProgress: (rows, bytes, files) => input.step('writing', { rows, totalRows: due, bytes, files }),
      });
  const rows = parts.reduce((sum, part) => sum + part.rows, 0);
  if (selection === undefined) accepted = await guard(expected?.received ?? rows, 0);
  const counts = settleCounts(expected, rows);
  const spacedValues = job.file.spacesForLineBreaks && !nothing ? await countSpacedValues(opened, query) : 0;
  const next = job.slot === null || selection === undefined ? undefined : await writeSnapshot({ job, runId, opened, selection, folder, signal });
  if ((await engine.fingerprint()) !== opened.source.fingerprint) {
    throw new AppError({
      code: 'RC4010',
      message: `the source of Attributes \`${job.attributesName}\` changed while it was read`,
      hint: 'run again; load files under another name and rename them when they are whole',
    });
  }
  input.step('connecting', { rows, bytes: parts.reduce((sum, part) => sum + part.bytes, 0), files: parts.length });
  const planned = await planRun(input, parts, folder);
  const encryption = encryptionDigest(job);
  return {
    counts,
    work: {
      spool: runId,
      ...planned,
      target: job.target,
      ...(encryption === undefined ? {} : { encryption }),
      ...(job.keys === undefined ? {} : { keys: job.keys }),
      time: job.time,
      changesOnly: job.mode === 'incremental' && snapshot !== undefined,
      ...(job.mode === 'incremental' && job.slot !== null ? { against: { run: last?.pointer.runId ?? null, leftBehind: leftBehind.map(({ id }) => id) } } : {}),
      fingerprint: opened.source.fingerprint,
      columns: opened.columns.map((column) => column.target),
      ...(next === undefined ? {} : { snapshot: next }),
      ...(input.who && parts.length > 0 ? { who: STAGED } : {}),
      ...(spacedValues === 0 ? {} : { spacedValues }),
      source,
      ...(accepted === undefined ? {} : { accepted }),
    },
  };
}

async function fitted(
  job: SegmentJob,
  opened: OpenedJob,
  selection: Selection | undefined,
  hasSnapshot: boolean,
  signal: AbortSignal | undefined,
): Promise<OpenedJob> {
  if (job.file.format !== 'parquet' || selection === undefined || !hasExits(job, opened, hasSnapshot)) return opened;
  const { engine, columns, carried } = opened;
  return { ...opened, columns: await fitCarried({ engine, columns, carried, calculated: job.calculated, selection: selection.relation, signal }) };
}

/** What goes into the files: everybody in one scan, everybody by way of the selection, or the changes. */
function rowsQuery(job: SegmentJob, opened: OpenedJob, direct: DirectSelection | undefined, selection: Selection | undefined, hasSnapshot: boolean): RowsQuery {
  const { columns, exclusions, carried } = opened;
  const { audience, calculated } = job;
  const common = { columns, sort: job.file.sort, calculated };
  if (selection === undefined) {
    const { losers, winners } = direct ?? {};
    return (render, who) => memberRows({ ...common, render, who, audience, exclusions, by: 'key', losers, ...(winners === undefined ? {} : { winners }) });
  }
  const { relation, losers, silent, by } = selection;
  if (job.mode === 'incremental' && hasSnapshot) {
    const withExits = hasExits(job, opened, hasSnapshot);
    return (render, who) => changeRows({ ...common, render, who, by, losers, selection: relation, silent, withExits, carried });
  }
  // A condition over events is dearer than a join with those who were found already.
  if (audience.eventColumns !== undefined) return (render, who) => selectedRows({ ...common, render, who, by, losers, selection: relation });
  return (render, who) => memberRows({ ...common, render, who, audience, exclusions, by, losers });
}

/** The counts, with the rows that were really written; what does not add up fails the run (contract section 5). */
function settleCounts(expected: DirectSelection['counts'], rows: number): RunCounts {
  if (expected === undefined) return { received: rows, activated: rows, excluded: 0, failed: 0, reasons: {} };
  const { received, activated, reasons } = expected;
  if (rows !== activated) {
    throw new AppError({
      code: 'RC4011',
      message: `the counts do not add up: ${activated} rows were selected, ${rows} were written`,
      hint: 'run again; if it happens again, please report it',
    });
  }
  return { received, activated, excluded: received - activated, failed: 0, reasons };
}

async function planRun(
  input: PrepareInput,
  parts: readonly WrittenPart[],
  folder: string,
): Promise<Pick<RunWork, 'parts' | 'checksums' | 'manifest' | 'surplus'>> {
  const { job, ledger, storage, runId } = input;
  const files = parts.map(({ file, rows, bytes, sha256: sum }, index) => ({ key: job.partKey(index + 1), file, rows, bytes, sha256: sum }));
  const planned = await planFiles(ledger, storage, job.target, files);
  if (planned.length === 0) return { parts: planned, surplus: [] };
  const surplus = await surplusFiles(ledger, storage, job.target, job.partKey, planned.length);
  const beside = async (file: string, name: string, text: string): Promise<PlannedFile> => {
    await writeText(join(folder, file), text, { mode: 0o600 });
    // The run's id is in its name, so whatever has this name is ours.
    return { key: `${job.folder}${name}`, file, rows: 0, bytes: Buffer.byteLength(text), sha256: sha256(text), replace: true };
  };
  const { activation, segment, destinationName } = job;
  const { slot, mode } = input.recordedAs ?? job;
  const checksums = job.file.checksums ? await beside('checksums.sha256', checksumsName(destinationName, runId), checksumsText(planned)) : undefined;
  const manifest = job.file.manifest
    ? await beside('manifest.json', manifestName(destinationName, runId), manifestText({ runId, activation, segment, slot, mode, files: planned }))
    : undefined;
  return { parts: planned, surplus, ...(checksums === undefined ? {} : { checksums }), ...(manifest === undefined ? {} : { manifest }) };
}
