import type { ChainStep, Expression, Range } from '../ast.ts';
import { isTemporal, scalar } from '../type.ts';
import type { Typed, TypedStep } from '../typed.ts';
import type { Checker } from './check-pql.ts';
import { checkWindow } from './check-window.ts';
import { unknown } from './resolve-path.ts';
import { withElement, type Scope } from './scope.ts';

/** Each step is an expression within the next one's. */
const MAX_CHAIN_STEPS = 30;

/** Types a sequence of events (activation-rules 7.4). */
export function checkChain(checker: Checker, node: Extract<Expression, { kind: 'chain' }>, scope: Scope): Typed {
  const place: Range = { start: node.start, end: node.end };
  const source = checker.check(node.source, scope);
  if (source.kind !== 'events' && source.type.kind !== 'any') {
    checker.report({
      code: 'RC1208',
      severity: 'error',
      message: 'the first argument of `chain` is the array of events',
      start: source.start,
      end: source.end,
      hint: 'write `chain(xEvent, timestamp, […])`',
    });
    return unknown(place);
  }
  const item = source.type.kind === 'array' ? source.type.item : scalar('any');
  const id = checker.newVariable();
  const inner = withElement(scope, id, item);
  const by = checker.expect(checker.check(node.by, inner), 'a date or timestamp of the events', isTemporal);
  // A member of a value inside an event has a name of its own, which a field of the events may have as well.
  const isField = by.kind === 'member' && by.object.kind === 'variable' && by.object.id === id;
  if (!isField && by.type.kind !== 'any') {
    checker.report({
      code: 'RC1208',
      severity: 'error',
      message: 'the second argument of `chain` is the field that orders the events',
      start: by.start,
      end: by.end,
      hint: by.kind === 'member' ? 'name a field of the events themselves: `timestamp`' : 'write `timestamp`',
    });
    return unknown(place);
  }
  if (node.steps.length > MAX_CHAIN_STEPS) {
    checker.report({ code: 'RC1202', severity: 'error', message: `a chain has at most ${MAX_CHAIN_STEPS} steps, found ${node.steps.length}`, ...place });
    return unknown(place);
  }
  warnOfSteps(checker, node.steps);
  const steps = node.steps.map((step): TypedStep => {
    const parts: Typed[] = [];
    for (const part of [step.what, step.where]) if (part !== undefined) parts.push(checker.condition(part, inner));
    if (step.when !== undefined)
      parts.push({
        kind: 'occurs',
        subject: by,
        window: checkWindow(checker, step.when, inner),
        type: scalar('boolean'),
        start: step.when.start,
        end: step.when.end,
      });
    if (!Number.isInteger(step.count) || step.count < 1) {
      checker.report({ code: 'RC1208', severity: 'error', message: `COUNT is a whole number from 1 on, found ${step.count}`, ...step.range });
    }
    const [only] = parts;
    const condition: Typed | undefined = parts.length > 1 ? { kind: 'logic', operator: 'and', operands: parts, type: scalar('boolean'), ...step.range } : only;
    return { label: step.label, condition, count: step.count, ...step.range };
  });
  return { kind: 'chain', id, by: isField ? by.name : 'timestamp', steps, type: scalar('boolean'), ...place };
}

/** What PQL allows and nobody means: a step that forgot its condition takes any event, and of two of one name perhaps one was copied and not changed. */
function warnOfSteps(checker: Checker, steps: readonly ChainStep[]): void {
  const names = new Set<string>();
  for (const { label, range } of steps) {
    const place = { start: range.start, end: range.start + label.length };
    const warn = (message: string, hint: string): void => checker.report({ code: 'RC1219', severity: 'warning', message, ...place, hint });
    if (range.end === place.end) warn(`the step \`${label}\` takes any event`, `say which: \`${label}: WHAT(…)\``);
    if (names.has(label)) warn(`a step before this one is called \`${label}\` as well`, 'give each a name of its own');
    names.add(label);
  }
}
