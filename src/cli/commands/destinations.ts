import type { Command } from 'commander';
import { explainUnknownType, loadCatalogue, type CatalogueEntry } from '../../destination/catalogue.ts';
import { AppError } from '../../model/app-error.ts';
import { ExitCode } from '../../model/exit-code.ts';
import type { CommandContext } from '../context.ts';
import { renderCard, renderCatalogue } from '../render-card.ts';
import { renderDiagnostics } from '../render-diagnostics.ts';

export function configure(command: Command): void {
  command.argument('[type]', 'one type: its details, rules, limits and an example manifest').addHelpText(
    'after',
    `
Types come from reconcile, from destinations/TYPE/destination.yaml of the project, and from its packages reconcile-destination-TYPE.

Examples:
  reconcile destinations
  reconcile destinations adobe-campaign-managed-services
  reconcile destinations sftp --json | jq -r .card.example > manifests/partner.yaml`,
  );
}

export async function run({ options, out, say }: CommandContext, [type]: readonly unknown[]): Promise<ExitCode> {
  const catalogue = loadCatalogue({ projectDirectory: options.directory });
  const { diagnostics } = catalogue;
  if (diagnostics.length > 0) say(renderDiagnostics(diagnostics, { color: options.color, directory: options.directory }));
  const exit = diagnostics.length > 0 ? ExitCode.invalidManifests : ExitCode.done;
  if (typeof type === 'string') {
    const entry = catalogue.find(type);
    if (entry === undefined) throw new AppError({ ...explainUnknownType(catalogue, type), exit: ExitCode.badUsage });
    out(options.json ? JSON.stringify({ type, origin: entry.origin, path: entry.path, card: entry.card, diagnostics }) : renderCard(entry));
    return exit;
  }
  const entries = catalogue.types.map((name) => catalogue.find(name)).filter((entry): entry is CatalogueEntry => entry !== undefined);
  out(
    options.json
      ? JSON.stringify({ destinations: entries.map(summarize), diagnostics })
      : `${renderCatalogue(entries)}\n\nmore on one:  reconcile destinations TYPE`,
  );
  return exit;
}

function summarize({ type, origin, path, card }: CatalogueEntry): Readonly<Record<string, unknown>> {
  const { displayName, category, description, documentation, storage } = card;
  return { type, displayName, category, description, documentation: documentation ?? null, storage: storage.kinds, origin, path };
}
