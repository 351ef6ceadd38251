import { effectiveLimit, type DestinationCard } from '../model/destination-card.ts';
import type { EffectiveActivation, EffectiveSegment } from './effective.ts';
import { fileExtension, fileNamePattern } from './file-name.ts';
import { parseFileNameTemplate } from './file-name-template.ts';
import { createReport, pointerTo, type ActivationFinding } from './finding.ts';

/** What of an activation counts beside the others: small, since it is kept between runs. */
export interface ActivationFacts {
  readonly destination: string;
  readonly segments: readonly SegmentFacts[];
  /** Columns that count. */
  readonly columns: number;
}

interface SegmentFacts {
  readonly name: string;
  /** Its place in `spec.segments`. */
  readonly index: number;
  /** What its files are called, and where they land: equal texts are the same folder. Absent when the template is wrong. */
  readonly files?: FileFacts;
  /** The hours of the day, UTC, in which it has slots. */
  readonly hours: readonly string[];
}

interface FileFacts {
  readonly folder: string;
  /** The name but for its time and its extension. */
  readonly stem: string;
  readonly extension: string;
}

/** Reads the facts off an activation. `folder` says where a segment's files land; `encrypted`, whether the destination encrypts them. */
export function activationFacts(
  { destination, segments, mapping }: EffectiveActivation,
  title: (segment: string) => string | undefined,
  folder: (segment: EffectiveSegment) => string,
  encrypted: boolean,
): ActivationFacts {
  return {
    destination,
    columns: mapping.filter(({ counts }) => counts).length,
    segments: segments.map((segment) => {
      const { name, format, compression } = segment.file;
      const facts = { name: segment.name, index: segment.index, hours: hoursOf(segment) };
      if (parseFileNameTemplate(name).problems.length > 0) return facts;
      const naming = { template: name, destination, segment: segment.name, segmentTitle: title(segment.name), format, compression, encrypted };
      const pattern = fileNamePattern(naming);
      const extension = fileExtension(naming);
      return { ...facts, files: { folder: folder(segment), stem: pattern.slice(0, -extension.length), extension } };
    }),
  };
}

/** One activation with what it stands on. */
export interface PlacedActivation {
  readonly name: string;
  readonly facts: ActivationFacts;
  readonly destination: { readonly details: Readonly<Record<string, unknown>> | undefined; readonly card: DestinationCard };
}

export type PlacedFinding = ActivationFinding & { readonly activation: string };

const MAX_DESTINATIONS = 100;
const MAX_SEGMENTS_PER_HOUR = 100;

/**
 * What several activations must keep together: file names that do not collide, and limits that count over a destination or an instance. Soft limits
 * are told once per destination (contract section 6). Activations come in a stable order: the later one is told.
 */
export function checkTogether(activations: readonly PlacedActivation[]): readonly PlacedFinding[] {
  return [...checkCollisions(activations), ...checkLimits(activations)];
}

function checkCollisions(activations: readonly PlacedActivation[]): readonly PlacedFinding[] {
  const findings: PlacedFinding[] = [];
  const owners = new Map<string, Owner>();
  const further: { readonly owner: Owner; readonly index: number; readonly first: string; readonly files: FileFacts }[] = [];
  for (const { name: activation, facts } of activations) {
    for (const { name: segment, index, files } of facts.segments) {
      if (files === undefined) continue;
      const stem = files.stem.toLowerCase();
      const base = /^(.+)_(?:[2-9]|[1-9]\d+)$/.exec(stem)?.[1];
      if (base !== undefined) further.push({ owner: { activation, segment }, index, first: keyOf(files, base), files });
      const key = keyOf(files, stem);
      const owner = owners.get(key);
      if (owner === undefined || (owner.activation === activation && owner.segment === segment)) {
        owners.set(key, { activation, segment });
        continue;
      }
      const other = owner.activation === activation ? `the segment \`${owner.segment}\`` : `the activation \`${owner.activation}\``;
      const message = `files of \`${segment}\` are called \`${nameOf(files)}\`, as those of ${other} in the same folder: one would replace the other`;
      findings.push(collision(activation, index, message));
    }
  }
  // A long export numbers its further files: `x_2.csv` may be the second of one and the first of another.
  for (const { owner: own, index, first, files } of further) {
    const owner = owners.get(first);
    if (owner === undefined || (owner.activation === own.activation && owner.segment === own.segment)) continue;
    const message = `files of \`${own.segment}\` are called \`${nameOf(files)}\`, as a further file of \`${owner.segment}\` in the activation \`${owner.activation}\` would be: one would replace the other`;
    findings.push(collision(own.activation, index, message));
  }
  return findings;
}

interface Owner {
  readonly activation: string;
  readonly segment: string;
}

/** `stem` in lower case: case does not tell files apart everywhere. */
function keyOf({ folder, extension }: FileFacts, stem: string): string {
  return `${folder}\n${stem}${extension}`;
}

function nameOf({ stem, extension }: FileFacts): string {
  return `${stem}${extension}`;
}

function collision(activation: string, segmentIndex: number, message: string): PlacedFinding {
  return {
    activation,
    code: 'RC1334',
    severity: 'error',
    part: 'value',
    pointer: pointerTo('spec', 'segments', segmentIndex),
    message,
    hint: 'tell them apart in `file.name`, by %SEGMENT_ID% or a text of its own',
  };
}

interface Group {
  readonly first: PlacedActivation;
  readonly segments: Map<string, PlacedActivation>;
  readonly perHour: Map<string, number>;
  fields: PlacedActivation | undefined;
}

