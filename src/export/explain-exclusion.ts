import type { ResourceKey } from '../model/resource.ts';
import { REASON_BAD_EVENT, REASON_BAD_VALUE, REASON_DUPLICATE, REASON_NO_IDENTITY } from './exclusion.ts';
import type { OutputColumn } from './output-columns.ts';
import type { SegmentJob } from './segment-job.ts';
import { REASON_FORGOTTEN } from './suppression.ts';

/** Why somebody is left out of the file, and the rule that does it. */
export interface ExplainedExclusion {
  /** As runs count it. */
  readonly reason: string;
  readonly message: string;
  /** Which applied resource says so, and where in it. Undefined: no manifest does. */
  readonly rule: { readonly key: ResourceKey; readonly pointer: string } | undefined;
}

interface ExclusionFacts {
  /** Attribute paths whose value is not of its type. */
  readonly bad: readonly string[];
  /** Fields of their events, likewise. */
  readonly badEvents: readonly string[];
  /** Who goes out instead, for those that lost a competition. */
  readonly winner: string | undefined;
  /** The activation's own mapping, in which places are counted. */
  readonly mapping: readonly unknown[];
}

/** Puts a counted reason into words; see `exclusion.ts` for where they come from. */
export function explainExclusion(reason: string, job: SegmentJob, columns: readonly OutputColumn[], facts: ExclusionFacts): ExplainedExclusion {
  const attributes: ResourceKey = `Attributes/${job.attributesName}`;
  const instead = facts.winner === undefined ? 'somebody else' : `\`${facts.winner}\``;
  switch (reason) {
    case REASON_FORGOTTEN:
      return { reason, message: 'the person was forgotten: nothing of them is exported any more', rule: undefined };
    case REASON_NO_IDENTITY:
      return { reason, message: 'the primary identity is empty', rule: { key: attributes, pointer: '/spec/identities' } };
    case REASON_BAD_VALUE: {
      const [path] = facts.bad;
      if (path === undefined) {
        const calculated = columns.filter(({ overflow }) => overflow !== undefined).map(({ target }) => target);
        const message = `a calculated column is beyond the numbers that a double holds: ${calculated.map((target) => `\`${target}\``).join(' or ')}`;
        return { reason, message, rule: ruleOf(job, facts, calculated[0]) };
      }
      return { reason, message: notOfType(facts.bad), rule: { key: attributes, pointer: `/spec/fields/${escape(path)}` } };
    }
    case REASON_BAD_EVENT: {
      const [path = ''] = facts.badEvents;
      const pointer = path === 'timestamp' ? '/spec/events/timestamp' : `/spec/events/fields/${escape(path)}`;
      return { reason, message: `in an event, ${notOfType(facts.badEvents)}`, rule: { key: attributes, pointer } };
    }
    case REASON_DUPLICATE: {
      const keys = columns.filter(({ key }) => key).map(({ target }) => target);
      return { reason, message: `${instead} has the same ${keys.join(' and ')} and goes out`, rule: ruleOf(job, facts, keys[0]) };
    }
    default:
      break;
  }
  for (const column of columns) {
    const { target } = column;
    const expected = (name: string): ExplainedExclusion['rule'] => ruleOf(job, facts, target, `/expect/${name}`);
    switch (reason) {
      case `no ${target}`:
        return { reason, message: `${target} ${whyNeeded(column)} and empty`, rule: ruleOf(job, facts, target) };
      case `${target} unique`:
        return { reason, message: `${instead} has the same ${target}, which is expected to be unique, and goes out`, rule: expected('unique') };
      case `${target} pattern`:
        return { reason, message: `${target} is not as \`expect.pattern\` wants it`, rule: expected('pattern') };
      case `${target} range`:
        return { reason, message: `${target} is outside \`expect.range\``, rule: expected('range') };
      case `${target} values`:
        return { reason, message: `${target} is none of \`expect.values\``, rule: expected('values') };
      default:
        break;
    }
  }
  return { reason, message: reason, rule: undefined };
}

function notOfType(paths: readonly string[]): string {
  return `${paths.map((path) => `\`${path}\``).join(', ')} ${paths.length === 1 ? 'is' : 'are'} not of the declared type`;
}

function whyNeeded(column: OutputColumn): string {
  if (column.kind === 'identity') return 'identifies people';
  if (column.mandatory) return 'is mandatory';
  return column.key ? 'is part of the key' : 'is expected';
}

function ruleOf(job: SegmentJob, { mapping }: ExclusionFacts, target: string | undefined, below = ''): ExplainedExclusion['rule'] {
  const entry = job.mapping.find((one) => one.target === target)?.entry;
  const index = mapping.indexOf(entry);
  return { key: `Activation/${job.activation}`, pointer: index < 0 ? '/spec/mapping' : `/spec/mapping/${index}${below}` };
}

/** A part of a JSON pointer (RFC 6901). */
function escape(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}
