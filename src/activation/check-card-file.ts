import type { DestinationCard } from '../model/destination-card.ts';
import type { ActivationSpec, FileSpec } from '../model/generated/kinds.ts';
import { agrees, checkFile } from './check-file.ts';
import { effectiveActivation } from './effective.ts';
import { createReport, pointerTo, type ActivationFinding } from './finding.ts';

/**
 * What a card itself says about files, by the rules that each Activation onto it would break without having said anything. Pointers start at the card's
 * root (`/file/…`).
 */
export function checkCardFile(card: DestinationCard): readonly ActivationFinding[] {
  const { defaults = {}, fixed = {} } = card.file ?? {};
  const { findings, report } = createReport();
  const spec: ActivationSpec = { destination: 'd', segments: ['s'], mapping: [], file: { ...defaults, ...fixed } };
  const activation = effectiveActivation('a', spec, card);
  for (const segment of activation.segments) {
    checkFile({ spec, activation, segment, title: undefined, card, details: undefined, encrypted: false, lintSchedule: unscheduled }, report);
  }
  for (const key of Object.keys(fixed) as (keyof FileSpec)[]) {
    if (defaults[key] === undefined || agrees(defaults[key], fixed[key])) continue;
    report({
      code: 'RC1337',
      pointer: pointerTo('file', 'defaults', key),
      message: `\`file.fixed\` says otherwise about \`${key}\``,
      hint: 'keep one of them',
    });
  }
  return findings.filter(({ severity }) => severity === 'error').map((finding) => ({ ...finding, pointer: placeOf(finding.pointer, fixed, defaults) }));
}

function unscheduled(): never {
  throw new TypeError('there is no schedule');
}

/** Of what stands at `/spec/file/KEY` of the Activation that says no more than the card does. */
function placeOf(pointer: string, fixed: FileSpec, defaults: FileSpec): string {
  if (pointer.startsWith('/file/')) return pointer;
  const [, key = ''] = /^\/spec\/file\/([^/]+)/.exec(pointer) ?? [];
  if (key in fixed) return pointerTo('file', 'fixed', key);
  return key in defaults ? pointerTo('file', 'defaults', key) : '/file';
}
