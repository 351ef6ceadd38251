import { AppError } from '../../src/model/app-error.ts';
import { CampaignError } from './explain-failure.ts';
import { selectRows, type CampaignRow } from './query.ts';
import type { CampaignSession } from './session.ts';

export interface Workflow {
  readonly id: string;
  readonly internalName: string;
  readonly label: string;
  /** Campaign's number (`domain/campaign.md` 5.1). */
  readonly state: number;
  readonly failed: boolean;
}

/** What a state means for who wants to signal: go on, wait a little, or say what to do. */
export type Readiness = { readonly kind: 'ready' } | { readonly kind: 'wait' } | { readonly kind: 'blocked'; readonly why: string; readonly hint: string };

const COMING_UP: ReadonlySet<number> = new Set([2, 10, 14, 17, 18]);
const STARTED = 11;

export function judgeWorkflow({ internalName, state, failed }: Workflow): Readiness {
  if (failed)
    return { kind: 'blocked', why: 'it was stopped by an error', hint: `look into the log of ${internalName} in Campaign, mend it, and start it again` };
  if (state === STARTED) return { kind: 'ready' };
  if (COMING_UP.has(state)) return { kind: 'wait' };
  if (state === 0) return { kind: 'blocked', why: 'it is being edited and was never started', hint: `start ${internalName} in Campaign` };
  if (state === 12 || state === 13) return { kind: 'blocked', why: 'it is paused: a signal would only wait', hint: `resume ${internalName} in Campaign` };
  return { kind: 'blocked', why: `it is finished or stopped (state ${state})`, hint: `start ${internalName} in Campaign` };
}

/** The workflow by its internal name. Undefined: there is none, or the operator may not see its folder. */
export async function findWorkflow(session: CampaignSession, internalName: string): Promise<Workflow | undefined> {
  const [row] = await selectRows(session, `looking for workflow \`${internalName}\``, {
    schema: 'xtk:workflow',
    select: ['@id', '@internalName', '@label', '@state', '@failed'],
    where: [session.escape`@internalName = ${internalName}`],
    lineCount: 1,
  });
  return row === undefined ? undefined : asWorkflow(row);
}

/** Names to choose from when the wanted one is not there. */
export async function listWorkflows(session: CampaignSession): Promise<readonly string[]> {
  const rows = await selectRows(session, 'listing workflows', {
    schema: 'xtk:workflow',
    select: ['@internalName'],
    orderBy: { expr: '@internalName' },
    lineCount: 200,
  });
  return rows.map((row) => row['internalName'] ?? '').filter((name) => name !== '');
}

function asWorkflow(row: CampaignRow): Workflow {
  return {
    id: row['id'] ?? '',
    internalName: row['internalName'] ?? '',
    label: row['label'] ?? '',
    state: Number(row['state'] ?? Number.NaN),
    failed: row['failed'] === '1' || row['failed'] === 'true',
  };
}

/** Where a workflow's log stands: rows after it are new. Ids and not times: the clocks differ. */
export interface LogPosition {
  readonly lastId: string | null;
  readonly lastDate: string | null;
}

export interface LogRow {
  readonly id: string;
  readonly date: string;
  /** 0 error, 1 warning, 2 information. */
  readonly type: number;
  readonly activity: string;
  readonly message: string;
}

export const LOG_PAGE = 500;
/** What it takes to read a log (`domain/campaign.md` 1.2). */
export const LOG_RIGHTS = 'the operator needs the named right WORKFLOW and the right to read the workflow’s folder';
const COLUMNS = ['@id', '@logDate', '@logType', '@activity', '@message'];

export async function readLogPosition(session: CampaignSession, workflow: Pick<Workflow, 'id' | 'internalName'>): Promise<LogPosition> {
  const [row] = await selectRows(session, `reading the log of \`${workflow.internalName}\``, {
    schema: 'xtk:workflowLog',
    select: ['@id', '@logDate'],
    where: [`[@workflow-id] = ${numberOf(workflow.id)}`],
    orderBy: { expr: '@id', descending: true },
    lineCount: 1,
  });
  return { lastId: row?.['id'] ?? null, lastDate: row?.['logDate'] ?? null };
}

