import { AppError } from '../model/app-error.ts';
import { ExitCode } from '../model/exit-code.ts';
import type { Change, Plan } from '../model/plan.ts';
import { digestOf, sha256 } from '../support/digest.ts';
import { digestPlan } from './make-digest.ts';

const MAGIC = 'reconcile-plan';
const FORMAT_VERSION = 1;
const HEADER = /^reconcile-plan (\d+) sha256=([0-9a-f]{64}) bytes=(\d+)\n/;
/** No header is longer. */
const MAX_HEADER_BYTES = 160;

/** A plan as a file: a line that says what it is, its digest and its length, then the plan. Holds no secret values; nothing but the plan decides its bytes. */
export function encodePlan(plan: Plan): Uint8Array {
  const body = Buffer.from(JSON.stringify({ ...plan, changes: plan.changes.map(withoutDerived) }));
  return Buffer.concat([Buffer.from(`${MAGIC} ${FORMAT_VERSION} sha256=${sha256(body)} bytes=${body.length}\n`), body]);
}

/**
 * Reads a plan file and proves that it is whole. `file` is for messages. Throws RC3011 it is no plan, RC3012 it is cut off, RC3013 it was altered,
 * RC3014 (exit 4) another version of reconcile made it.
 */
export function decodePlan(bytes: Uint8Array, file: string, toolVersion: string): Plan {
  const head = Buffer.from(bytes.subarray(0, MAX_HEADER_BYTES)).toString('latin1');
  const match = HEADER.exec(head);
  if (match === null) {
    if (bytes.length > 0 && bytes.length < MAX_HEADER_BYTES && `${MAGIC} `.startsWith(head.slice(0, MAGIC.length + 1)) && !head.includes('\n'))
      throw cutOff(file);
    if (head.startsWith(`${MAGIC} `)) throw altered(file);
    throw refuse('RC3011', `\`${file}\` is not a plan file`, 'a plan file is made by `reconcile plan --out FILE`');
  }
  const [line, format = '', digest, length = ''] = match;
  if (Number(format) !== FORMAT_VERSION) throw otherVersion(file, `its format is ${format}, this reconcile reads ${FORMAT_VERSION}`);
  const body = bytes.subarray(line.length);
  if (body.length < Number(length)) throw cutOff(file);
  if (body.length > Number(length) || sha256(body) !== digest) throw altered(file);
  const stored = JSON.parse(Buffer.from(body).toString('utf8')) as Plan;
  if (stored.toolVersion !== toolVersion) throw otherVersion(file, `reconcile ${stored.toolVersion} made it, this is ${toolVersion}`);
  const plan = { ...stored, changes: stored.changes.map(withDerived) };
  if (digestPlan(plan) !== plan.digest || plan.changes.some((change) => change.action !== 'delete' && digestOf(change.after) !== change.digest))
    throw altered(file);
  return plan;
}

/** A create's patch holds its body once more. */
function withoutDerived(change: Change): object {
  return change.action === 'create' ? { ...change, patch: [] } : change;
}

function withDerived(change: Change): Change {
  return change.action === 'create' ? { ...change, patch: [{ op: 'add', path: '', value: change.after }] } : change;
}

function cutOff(file: string): AppError {
  return refuse('RC3012', `the plan file \`${file}\` is cut off`, 'copy it again, or plan again:  reconcile plan --out FILE');
}

function altered(file: string): AppError {
  return refuse('RC3013', `the plan file \`${file}\` was altered after it was made`, 'nothing of it is applied; plan again:  reconcile plan --out FILE');
}

function otherVersion(file: string, why: string): AppError {
  return new AppError({
    code: 'RC3014',
    message: `the plan file \`${file}\` is of another version: ${why}`,
    hint: `plan again:  reconcile plan --out ${file}`,
    exit: ExitCode.planStale,
  });
}

function refuse(code: string, message: string, hint: string): AppError {
  return new AppError({ code, message, hint });
}
