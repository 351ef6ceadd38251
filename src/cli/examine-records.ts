import { closeSync, existsSync, openSync, readSync, fstatSync } from 'node:fs';
import { join } from 'node:path';
import type { OpenedProject } from '../compose.ts';
import type { DoctorFinding } from '../doctor/finding.ts';
import { isAsSealed } from '../export/sealed-file.ts';
import type { Diagnostic } from '../model/diagnostic.ts';
import { ExitCode } from '../model/exit-code.ts';
import type { StateReport } from '../state/opened-state.ts';
import type { CommandContext } from './context.ts';
import { renderFindings, summarizeFindings } from './render-findings.ts';

/** `state doctor`: looks through everything that is recorded. Exits 1 when there is an error, 0 with warnings only. */
export async function examineRecords({ options, out }: CommandContext, project: OpenedProject): Promise<ExitCode> {
  const report = await project.inspectState();
  const diagnostics = [...report.problems, ...missingSnapshots(report, project.stateFolder), ...(await damagedSnapshots(report, project.stateFolder))];
  const ok = diagnostics.every(({ severity }) => severity !== 'error');
  if (options.json) {
    const { problems: _problems, snapshots, format = null, ...facts } = report;
    out(JSON.stringify({ ok, state: { ...facts, format, snapshots: snapshots.length }, diagnostics }));
  } else out(render(report, diagnostics, options.color));
  return ok ? ExitCode.done : ExitCode.failed;
}

/** Who was delivered last stands in files beside the database. */
function missingSnapshots({ snapshots }: StateReport, stateFolder: string): readonly Diagnostic[] {
  return snapshots
    .filter(({ path }) => !existsSync(join(stateFolder, path)))
    .map(({ activation, segment, path }) => ({
      code: 'RC3036',
      severity: 'error',
      message: `the membership snapshot of ${activation}, ${segment} is not there: \`${path}\``,
      hint: 'put it back from a backup of .reconcile; without it nobody knows who was delivered last, and the next run fails. Without a backup, delete the activation and apply it again: its next export is everybody',
    }));
}

/** Those whose bytes are not the ones that were written. One without a seal, as before there were any, still begins and ends as Parquet does. */
async function damagedSnapshots({ snapshots }: StateReport, stateFolder: string): Promise<readonly Diagnostic[]> {
  const damaged: Diagnostic[] = [];
  for (const { activation, segment, path } of snapshots) {
    const whole = join(stateFolder, path);
    if (!existsSync(whole) || (isWholeParquet(whole) && (await isAsSealed(whole)))) continue;
    damaged.push({
      code: 'RC3036',
      severity: 'error',
      message: `the membership snapshot of ${activation}, ${segment} is damaged: \`${path}\``,
      hint: 'put it back from a backup of .reconcile; without one, delete the activation and apply it again: its next export is everybody',
    });
  }
  return damaged;
}

const MARK = 'PAR1';

function isWholeParquet(path: string): boolean {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const at = (position: number): string => {
      const bytes = Buffer.alloc(MARK.length);
      readSync(file, bytes, 0, MARK.length, position);
      return bytes.toString('latin1');
    };
    return size >= 3 * MARK.length && at(0) === MARK && at(size - MARK.length) === MARK;
  } finally {
    closeSync(file);
  }
}

function render(report: StateReport, diagnostics: readonly Diagnostic[], color: boolean): string {
  if (!report.exists) return 'Nothing was ever written: there is no state yet.';
  const findings: DoctorFinding[] = diagnostics.map(({ code, severity, message, hint }) => ({
    area: 'state',
    code,
    level: severity,
    subject: 'records',
    message,
    ...(hint === undefined ? {} : { hint }),
  }));
  const facts = `${report.resources} resources, ${report.generations} generations, ${report.runs} runs, ${report.snapshots.length} snapshots, ${report.journalEntries} journal entries`;
  if (findings.length === 0) findings.push({ area: 'state', code: 'RC3030', level: 'ok', subject: 'records', message: `whole: ${facts}` });
  const summary = summarizeFindings(findings);
  return `${renderFindings(findings, { color })}${summary === '' ? '' : `\n${summary}; ${facts}\n`}`;
}