/** True when the row at a position, or an older one, is still there: what came after it has not been purged. */
export async function reachesBack(session: CampaignSession, workflow: Pick<Workflow, 'id' | 'internalName'>, { lastId }: LogPosition): Promise<boolean> {
  if (lastId === null) return true;
  const rows = await selectRows(session, `reading the log of \`${workflow.internalName}\``, {
    schema: 'xtk:workflowLog',
    select: ['@id'],
    where: [`[@workflow-id] = ${numberOf(workflow.id)}`, `@id <= ${numberOf(lastId)}`],
    lineCount: 1,
  });
  return rows.length > 0;
}

/** A page of the rows after a position, in order. */
export async function readLog(session: CampaignSession, workflow: Pick<Workflow, 'id' | 'internalName'>, after: LogPosition): Promise<readonly LogRow[]> {
  const rows = await selectRows(session, `reading the log of \`${workflow.internalName}\``, {
    schema: 'xtk:workflowLog',
    select: COLUMNS,
    where: [`[@workflow-id] = ${numberOf(workflow.id)}`, ...(after.lastId === null ? [] : [`@id > ${numberOf(after.lastId)}`])],
    orderBy: { expr: '@id' },
    lineCount: LOG_PAGE,
  });
  return rows.map((row) => ({
    id: row['id'] ?? '',
    date: row['logDate'] ?? '',
    type: Number(row['logType'] ?? Number.NaN),
    activity: row['activity'] ?? '',
    message: row['message'] ?? '',
  }));
}

/** Ids travel through the journal: nothing but a number goes into an expression. */
function numberOf(id: string): string {
  if (!/^-?\d+$/.test(id))
    throw new AppError({ code: 'RC6017', message: `Campaign’s id \`${id}\` is not a number`, hint: 'please report it with the build of the instance' });
  return id;
}

/** Posts the event, once. Throws `CampaignError`; its `failure.unclear` says whether the event may be there all the same. */
export async function postEvent(
  session: CampaignSession,
  workflow: string,
  activity: string,
  variables: Readonly<Record<string, string | number>>,
): Promise<void> {
  for (const [name, value] of Object.entries(variables)) requireWritable(name, String(value));
  await session.call(`signalling \`${workflow}\``, 'xtk:workflow', 'PostEvent', true, [
    { name: 'workflowId', type: 'string', value: workflow },
    { name: 'activity', type: 'string', value: activity },
    // Empty: the first transition of the signal.
    { name: 'transition', type: 'string', value: '' },
    { name: 'parameters', type: 'DOMElement', value: { ...variables } },
    // True would end the task, and the next signal would be ignored.
    { name: 'complete', type: 'boolean', value: false },
  ]);
}

/** Control characters break the XML, and the SDK then throws something of its own (`domain/campaign.md` 3.2). */
function requireWritable(name: string, value: string): void {
  if (/\p{Cc}|[\ufffe\uffff]/u.test(value.replaceAll('\n', '')) || !value.isWellFormed()) {
    throw new AppError({
      code: 'RC6018',
      message: `the variable \`${name}\` of the signal holds a character that XML cannot carry`,
      hint: 'look at the storage’s path and the file’s name',
    });
  }
}

/** A workflow from the customer's own template; it is then being edited, and the customer starts it. */
export async function createFromTemplate(session: CampaignSession, template: string, internalName: string, label: string): Promise<void> {
  await session.call(
    `creating \`${internalName}\` from template \`${template}\``,
    'xtk:queryDef',
    'CreateInstanceFromModel',
    true,
    [
      { name: 'schema', type: 'string', value: 'xtk:workflow' },
      { name: 'modelId', type: 'string', value: template },
      { name: 'workflow', type: 'DOMDocument', value: { xtkschema: 'xtk:workflow', internalName, label } },
    ],
    [{ name: 'document', type: 'DOMDocument' }],
  );
}

export function isRightsProblem(error: unknown): boolean {
  return error instanceof CampaignError && /XTK-170017|rights/i.test(`${error.failure.code} ${error.failure.text}`);
}
