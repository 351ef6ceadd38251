import type { CheckFinding, ConnectorContext } from '../../src/destination/connector.ts';
import { AppError } from '../../src/model/app-error.ts';
import type { ImportSpec } from '../../src/model/generated/kinds.ts';
import { nearest } from '../../src/support/nearest.ts';
import type { CampaignSession, InstanceFacts } from './session.ts';
import { findTargetMapping, matchColumn, readSchemaFields } from './target-mapping.ts';
import { findWorkflow, isRightsProblem, judgeWorkflow, listWorkflows, LOG_RIGHTS, readLogPosition, type Workflow } from './workflow.ts';

export interface CheckRequest extends Pick<ConnectorContext, 'clock'> {
  readonly session: CampaignSession;
  readonly instance: string;
  readonly targetMapping: string;
  readonly import: ImportSpec | undefined;
  /** How the connection logs in, for what suits which version. */
  readonly auth: string;
  readonly columns: readonly string[];
}

/** Columns that are not fields of the schema: the status, and identities with a meaning of their own (`domain/activation-rules.md` 1.1). */
const OTHER_COLUMNS: ReadonlySet<string> = new Set(['segmentMembershipStatus', 'external_id', 'ECID', 'email_lc_sha256', 'phone_sha256', 'GAID', 'IDFA']);
const MAX_SKEW_MS = 5 * 60_000;

/** Everything an export will need of the instance, each with a finding of its own. Changes nothing there. */
export async function checkInstance(request: CheckRequest): Promise<readonly CheckFinding[]> {
  const { session } = request;
  const findings: CheckFinding[] = [];
  const look = async (subject: string, work: () => Promise<readonly CheckFinding[]>): Promise<boolean> => {
    try {
      const found = await work();
      findings.push(...found);
      return found.every(({ level }) => level !== 'error');
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      findings.push({ code: error.code, level: 'error', subject, message: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) });
      return false;
    }
  };
  // What cannot be reached or entered has nothing more to tell.
  if (!(await look('instance', async () => judgeFacts(request, await session.test())))) return findings;
  const entered = await look('login', async () => {
    await session.logon();
    // A bearer token is only looked at by a real call (trap 6).
    await session.call('asking who is logged in', 'xtk:session', 'GetUserInfo', true, [], [{ name: 'userInfo', type: 'DOMDocument' }]);
    return [ok('RC6000', 'login', `logged in by ${request.auth}`)];
  });
  if (!entered) return findings;
  await look('target mapping', () => checkMapping(request));
  const { import: wanted } = request;
  if (wanted !== undefined) await look('import workflow', () => checkWorkflow(request, wanted));
  return findings;
}

function ok(code: string, subject: string, message: string): CheckFinding {
  return { code, level: 'ok', subject, message };
}

function judgeFacts({ instance, auth, clock }: CheckRequest, facts: InstanceFacts): readonly CheckFinding[] {
  const findings: CheckFinding[] = [];
  if (facts.status !== 'OK')
    findings.push({
      code: 'RC6003',
      level: 'error',
      subject: 'instance',
      message: `the instance says \`${facts.status}\` of itself`,
      hint: 'ask for its state',
    });
  if (facts.instance.toLowerCase() !== instance.toLowerCase()) {
    findings.push({
      code: 'RC6010',
      level: 'error',
      subject: 'instance',
      message: `the address leads to instance \`${facts.instance}\`, but \`details.instance\` says \`${instance}\``,
      hint: 'one of the two belongs to another instance: correct `details.instance` or `connection.url`',
    });
  } else {
    findings.push(ok('RC6000', 'instance', `${facts.instance}, version ${facts.version === '' ? 'unknown' : facts.version}, build ${facts.build}`));
  }
  const major = Number(facts.version.split('.')[0]);
  if (auth === 'user' && major >= 8) {
    findings.push({
      code: 'RC6005',
      level: 'warning',
      subject: 'login',
      message: `Campaign ${facts.version} takes no native users`,
      hint: 'use `auth: {type: ims, …}`',
    });
  }
  const skewMs = facts.at === undefined ? 0 : facts.at - clock();
  if (Math.abs(skewMs) > MAX_SKEW_MS) {
    const minutes = Math.round(Math.abs(skewMs) / 60_000);
    findings.push({
      code: 'RC6021',
      level: 'warning',
      subject: 'clock',
      message: `Campaign’s clock is ${minutes} minutes ${skewMs > 0 ? 'ahead' : 'behind'}`,
      hint: 'synchronise this machine’s clock (NTP)',
    });
  }
  return findings;
}

