import type { SourceHealth } from '../engine/engine.ts';
import { AppError } from '../model/app-error.ts';
import type { AttributesSpec } from '../model/generated/kinds.ts';
import { checkSource } from './guards.ts';

/**
 * Judges what the engine found out about a source. Throws `HeldError` RC4001 when it has no rows, `AppError` RC4002 for primary identities that
 * occur twice and RC4003 for values that are not of their declared type, unless those are to be excluded.
 */
export function checkHealth(health: SourceHealth, attributes: AttributesSpec, name: string): void {
  checkSource(health.rows, `Attributes \`${name}\` (dataset \`${attributes.dataset}\`)`);
  if (health.duplicates > 0) {
    const examples = health.duplicateExamples.map((id) => `\`${id}\``).join(', ');
    throw new AppError({
      code: 'RC4002',
      message: `${health.duplicates} primary ${health.duplicates === 1 ? 'identity occurs' : 'identities occur'} more than once in dataset \`${attributes.dataset}\`: ${examples}${health.duplicates > health.duplicateExamples.length ? ' …' : ''}`,
      hint: 'a profile is one row: make the rows unique in the source, or declare another identity as primary',
    });
  }
  const [bad] = health.badValues;
  if (bad !== undefined && attributes.badValues !== 'exclude') {
    const more = health.badValues.reduce((sum, { count }) => sum + count, 0) - 1;
    const dataset = bad.of === 'event' ? (attributes.events?.dataset ?? '') : attributes.dataset;
    throw new AppError({
      code: 'RC4003',
      message: `column \`${bad.column}\` of dataset \`${dataset}\` is declared ${bad.type}, but row ${bad.row} holds ${JSON.stringify(bad.value)}${more === 0 ? '' : `; ${more} more such ${more === 1 ? 'value' : 'values'}`}`,
      hint: `correct the value or the type of \`${bad.path}\` in Attributes; \`badValues: exclude\` leaves such rows out and counts them`,
    });
  }
}
