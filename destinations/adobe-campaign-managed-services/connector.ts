import type { Connector, ConnectorContext, DeliveredBatch, NotToldError, Receipt } from '../../src/destination/connector.ts';
import { AppError } from '../../src/model/app-error.ts';
import type { DestinationSpec } from '../../src/model/generated/kinds.ts';
import { checkInstance } from './check-instance.ts';
import { CampaignError } from './explain-failure.ts';
import { followImport } from './follow-import.ts';
import { createSession } from './session.ts';
import { setUpWorkflow, type WorkflowSetup } from './set-up-workflow.ts';
import { findWorkflow, isRightsProblem, judgeWorkflow, LOG_RIGHTS, postEvent, readLogPosition, type LogPosition, type Workflow } from './workflow.ts';

/** How long a workflow that is just starting is waited for. */
const STARTING_MS = 60_000;

interface CampaignDetails {
  readonly instance: string;
  readonly targetMapping: string;
  readonly syncType?: 'audience' | 'profile-update';
}

/** Adobe Campaign: the files are in the storage; this tells the import workflow, and follows it. See README.md here. */
export default async function createConnector(context: ConnectorContext): Promise<Connector> {
  const spec = context.spec as unknown as DestinationSpec;
  const { instance, targetMapping, syncType = 'audience' } = spec.details as unknown as CampaignDetails;
  const { connection } = spec;
  if (connection === undefined)
    return createSilentConnector({
      destination: context.name,
      storage: spec.storage?.type,
      workflow: undefined,
      signalName: 'signal',
      targetMapping,
      syncType,
    });
  const session = createSession({ ...context, connection });
  const wanted = spec.import;
  const signalName = wanted?.signal ?? 'signal';

  const requireImport = (): NonNullable<typeof wanted> => {
    if (wanted === undefined) throw new Error('the destination has no import: nobody is to be told');
    return wanted;
  };

  const waitUntilStarted = async (name: string): Promise<Workflow> => {
    const until = context.clock() + STARTING_MS;
    for (;;) {
      const workflow = await findWorkflow(session, name);
      if (workflow === undefined) {
        throw new AppError({
          code: 'RC6014',
          message: `the instance has no workflow \`${name}\`, or the operator may not see it`,
          hint: `reconcile doctor ${context.name}`,
        });
      }
      const readiness = judgeWorkflow(workflow);
      if (readiness.kind === 'ready') return workflow;
      if (readiness.kind === 'blocked')
        throw new AppError({ code: 'RC6015', message: `workflow \`${name}\` cannot be signalled: ${readiness.why}`, hint: readiness.hint });
      if (context.clock() >= until)
        throw new AppError({
          code: 'RC6015',
          message: `workflow \`${name}\` has been starting for a minute (state ${workflow.state})`,
          hint: 'look at it in Campaign',
        });
      await context.sleep(2_000);
    }
  };

  const follow = async (
    batch: DeliveredBatch,
    token: Receipt['token'],
    signalled: boolean,
    waitMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Receipt> => {
    const { workflow: internalName } = requireImport();
    const id = typeof token?.['workflowId'] === 'string' ? token['workflowId'] : (await findWorkflow(session, internalName))?.id;
    if (id === undefined)
      return { status: 'unknown', message: `the instance has no workflow \`${internalName}\` any more`, ...(token === undefined ? {} : { token }) };
    const receipt = await followImport({
      session,
      workflow: { id, internalName },
      runId: batch.runId,
      after: positionOf(token),
      waitMs,
      signalled,
      signal,
      clock: context.clock,
      sleep: context.sleep,
    });
    return { ...receipt, ...(token === undefined ? {} : { token }) };
  };

  return {
    delivers: wanted !== undefined,

    check: (columns) =>
      checkInstance({ session, instance, targetMapping, import: wanted, auth: connection.auth?.type ?? 'none', columns, clock: context.clock }),

    async prepare() {
      const { workflow: name } = requireImport();
      await session.logon();
      const workflow = await waitUntilStarted(name);
      try {
        const { lastId, lastDate } = await readLogPosition(session, workflow);
        return { workflowId: workflow.id, lastLogId: lastId, lastLogDate: lastDate };
      } catch (error) {
        if (!isRightsProblem(error)) throw error;
        context.log('warn', `the workflow’s log cannot be read: the import will not be followed (${LOG_RIGHTS})`, {
          destination: context.name,
          workflow: name,
        });
        return { workflowId: workflow.id };
      }
    },

    async deliver(batch, token, signal) {
      const { workflow: name } = requireImport();
      const variables = {
        runId: batch.runId,
        remoteFiles: batch.files.map(({ address }) => address).join('\n'),
        rows: batch.rows,
        segment: batch.segment,
        targetMapping,
      };
      try {
        await session.within(signal, () => postEvent(session, name, signalName, variables));
      } catch (error) {
        if (error instanceof AppError && !(error instanceof CampaignError && error.failure.unclear)) throw new NotTold(error);
        if (!(error instanceof CampaignError)) throw error;
        context.log('warn', 'Campaign did not answer the signal; looking for it in the workflow’s log', { destination: context.name, run: batch.runId });
        return await follow(batch, token, false, STARTING_MS, signal);
      }
      return { status: 'signalled', ...(token === undefined ? {} : { token }) };
    },

    settle: async (batch, receipt, waitMs, signal) => {
      if (receipt.status === 'imported') return receipt;
      await session.within(signal, () => session.logon());
      return await follow(batch, receipt.token, receipt.status === 'signalled', waitMs, signal);
    },

    setup: (request) =>
      setUpWorkflow({
        ...request,
        session,
        destination: context.name,
        storage: spec.storage?.type,
        workflow: wanted?.workflow,
        signalName,
        targetMapping,
        syncType,
      }),

    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  };
}

/** Campaign or we refused to signal before anything could have arrived. */
class NotTold extends AppError implements NotToldError {
  readonly told = false;

  constructor({ code, message, hint, exit }: AppError) {
    super({ code, message, exit, ...(hint === undefined ? {} : { hint }) });
  }
}

function positionOf(token: Receipt['token']): LogPosition | undefined {
  const { lastLogId, lastLogDate } = token ?? {};
  if (lastLogId === undefined) return undefined;
  return { lastId: typeof lastLogId === 'string' ? lastLogId : null, lastDate: typeof lastLogDate === 'string' ? lastLogDate : null };
}

/** Without a connection the files are delivered and nobody is told; what is to be built is the same. */
function createSilentConnector(setup: Omit<WorkflowSetup, 'session' | 'columns' | 'files'>): Connector {
  return {
    delivers: false,
    check: () =>
      Promise.resolve([{ code: 'RC6000', level: 'ok', subject: 'connection', message: 'none is declared: the files are delivered and Campaign is not told' }]),
    prepare: refuse,
    deliver: refuse,
    settle: refuse,
    setup: (request) => setUpWorkflow({ ...setup, ...request, session: undefined }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function refuse(): Promise<never> {
  return Promise.reject(new Error('the destination has no connection: nobody is to be told'));
}
