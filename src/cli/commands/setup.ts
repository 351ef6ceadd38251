import type { Command } from 'commander';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { effectiveActivation, type EffectiveActivation } from '../../activation/effective.ts';
import { buildSampleFile, type SampleFile } from '../../activation/sample-file.ts';
import type { CatalogueEntry } from '../../destination/catalogue.ts';
import type { SetupFile } from '../../destination/connector.ts';
import { unknownDestination } from '../../doctor/examine-project.ts';
import { AppError } from '../../model/app-error.ts';
import { ExitCode } from '../../model/exit-code.ts';
import { resourceKey, type Resource } from '../../model/resource.ts';
import { requireValidProject, type ValidProject } from '../../validate/validate-project.ts';
import type { CommandContext } from '../context.ts';

export function configure(command: Command): void {
  command
    .argument('<destination>', 'a Destination of the manifests')
    .option('--out <dir>', 'write the sample files there, too')
    .option('--from-template <id>', 'Campaign: make the workflow from your own template workflow; it is left for you to start')
    .addHelpText(
      'after',
      `
What to build on the other side, and sample files with the columns of the manifests' activations. Changes nothing there without --from-template.

Examples:
  reconcile setup campaign-emea
  reconcile setup campaign-emea --out samples
  reconcile setup campaign-emea --from-template 4711`,
    );
}

interface ActivationSample {
  readonly activation: string;
  readonly name: string;
  readonly sample: SampleFile | undefined;
  readonly file: SetupFile;
}

export async function run(context: CommandContext, [argument]: readonly unknown[], own: Readonly<Record<string, unknown>>): Promise<ExitCode> {
  const { options, out, say } = context;
  const { directory, environment, variables } = options;
  const name = String(argument);
  const valid = requireValidProject({ directory, environment, variables });
  const destination = valid.index.find('Destination', name);
  if (destination === undefined)
    throw unknownDestination(name, new Map(valid.resources.map((resource) => [resourceKey(resource.kind, resource.metadata.name), resource])));
  const { openProject } = await import('../../compose.ts');
  await using project = await openProject(context);
  const entry = project.catalogue().find(destination.spec.type);
  if (entry === undefined) throw new Error(`validate let the type ${destination.spec.type} through`);
  const samples = buildSamples(valid, name, entry, destination.spec.encryption !== undefined);
  const columns = [...new Set(samples.flatMap(({ file }) => file.columns))];
  const template = typeof own['fromTemplate'] === 'string' ? own['fromTemplate'] : undefined;
  await using connector = await project.connector(name, destination.spec);
  if (template !== undefined && connector?.setup === undefined) {
    throw new AppError({
      code: 'RC9008',
      message: `\`${name}\` of type \`${entry.type}\` makes nothing from a template`,
      hint: 'it is for Campaign, with a `connection`',
      exit: ExitCode.badUsage,
    });
  }
  const guide = await connector?.setup?.({ columns, files: samples.map(({ file }) => file), ...(template === undefined ? {} : { template }) });
  const folder = typeof own['out'] === 'string' ? resolve(directory, own['out']) : undefined;
  const written = folder === undefined ? [] : await writeSamples(folder, samples);
  if (options.json) {
    const shown = samples.map(({ activation, name: file, sample, file: of }) => ({ activation, file, columns: of.columns, text: sample?.text ?? null }));
    out(
      JSON.stringify({
        destination: name,
        type: entry.type,
        steps: entry.card.setup ?? null,
        guide: guide?.text ?? null,
        created: guide?.created ?? null,
        samples: shown,
      }),
    );
    return ExitCode.done;
  }
  out(render(name, entry, guide?.text, samples));
  for (const path of written) say(`written: ${path}`);
  if (guide?.created !== undefined) say(`created in Campaign: ${guide.created}; look at it there and start it`);
  return ExitCode.done;
}

function buildSamples({ index }: ValidProject, destination: string, { card }: CatalogueEntry, encrypted: boolean): readonly ActivationSample[] {
  return index
    .all('Activation')
    .filter(({ spec }) => spec.destination === destination)
    .map(({ metadata, spec }) => {
      const effective = effectiveActivation(metadata.name, spec, card);
      const [segment] = effective.segments;
      const attributesName = segment === undefined ? undefined : index.find('Segment', segment.name)?.spec.attributes;
      const attributes: Resource['spec'] | undefined = attributesName === undefined ? undefined : index.find('Attributes', attributesName)?.spec;
      const sample = segment === undefined ? undefined : buildSampleFile(effective, segment.file, attributes as Parameters<typeof buildSampleFile>[2]);
      const name = `sample-${metadata.name}.${segment?.file.format ?? 'csv'}`;
      return { activation: metadata.name, name, sample, file: describeFile(metadata.name, name, effective, encrypted) };
    });
}

function describeFile(activation: string, sample: string, { mapping, segments }: EffectiveActivation, encrypted: boolean): SetupFile {
  const [segment] = segments;
  if (segment === undefined) throw new Error(`validate let the Activation ${activation} through without a segment`);
  const { format, compression, csv } = segment.file;
  const status = mapping.find(({ kind }) => kind === 'status')?.target;
  return {
    activation,
    sample,
    columns: mapping.map(({ target }) => target),
    keys: mapping.filter(({ key }) => key).map(({ target }) => target),
    ...(status === undefined ? {} : { status }),
    format,
    compression,
    encrypted,
    delimiter: csv.delimiter,
    quote: csv.quote,
    header: csv.header,
  };
}

async function writeSamples(folder: string, samples: readonly ActivationSample[]): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true });
  const paths: string[] = [];
  for (const { name, sample } of samples) {
    if (sample === undefined) continue;
    await writeFile(join(folder, name), sample.text);
    paths.push(join(folder, name));
  }
  return paths;
}

function render(name: string, { card }: CatalogueEntry, guide: string | undefined, samples: readonly ActivationSample[]): string {
  const files = samples.map(({ activation, name: file, sample }) =>
    sample === undefined
      ? `${activation}: Parquet has no sample; its columns are those of the mapping`
      : `${file}   (Activation ${activation}, ${sample.columns.length} ${sample.columns.length === 1 ? 'column' : 'columns'})\n\n${sample.text.trimEnd()}`,
  );
  const blocks = [
    `${name}   ${card.displayName}`,
    ...(card.setup === undefined ? [] : [card.setup.trimEnd()]),
    ...(guide === undefined ? [] : [guide]),
    ...(files.length === 0 ? ['No Activation of the manifests has this destination yet: there is no sample file.'] : files),
  ];
  return blocks.join('\n\n');
}