function checkLimits(activations: readonly PlacedActivation[]): readonly PlacedFinding[] {
  const findings: PlacedFinding[] = [];
  const tell = ({ name }: PlacedActivation, finding: Parameters<ReturnType<typeof createReport>['report']>[0]): void => {
    const { findings: own, report } = createReport();
    report(finding);
    for (const one of own) findings.push({ ...one, activation: name });
  };
  const byDestination = groupBy(activations, ({ facts }) => facts.destination);
  for (const { first, segments, perHour, fields } of byDestination.values()) {
    const { card, details } = first.destination;
    const name = first.facts.destination;
    const most = effectiveLimit(card, 'segmentsPerDestination', details);
    const over = most && [...segments.values()][most.value];
    if (over !== undefined && most !== undefined) {
      tell(over, {
        code: 'RC1323',
        severity: most.level,
        pointer: '/spec/segments',
        part: 'key',
        message: `the destination \`${name}\` gets ${segments.size} segments; ${most.value} are ${most.level === 'error' ? 'allowed' : 'advised'}`,
        hint: most.why ?? 'spread them over several destinations',
      });
    }
    const width = effectiveLimit(card, 'fieldsPerSegment', details);
    if (fields !== undefined && width?.level === 'warning') {
      tell(fields, {
        code: 'RC1346',
        severity: 'warning',
        pointer: '/spec/mapping',
        part: 'key',
        message: `${fields.facts.columns} columns are mapped onto \`${name}\`; ${width.value} are advised`,
        hint: width.why ?? 'map what is needed',
      });
    }
    const busiest = Math.max(0, ...perHour.values());
    if (busiest > MAX_SEGMENTS_PER_HOUR) {
      tell(first, {
        code: 'RC1324',
        severity: 'warning',
        pointer: '/spec/schedule',
        part: 'key',
        message: `${busiest} segments go to \`${name}\` in one hour; ${MAX_SEGMENTS_PER_HOUR} are advised`,
        hint: 'spread them with `schedule.at`',
      });
    }
  }
  const withInstances = activations.filter(({ destination }) => destination.card.limits?.segmentsPerInstance !== undefined);
  for (const [instance, { segments }] of groupBy(withInstances, instanceOf)) {
    const most = mostOf(withInstances.filter((one) => instanceOf(one) === instance));
    const over = most && [...segments.values()][most.value];
    if (over === undefined || most === undefined) continue;
    const raise =
      most.raisedBy === undefined ? '' : `; where ${most.why ?? 'the other side'} allows more, say so in the Destination’s details.${most.raisedBy}`;
    tell(over, {
      code: 'RC1323',
      severity: most.level,
      pointer: '/spec/segments',
      part: 'key',
      message: `the instance \`${instance.slice(instance.indexOf('\n') + 1)}\` gets ${segments.size} segments over all its destinations; ${most.value} are allowed`,
      hint: `remove ${segments.size - most.value}${raise}`,
    });
  }
  return findings;
}

/** How many destinations a project may have is hard in the field (activation-rules section 9); told at the first one too many. */
export function checkDestinationCount(names: readonly string[]): { readonly name: string; readonly message: string; readonly code: string } | undefined {
  const name = names[MAX_DESTINATIONS];
  return name === undefined ? undefined : { name, code: 'RC1325', message: `the project has ${names.length} destinations; at most ${MAX_DESTINATIONS} go` };
}

function instanceOf({ destination: { card, details }, facts }: PlacedActivation): string {
  const key = card.limits?.segmentsPerInstance?.instance ?? '';
  const value = details?.[key];
  // Names of instances are compared whatever their case, as the connector does.
  return `${card.type}\n${typeof value === 'string' ? value.toLowerCase() : facts.destination}`;
}

/** What is allowed on an instance: one of its destinations saying so is enough. */
function mostOf(activations: readonly PlacedActivation[]): ReturnType<typeof effectiveLimit> {
  const limits = activations.map(({ destination: { card, details } }) => effectiveLimit(card, 'segmentsPerInstance', details));
  return limits.reduce((most, limit) => (limit !== undefined && limit.value > (most?.value ?? 0) ? limit : most), undefined);
}

function groupBy(activations: readonly PlacedActivation[], keyOf: (activation: PlacedActivation) => string): Map<string, Group> {
  const groups = new Map<string, Group>();
  for (const activation of activations) {
    const key = keyOf(activation);
    let group = groups.get(key);
    if (group === undefined) groups.set(key, (group = { first: activation, segments: new Map(), perHour: new Map(), fields: undefined }));
    const { card, details } = activation.destination;
    for (const segment of activation.facts.segments) {
      if (!group.segments.has(segment.name)) group.segments.set(segment.name, activation);
      for (const hour of segment.hours) group.perHour.set(hour, (group.perHour.get(hour) ?? 0) + 1);
    }
    const width = effectiveLimit(card, 'fieldsPerSegment', details)?.value ?? Infinity;
    if (group.fields === undefined && activation.facts.columns > width) group.fields = activation;
  }
  return groups;
}

const hours = new Map<string, readonly string[]>();

/** Grids are few and activations many: each grid is worked out once. */
function hoursOf({ schedule }: EffectiveSegment): readonly string[] {
  if (schedule === undefined || !('every' in schedule)) return [];
  const key = `${schedule.every} ${schedule.at ?? ''}`;
  const known = hours.get(key);
  if (known !== undefined) return known;
  const every = Number.parseInt(schedule.every, 10);
  const at = Number.parseInt(schedule.at ?? '0', 10);
  const found = Array.from({ length: 24 / every }, (_, index) => String((at + index * every) % 24));
  hours.set(key, found);
  return found;
}
