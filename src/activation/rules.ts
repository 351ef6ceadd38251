import type { DestinationCard } from '../model/destination-card.ts';
import type { ActivationSpec, AttributesSpec, ScheduleSpec } from '../model/generated/kinds.ts';
import { checkColumns } from './check-columns.ts';
import { checkExpect, type PatternProblem } from './check-expect.ts';
import { checkFile } from './check-file.ts';
import { checkSchedule, type ScheduleFactsLike } from './check-schedule.ts';
import { effectiveActivation, type EffectiveActivation } from './effective.ts';
import { createReport, pointerTo, type ActivationFinding, type Report } from './finding.ts';

export interface SegmentFacts {
  readonly title: string | undefined;
  /** Name of its Attributes. */
  readonly attributes: string;
}

/** What the rules look at. What is undefined is unknown (told elsewhere), and its rules are passed over. */
export interface ActivationCheck {
  readonly name: string;
  readonly spec: ActivationSpec;
  /** Of the Destination that it names. */
  readonly destination:
    | { readonly details: Readonly<Record<string, unknown>> | undefined; readonly card: DestinationCard; readonly encrypted: boolean }
    | undefined;
  readonly segment: (name: string) => SegmentFacts | undefined;
  readonly attributes: (name: string) => AttributesSpec | undefined;
  /** `patternProblem` of the segment room. */
  readonly patternProblem: PatternProblem;
  /** `lintSchedule` of the schedule room. */
  readonly lintSchedule: (schedule: ScheduleSpec) => ScheduleFactsLike;
}

/**
 * Every rule that one Activation must keep (contract section 6, activation-rules section 10), told at once. Rules over several activations stand in
 * `checkTogether`. Codes: RC132x segments and modes, RC133x files, RC134x mapping, RC70xx schedules.
 */
export function checkActivation(check: ActivationCheck): readonly ActivationFinding[] {
  const { findings, report } = createReport();
  const card = check.destination?.card;
  const effective = effectiveActivation(check.name, check.spec, card);
  checkSegments(check, effective, report);
  for (const segment of effective.segments) {
    checkSchedule({ spec: check.spec, segment, destination: check.destination, lintSchedule: check.lintSchedule }, report);
    checkFile(
      {
        spec: check.spec,
        activation: effective,
        segment,
        title: check.segment(segment.name)?.title,
        card,
        details: check.destination?.details,
        encrypted: check.destination?.encrypted === true,
        lintSchedule: check.lintSchedule,
      },
      report,
    );
  }
  checkGuards(check, effective, report);
  const attributes = attributesOf(check, effective);
  for (const column of effective.mapping) checkExpect(column, attributes, check.patternProblem, report);
  checkColumns({ spec: check.spec, effective, card, details: check.destination?.details, attributes }, report);
  return findings;
}

/** The Attributes of its segments, each once. */
function attributesOf(check: ActivationCheck, effective: EffectiveActivation): readonly (readonly [string, AttributesSpec])[] {
  const names = new Set(effective.segments.flatMap(({ name }) => check.segment(name)?.attributes ?? []));
  return [...names].flatMap((name) => {
    const spec = check.attributes(name);
    return spec === undefined ? [] : [[name, spec] as const];
  });
}

/** How old events are can only be judged where there are events. */
function checkGuards(check: ActivationCheck, effective: EffectiveActivation, report: Report): void {
  if (check.spec.guards?.maxSourceAge === undefined) return;
  for (const [name, { events }] of attributesOf(check, effective)) {
    if (events !== undefined) continue;
    report({
      code: 'RC1326',
      pointer: '/spec/guards/maxSourceAge',
      part: 'key',
      message: `\`maxSourceAge\` looks at the newest event, and the Attributes \`${name}\` have no \`events\``,
      hint: 'declare them, or remove the guard; `maxSourceShrinkPercent` looks at the rows',
    });
  }
}

function checkSegments(check: ActivationCheck, { segments }: EffectiveActivation, report: Report): void {
  const forbidden = check.destination?.card.limits?.segmentNameCharacters;
  const seen = new Set<string>();
  for (const { name, index } of segments) {
    const pointer = typeof check.spec.segments[index] === 'string' ? pointerTo('spec', 'segments', index) : pointerTo('spec', 'segments', index, 'name');
    if (seen.has(name))
      report({
        code: 'RC1321',
        pointer,
        message: `the segment \`${name}\` stands twice`,
        hint: 'remove one: a segment has one schedule and one set of files per activation',
      });
    seen.add(name);
    if (forbidden === undefined) continue;
    const title = check.segment(name)?.title ?? name;
    const bad = [...title].find((character) => forbidden.forbidden.includes(character));
    if (bad === undefined) continue;
    const why = forbidden.why === undefined ? '' : `: ${forbidden.why}`;
    report({
      code: 'RC1322',
      severity: forbidden.level ?? 'error',
      pointer,
      message: `the title of the segment \`${name}\`, "${title}", holds \`${bad}\`${why}`,
      hint: 'give the Segment a `metadata.title` without it',
    });
  }
}
