import type { Command } from 'commander';
import type { LocateMapping } from '../../apply/place-column.ts';
import type { DoctorFinding } from '../../doctor/finding.ts';
import type { AppliedResources } from '../../export/deps.ts';
import { AppError } from '../../model/app-error.ts';
import { ExitCode } from '../../model/exit-code.ts';
import { resourceKey } from '../../model/resource.ts';
import type { StateStore } from '../../state/state-store.ts';
import { locateMapping } from '../../validate/locate-mapping.ts';
import { requireValidProject, summarizeDiagnostics, validateProject } from '../../validate/validate-project.ts';
import type { CommandContext } from '../context.ts';
import { renderFindings, summarizeFindings } from '../render-findings.ts';

export function configure(command: Command): void {
  command
    .argument('[destination]', 'only this Destination')
    .option('--host-key <host>', 'print the keys that an SFTP server shows (HOST or HOST:PORT), to be pinned as `hostKey`')
    .addHelpText(
      'after',
      `
Tries everything an export needs, for real: a small file is written to each storage, read back and removed. Exits 1 when there is an error.

Examples:
  reconcile doctor
  reconcile doctor campaign-emea
  reconcile doctor --host-key sftp.example.com:2222`,
    );
}

export async function run(context: CommandContext, [argument]: readonly unknown[], own: Readonly<Record<string, unknown>>): Promise<ExitCode> {
  if (typeof own['hostKey'] === 'string') return await printHostKeys(context, own['hostKey']);
  const { options, out, say } = context;
  const [{ openProject }, { examineProject }] = await Promise.all([import('../../compose.ts'), import('../../doctor/examine-project.ts')]);
  await using project = await openProject(context);
  const { resources, findings: declared, locate } = await readResources(context, project.store);
  // That it is not applied either says nothing: it may stand in the manifests that do not hold, and those are told.
  if (locate === undefined && typeof argument === 'string' && !resources.has(resourceKey('Destination', argument))) {
    const { directory, environment, variables } = options;
    requireValidProject({ directory, environment, variables });
  }
  const findings = [
    ...declared,
    ...(await examineProject({
      ...project.exportDeps(),
      machine: { version: context.version, node: process.versions.node, platform: `${process.platform} ${process.arch}`, stateFolder: project.stateFolder },
      store: project.store,
      resources,
      locateMapping: locate,
      destination: typeof argument === 'string' ? argument : undefined,
      clock: context.clock,
      signal: context.signal,
    })),
  ];
  const ok = findings.every(({ level }) => level !== 'error');
  if (options.json) out(JSON.stringify({ ok, findings }));
  else {
    out(renderFindings(findings, { color: options.color }));
    const summary = summarizeFindings(findings);
    say(summary === '' ? 'all is well' : summary);
  }
  return ok ? ExitCode.done : ExitCode.failed;
}

/** What is declared; where the manifests do not hold, what is applied. */
async function readResources(
  { options }: CommandContext,
  store: StateStore,
): Promise<{ readonly resources: AppliedResources; readonly findings: readonly DoctorFinding[]; readonly locate: LocateMapping | undefined }> {
  const { directory, environment, variables } = options;
  const validated = validateProject({ directory, environment, variables });
  const { resources, ok, diagnostics, fileCount } = validated;
  if (ok) {
    const message = `${resources.length} resources in ${fileCount} ${fileCount === 1 ? 'file' : 'files'}`;
    return {
      resources: new Map(resources.map((resource) => [resourceKey(resource.kind, resource.metadata.name), resource])),
      findings: [{ area: 'manifests', code: 'RC9500', level: 'ok', subject: 'manifests', message }],
      locate: locateMapping(validated),
    };
  }
  const message = summarizeDiagnostics(diagnostics, fileCount);
  const finding: DoctorFinding = {
    area: 'manifests',
    code: 'RC1000',
    level: 'error',
    subject: 'manifests',
    message,
    hint: 'reconcile validate shows them; what is applied is examined instead',
  };
  try {
    return { resources: (await store.read()).resources, findings: [finding], locate: undefined };
  } catch (error) {
    // The look at the state tells it.
    if (!(error instanceof AppError)) throw error;
    return { resources: new Map(), findings: [finding], locate: undefined };
  }
}

async function printHostKeys({ options, out, say }: CommandContext, target: string): Promise<ExitCode> {
  const match = /^(?:\[(?<v6>[^\]]+)\]|(?<host>[^:]+))(?::(?<port>\d{1,5}))?$/.exec(target)?.groups;
  const host = match?.['v6'] ?? match?.['host'];
  const port = Number(match?.['port'] ?? 22);
  if (host === undefined || port < 1 || port > 65_535)
    throw new AppError({
      code: 'RC9008',
      message: `\`${target}\` is not HOST or HOST:PORT`,
      hint: 'write --host-key sftp.example.com:22',
      exit: ExitCode.badUsage,
    });
  const { readHostKeys } = await import('../../storage/sftp/host-key.ts');
  const keys = await readHostKeys(host, port);
  if (options.json) out(JSON.stringify({ host, port, keys }));
  else out(keys.map(({ type, fingerprint }) => `${fingerprint}   ${type}`).join('\n'));
  say('whoever answers shows these: compare one with what the server’s operator says, then pin it as `hostKey`');
  return ExitCode.done;
}
