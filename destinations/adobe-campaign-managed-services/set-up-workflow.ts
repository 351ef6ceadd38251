import type { SetupGuide, SetupRequest } from '../../src/destination/connector.ts';
import { AppError } from '../../src/model/app-error.ts';
import { markerScript } from './marker.ts';
import type { CampaignSession } from './session.ts';
import { createFromTemplate } from './workflow.ts';

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
  await createFromTemplate(session, template, name, `Audiences from reconcile: ${setup.destination}`);
  return { text, created: name };
}

function describeWorkflow({ storage = '', workflow = 'WKFsegmentImport', signalName, targetMapping, syncType, columns }: WorkflowSetup): string {
  const account = ACCOUNTS[storage];
  const operation = syncType === 'profile-update' ? 'Update' : 'Insert or update';
  return `Workflow ${workflow}  (internal name; started, and left waiting on its signal)

  External signal  "${signalName}"      it waits; reconcile posts the variables runId, remoteFiles, rows, segment, targetMapping
      initialization script            ${markerScript('started')}
  File transfer                        action: file download
      external account                 ${account ?? `(Campaign reads no ${storage === '' ? 'such' : storage} storage: a job of yours must carry the files to SFTP, S3 or Azure Blob)`}
      file to download                 <%= vars.remoteFiles %>        one path a line: with several files, loop over vars.remoteFiles.split("\\n")
      delete source after transfer     yes: the files are of no use afterwards
  Data loading (file)                  file: specified in the transition
      sample                           the sample file below: ${columns.length} columns, comma, quotes ", code page UTF-8 (65001), first line holds the names
      on error                         reject the line, outbound transition for rejects
  Enrichment                           link to the schema of target mapping ${targetMapping}
  Deduplication                        on the identity
  Update data                          ${operation}, reconciliation key: the identity
  End                                  initialization script, on the branch that went well:
                                       ${markerScript('ok')}
  End                                  the same on the branches for errors and rejects:
                                       ${markerScript('failed')}

reconcile looks for these markers in the workflow's log: without them an import ends as "unknown".
In the workflow's properties, errors must not be ignored, and the history must be kept for a day at least.`;
}
