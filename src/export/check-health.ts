import type { BadValue, SourceHealth } from '../engine/engine.ts';
import { AppError } from '../model/app-error.ts';
import type { AttributesSpec } from '../model/generated/kinds.ts';
import { checkSource } from './guards.ts';

const SHOWN_CHARACTERS = 80;

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
    const { inside } = bad;
    const column = `column \`${bad.column}\` of dataset \`${dataset}\``;
    const what = inside === undefined || inside.path === '' || inside.type === 'JSON' ? column : `\`${bad.path}${inside.path}\` in ${column}`;
    throw new AppError({
      code: 'RC4003',
      message: `${what} is declared ${typeOf(bad)}, but row ${bad.row} holds ${showValue(bad)}${more === 0 ? '' : `; ${more} more such ${more === 1 ? 'value' : 'values'}`}`,
      hint: `correct the value or the type of \`${bad.path}\` in Attributes; \`badValues: exclude\` leaves ${bad.of === 'event' ? 'the people of such events' : 'such rows'} out and counts them`,
    });
  }
}

function typeOf({ type, inside }: BadValue): string {
  return inside === undefined || inside.type === 'JSON' ? type : inside.type;
}

/** A value inside another is JSON already, so that `"12"` and `12` can be told apart. */
function showValue({ value, inside }: BadValue): string {
  if (inside === undefined) return JSON.stringify(value);
  const short = value.length > SHOWN_CHARACTERS ? `${value.slice(0, SHOWN_CHARACTERS)}…` : value;
  if (inside.type !== 'JSON') return short;
  return `${JSON.stringify(short)}${/^\s*[[{]/.test(value) ? ', which is not JSON' : ''}`;
}