async function checkMapping({ session, targetMapping, columns }: CheckRequest): Promise<readonly CheckFinding[]> {
  const subject = `target mapping ${targetMapping}`;
  const found = await findTargetMapping(session, targetMapping);
  if (found.kind === 'missing') {
    const near = nearest(targetMapping, found.names);
    const names = found.names.length === 0 ? 'the operator sees none: it may lack the right to read them' : `the instance has ${found.names.join(', ')}`;
    return [
      {
        code: 'RC6011',
        level: 'error',
        subject,
        message: `the instance has no target mapping \`${targetMapping}\``,
        hint: near === undefined ? names : `did you mean \`${near}\`?   (${names})`,
      },
    ];
  }
  const { mapping } = found;
  const findings: CheckFinding[] = [];
  if (found.kind === 'by-label') {
    findings.push({
      code: 'RC6012',
      level: 'warning',
      subject,
      message: `\`${targetMapping}\` is the label of \`${mapping.name}\``,
      hint: `write \`targetMapping: ${mapping.name}\`: labels change`,
    });
  }
  if (mapping.schema === '') {
    const message = `target mapping \`${mapping.name}\` has no schema: nothing can be imported into it`;
    return [...findings, { code: 'RC6012', level: 'error', subject, message, hint: 'choose a mapping on a table, such as mapRecipient' }];
  }
  findings.push(ok('RC6000', subject, `${mapping.label}, schema ${mapping.schema}`));
  return [...findings, ...(await checkColumns(session, mapping.schema, columns))];
}

async function checkColumns(session: CampaignSession, schema: string, columns: readonly string[]): Promise<readonly CheckFinding[]> {
  const wanted = [...new Set(columns)].filter((column) => !OTHER_COLUMNS.has(column));
  if (wanted.length === 0) return [];
  const subject = `schema ${schema}`;
  const fields = await readSchemaFields(session, schema);
  if (fields === undefined) {
    return [
      {
        code: 'RC6013',
        level: 'warning',
        subject,
        message: `the schema \`${schema}\` cannot be read: the columns are not checked`,
        hint: 'give the operator the right to read it',
      },
    ];
  }
  const findings = wanted.flatMap((column): readonly CheckFinding[] => {
    const match = matchColumn(column, fields);
    if (match.ok) return [];
    const hint =
      match.near === undefined
        ? 'target fields are those of the mapping’s schema: change `target` in the Activation’s mapping'
        : `did you mean \`${match.near}\`?`;
    return [{ code: 'RC6013', level: 'error', subject, message: `\`${schema}\` has no field for the column \`${column}\``, hint, column }];
  });
  return findings.length > 0 ? findings : [ok('RC6000', subject, `has a field for each of ${wanted.length} columns`)];
}

async function checkWorkflow({ session }: CheckRequest, { workflow: name, signal = 'signal' }: ImportSpec): Promise<readonly CheckFinding[]> {
  const subject = `import workflow ${name}`;
  const workflow = await findWorkflow(session, name);
  if (workflow === undefined) {
    const names = await listWorkflows(session);
    const near = nearest(name, names);
    const hint = near === undefined ? 'import.workflow is its internal name (WKF…); the operator needs read access to its folder' : `did you mean \`${near}\`?`;
    return [{ code: 'RC6014', level: 'error', subject, message: `the instance has no workflow \`${name}\`, or the operator may not see it`, hint }];
  }
  const readiness = judgeWorkflow(workflow);
  if (readiness.kind === 'blocked')
    return [{ code: 'RC6015', level: 'error', subject, message: `workflow \`${name}\` cannot be signalled: ${readiness.why}`, hint: readiness.hint }];
  if (readiness.kind === 'wait') {
    const message = `workflow \`${name}\` is not started yet (state ${workflow.state}): an export waits a minute for it`;
    return [
      {
        code: 'RC6015',
        level: 'warning',
        subject,
        message,
        hint: `look at it in Campaign when it stays so: a workflow that waits for its signal is in state 11`,
      },
    ];
  }
  // Which activities a workflow has cannot be asked (`domain/campaign.md` 3.3): a wrong signal shows in its log only.
  return [ok('RC6000', subject, `started; the signal is ${signal}`), ...(await checkLog(session, workflow, subject))];
}

/** Without its log an export works, and nobody learns how the import ended. */
async function checkLog(session: CampaignSession, workflow: Workflow, subject: string): Promise<readonly CheckFinding[]> {
  try {
    await readLogPosition(session, workflow);
    return [];
  } catch (error) {
    if (!isRightsProblem(error)) throw error;
    const message = `the log of workflow \`${workflow.internalName}\` cannot be read: how an import ends stays unknown (exit 6), and a lost signal cannot be looked for`;
    return [{ code: 'RC6016', level: 'warning', subject, message, hint: LOG_RIGHTS }];
  }
}
