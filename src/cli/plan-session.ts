import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ApplyDeps } from '../apply/deps.ts';
import type { PlanDeps } from '../apply/prepare-plan.ts';
import { readCommit } from '../apply/read-commit.ts';
import { segmentReferences } from '../apply/segment-references.ts';
import { openProject, type OpenedProject } from '../compose.ts';
import { sealOf } from '../export/sealed-file.ts';
import { currentActor } from '../state/actor.ts';
import { digestOf } from '../support/digest.ts';
import { readManifestFile } from '../validate/read-files.ts';
import { commandLine } from './command-line.ts';
import type { CommandContext } from './context.ts';

/** What the commands around plans share: the opened project and the use cases' dependencies. */
export interface PlanSession extends AsyncDisposable {
  readonly opened: OpenedProject;
  readonly planDeps: PlanDeps;
  /** `locateMapping`: places of the manifests, when they are what is applied. */
  readonly applyDeps: (locateMapping?: ApplyDeps['locateMapping']) => ApplyDeps;
  /** How the user calls us, with the global flags that matter. */
  readonly command: string;
  /** Digest of the variables' values. */
  readonly variables: string;
  /** What `now` means. */
  readonly now: number;
}

export async function openPlanSession(context: CommandContext): Promise<PlanSession> {
  const { options, clock } = context;
  const opened = await openProject(context);
  const exporting = opened.exportDeps();
  const { store, ledger, secret, stateFolder } = opened;
  const crashPoint = exporting.crashPoint ?? ((): void => {});
  return {
    opened,
    command: commandLine(options),
    variables: digestVariables(context),
    now: options.now ?? clock(),
    planDeps: { ...exporting, store, secret, segmentReferences, clock },
    applyDeps: (locateMapping) => ({
      locateMapping,
      store,
      ledger,
      owner: exporting.owner,
      actor: currentActor(),
      clock,
      newId: randomUUID,
      secret,
      card: exporting.card,
      connector: opened.connector,
      segmentReferences,
      removeFiles: async (paths) => {
        for (const path of paths.flatMap((one) => [one, sealOf(one)])) await rm(join(stateFolder, path), { recursive: true, force: true });
      },
      commit: readCommit(options.directory),
      crashPoint,
    }),
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}

function digestVariables({ options: { directory, environment, variables } }: CommandContext): string {
  const file = environment === undefined ? undefined : readManifestFile(directory, `environments/${environment}.yaml`);
  return digestOf({ environment: file?.sha256 ?? null, variables });
}
