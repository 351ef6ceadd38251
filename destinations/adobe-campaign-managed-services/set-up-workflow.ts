import type { SetupFile, SetupGuide, SetupRequest } from '../../src/destination/connector.ts';
import { AppError } from '../../src/model/app-error.ts';
import { markerScript } from './marker.ts';
import type { CampaignSession } from './session.ts';
import { createFromTemplate, findWorkflow } from './workflow.ts';

export interface WorkflowSetup extends SetupRequest {
  /** Undefined: the destination has no connection. */
  readonly session: CampaignSession | undefined;
  readonly destination: string;
  readonly storage: string | undefined;
  readonly workflow: string | undefined;
  readonly signalName: string;
  readonly targetMapping: string;
  readonly syncType: 'audience' | 'profile-update';
}

/** What Campaign's external accounts read by themselves (`domain/campaign.md` 3.1). */
const ACCOUNTS: Readonly<Record<string, string>> = { sftp: 'SFTP', s3: 'Amazon S3', 'azure-blob': 'Azure Blob Storage' };

/**
 * The workflow to build, activity by activity. It is described and not generated: the inner XML of Data loading is published nowhere
 * (`domain/campaign.md` 3.3). With a template of the customer's own it is made from that, and left for the customer to start.
 */
export async function setUpWorkflow(setup: WorkflowSetup): Promise<SetupGuide> {
  const { template, workflow } = setup;
  const text = describeWorkflow(setup);
  if (template === undefined) return { text };
  const name = workflow ?? 'WKFsegmentImport';
  const { session } = setup;
  if (session === undefined) {
    throw new AppError({
      code: 'RC6022',
      message: `destination \`${setup.destination}\` has no \`connection\`: nothing can be made in Campaign`,
      hint: 'reconcile destinations adobe-campaign-managed-services prints an example',
    });
  }
  await session.logon();
  if ((await findWorkflow(session, name)) !== undefined) {
    throw new AppError({
      code: 'RC6022',
      message: `the instance has a workflow \`${name}\` already`,
      hint: 'nothing was made: remove it in Campaign first, or name another in `import.workflow`',
    });
  }
  await createFromTemplate(session, template, name, `Audiences from reconcile: ${setup.destination}`);
  return { text, created: name };
}

function describeWorkflow({ storage = '', workflow = 'WKFsegmentImport', signalName, targetMapping, syncType, files }: WorkflowSetup): string {
  const account = ACCOUNTS[storage];
  const operation = syncType === 'profile-update' ? 'Update (nobody is added)' : 'Insert or update';
  const keys = [...new Set(files.map(({ keys: own }) => own.join(' and ')).filter((own) => own !== ''))];
  const key = keys.length === 0 ? 'the identity' : keys.join(', or ');
  const status = files.find(({ status: own }) => own !== undefined)?.status ?? 'segmentMembershipStatus';
  const left = syncType === 'profile-update' ? 'nothing to do' : 'they left the audience: take them out of your list';
  return `Workflow ${workflow}  (internal name; started, and left waiting on its signal)

  External signal  "${signalName}"            it waits; reconcile posts the variables runId, remoteFiles, rows, segment, targetMapping
      initialization script            ${markerScript('started')}
  File transfer                        action: file download
      external account                 ${account ?? `(Campaign reads no ${storage === '' ? 'such' : storage} storage: a job of yours must carry the files to SFTP, S3 or Azure Blob)`}
      file to download                 <%= vars.remoteFiles %>        one path a line: with several files, loop over vars.remoteFiles.split("\\n")
      delete source after transfer     yes: the files are of no use afterwards
  Data loading (file)                  file: specified in the transition
${describeFiles(files)}
      on error                         reject the line, outbound transition for rejects
  Enrichment                           link to the schema of target mapping ${targetMapping}
  Deduplication                        on ${key}
  Split                                on ${status}: realized goes on; exited: ${left}
  Update data                          ${operation}, reconciliation key: ${key}
  End                                  initialization script, on the branch that went well:
                                       ${markerScript('ok')}
  End                                  the same on the branches for errors and rejects:
                                       ${markerScript('failed')}

reconcile looks for these markers in the workflow's log: without them an import ends as "unknown".
In the workflow's properties, errors must not be ignored, and the history must be kept for a day at least.`;
}

const DELIMITERS: Readonly<Record<string, string>> = { ',': 'comma', ';': 'semicolon', '\t': 'tab', '|': 'pipe', ':': 'colon' };

/** The settings of Data loading; one line for each form that the activations' files have. */
function describeFiles(files: readonly SetupFile[]): string {
  if (files.length === 0) return line('sample', 'of the first Activation onto this destination: this command prints it then');
  return files
    .flatMap(({ activation, sample, columns, delimiter, quote, header, compression, encrypted }) => {
      const form = [
        `${columns.length} columns`,
        DELIMITERS[delimiter] ?? `separator ${delimiter}`,
        quote === '' ? 'no quotes' : `quotes ${quote}`,
        'code page UTF-8 (65001)',
        header ? 'first line holds the names' : 'no line of names',
      ].join(', ');
      const steps = [
        ...(encrypted ? ['gpg, with the private key that belongs to `encryption.pgpPublicKey` (made in Control Panel)'] : []),
        ...(compression === 'gzip' ? ['zcat: the files are gzipped'] : []),
      ];
      const whose = files.length === 1 ? '' : `   (Activation ${activation})`;
      return [line('sample', `${sample} below: ${form}${whose}`), ...(steps.length === 0 ? [] : [line('pre-process', `${steps.join(', then ')}${whose}`)])];
    })
    .join('\n');
}

function line(name: string, text: string): string {
  return `      ${name.padEnd(33)}${text}`;
}
