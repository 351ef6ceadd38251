import { effectiveActivation, type EffectiveActivation } from '../activation/effective.ts';
import { renderFileName } from '../activation/file-name.ts';
import type { AppliedResources, ExportDeps } from '../export/deps.ts';
import { measureActivation, type Measure } from '../export/measure-activation.ts';
import { AppError } from '../model/app-error.ts';
import type { Diagnostic } from '../model/diagnostic.ts';
import type { ActivationSpec, DestinationSpec } from '../model/generated/kinds.ts';
import { formatInstant, type Instant } from '../model/instant.ts';
import type { ImpactRow } from '../model/plan.ts';
import { resourceKey, type Resource } from '../model/resource.ts';
import { nextSlots } from '../schedule/slots.ts';
import type { RecordedState } from '../state/state-store.ts';
import type { AffectedPairs } from './affected-pairs.ts';
import { activeFrom, firstAppliedAt } from './active-from.ts';

/** Slots that are told of each segment. */
const SLOTS = 5;
/** More activations are not counted for one plan: each is a scan. The text says so. */
const MAX_ACTIVATIONS = 100;

export type ImpactDeps = Pick<ExportDeps, 'ledger' | 'engine' | 'card' | 'paths' | 'newId'>;

export interface ImpactRequest {
  readonly pairs: readonly AffectedPairs[];
  readonly desired: readonly Resource[];
  readonly recorded: RecordedState;
  readonly now: Instant;
  /** How the user calls us: `reconcile -C shop`. */
  readonly command: string;
  readonly signal?: AbortSignal;
}

export interface MeasuredImpact {
  readonly rows: readonly ImpactRow[];
  /** What kept a count from being made. */
  readonly diagnostics: readonly Diagnostic[];
}

/** Counts, for the pairs that a plan touches, who would be in, come and go; and says when the next files come and how they are called. */
export async function measureImpact(request: ImpactRequest, deps: ImpactDeps): Promise<MeasuredImpact> {
  const resources: AppliedResources = new Map(request.desired.map((one) => [resourceKey(one.kind, one.metadata.name), one]));
  const rows: ImpactRow[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const { activation, segments } of request.pairs.slice(0, MAX_ACTIVATIONS)) {
    try {
      const name = activation.metadata.name;
      const measures = await measureActivation(deps, { resources, activation: name, segments, now: request.now, signal: request.signal });
      const settings = settingsOf(activation, resources, deps);
      rows.push(...measures.map((measure) => toRow(measure, activation, settings, resources, request)));
    } catch (error) {
      if (!(error instanceof AppError) || request.signal?.aborted === true) throw error;
      diagnostics.push(describeUncounted(activation, error));
    }
  }
  const rest = request.pairs.length - MAX_ACTIVATIONS;
  if (rest > 0)
    diagnostics.push({
      code: 'RC3021',
      severity: 'warning',
      message: `${rest} more activations are touched and were not counted`,
      hint: 'count some of them with --select Activation/NAME',
    });
  return { rows, diagnostics };
}

/** The next slots of each touched activation, all segments together. */
export function upcomingSlots(
  request: Pick<ImpactRequest, 'pairs' | 'desired' | 'recorded' | 'now'>,
  deps: Pick<ExportDeps, 'card'>,
): { readonly activation: string; readonly slots: readonly Instant[] }[] {
  const resources: AppliedResources = new Map(request.desired.map((one) => [resourceKey(one.kind, one.metadata.name), one]));
  return request.pairs.slice(0, MAX_ACTIVATIONS).map(({ activation, segments }) => {
    const settings = settingsOf(activation, resources, deps);
    const slots = new Set(segments.flatMap((segment) => slotsOf(activation, segment, settings, request)));
    return { activation: activation.metadata.name, slots: [...slots].sort((a, b) => a - b).slice(0, SLOTS) };
  });
}

function toRow(measure: Measure, activation: Resource, settings: EffectiveActivation, resources: AppliedResources, request: ImpactRequest): ImpactRow {
  const { segment, members, added, removed, excluded, held, hasSnapshot, startsOver } = measure;
  const slots = slotsOf(activation, segment, settings, request);
  const own = settings.segments.find(({ name }) => name === segment);
  const next = slots[0];
  // What an evaluation fires is on no grid: the run that it leaves held is taken up by its id.
  const isEvaluated = own?.schedule !== undefined && 'after' in own.schedule;
  const name = activation.metadata.name;
  const at = next === undefined ? '' : ` --slot ${formatInstant(next)}`;
  return {
    activation: name,
    segment,
    members,
    added,
    removed,
    excluded,
    ...(hasSnapshot ? { delivered: members - added + removed } : {}),
    ...(startsOver === undefined ? {} : { startsOver }),
    files: own === undefined ? [] : [renderFileName({ ...naming(own, settings, segment, resources), instant: next ?? request.now })],
    nextSlots: slots.map(formatInstant),
    ...(held === undefined
      ? {}
      : {
          held: {
            message: `${held.message}: the run${next === undefined ? '' : ` at ${formatInstant(next)}`} will be held (exit 3)`,
            accept: isEvaluated
              ? `${request.command} evaluate, then ${request.command} runs retry RUN ${held.overrides.join(' ')}`
              : `${request.command} run ${name} --segment ${segment}${at} ${held.overrides.join(' ')}`,
          },
        }),
  };
}

function naming(
  own: EffectiveActivation['segments'][number],
  settings: EffectiveActivation,
  segment: string,
  resources: AppliedResources,
): Parameters<typeof renderFileName>[0] {
  const { name: template, format, compression } = own.file;
  return {
    template,
    destination: settings.destination,
    segment,
    segmentTitle: resources.get(resourceKey('Segment', segment))?.metadata.title,
    format,
    compression,
    encrypted: (resources.get(resourceKey('Destination', settings.destination))?.spec as DestinationSpec | undefined)?.encryption !== undefined,
    instant: 0,
  };
}

function settingsOf(activation: Resource, resources: AppliedResources, deps: Pick<ExportDeps, 'card'>): EffectiveActivation {
  const spec = activation.spec as ActivationSpec;
  const destination = resources.get(resourceKey('Destination', spec.destination))?.spec as DestinationSpec | undefined;
  return effectiveActivation(activation.metadata.name, spec, destination === undefined ? undefined : deps.card(destination.type));
}

function slotsOf(
  activation: Resource,
  segment: string,
  settings: EffectiveActivation,
  { recorded, now }: Pick<ImpactRequest, 'recorded' | 'now'>,
): readonly Instant[] {
  const schedule = settings.segments.find(({ name }) => name === segment)?.schedule;
  if (schedule === undefined || settings.suspend) return [];
  const before = recorded.resources.get(resourceKey('Activation', activation.metadata.name));
  const active = activeFrom(before, activation.spec as ActivationSpec, now);
  return nextSlots(schedule, firstAppliedAt(before, now), Math.max(now, active - 1), SLOTS);
}

function describeUncounted({ metadata: { name }, source: { file, line, column } }: Resource, { code, message, hint }: AppError): Diagnostic {
  return {
    code,
    severity: 'warning',
    message: `the people of Activation/${name} cannot be counted: ${message}`,
    file,
    line,
    column,
    ...(hint === undefined ? {} : { hint }),
  };
}
