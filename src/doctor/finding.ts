import type { CheckFinding } from '../destination/connector.ts';
import { AppError } from '../model/app-error.ts';

/** Something that was looked at. */
export interface DoctorFinding extends CheckFinding {
  /** `machine`, `manifests`, `state`, `source NAME` or `destination NAME`. */
  readonly area: string;
  /** Of a finding about a column: where the mapping entries stand that make it, `manifests/emea.yaml:14:7`. */
  readonly places?: readonly string[];
}

/** Runs a look; what a user can fix is a finding, never an end of the whole examination. */
export async function look(area: string, subject: string, work: () => Promise<readonly CheckFinding[]>): Promise<readonly DoctorFinding[]> {
  try {
    return (await work()).map((finding) => place(area, finding));
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const { code, message, hint } = error;
    return [{ area, code, level: 'error', subject, message, ...(hint === undefined ? {} : { hint }) }];
  }
}

function place(area: string, finding: CheckFinding): DoctorFinding {
  return { area, ...finding };
}
