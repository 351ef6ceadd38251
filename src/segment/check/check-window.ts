import { toUnit, type Range, type Time, type Window } from '../ast.ts';
import { nearest } from '../../support/nearest.ts';
import { isTemporal } from '../type.ts';
import type { TypedTime, TypedWindow } from '../typed.ts';
import type { Checker } from './check-pql.ts';
import type { Scope } from './scope.ts';

/** Types what follows `occurs`, and WHEN. */
export function checkWindow(checker: Checker, window: Window, scope: Scope): TypedWindow {
  switch (window.form) {
    case 'distance':
      return {
        form: 'distance',
        operator: window.operator,
        amount: checkAmount(checker, window),
        unit: checkUnit(checker, window.unit, window.unitRange),
        direction: window.direction,
        time: checkTime(checker, window.time, scope),
      };
    case 'side':
      return { form: 'side', direction: window.direction, time: checkTime(checker, window.time, scope) };
    case 'on':
      return { form: 'on', time: checkTime(checker, window.time, scope) };
    case 'between':
      return { form: 'between', from: checkTime(checker, window.from, scope), to: checkTime(checker, window.to, scope) };
  }
}

function checkAmount(checker: Checker, window: Extract<Window, { form: 'distance' }>): number {
  if (Number.isInteger(window.amount) && window.amount <= 1_000_000_000_000) return window.amount;
  checker.report({ code: 'RC1208', severity: 'error', message: 'a distance in time is a whole number', start: window.start, end: window.unitRange.start });
  return 0;
}

function checkUnit(checker: Checker, word: string, range: Range): ReturnType<typeof toUnit> & string {
  const unit = toUnit(word);
  if (unit !== undefined) return unit;
  const near = nearest(word, ['milliseconds', 'seconds', 'minutes', 'hours', 'days', 'weeks', 'months', 'years', 'decades', 'centuries']);
  checker.report({
    code: 'RC1212',
    severity: 'error',
    message: `\`${word}\` is no unit of time`,
    ...range,
    hint: near === undefined ? 'seconds, minutes, hours, days, weeks, months, years' : `did you mean \`${near}\`?`,
  });
  return 'day';
}

function checkTime(checker: Checker, time: Time, scope: Scope): TypedTime {
  if (time.kind === 'period') return { kind: 'period', which: time.which, unit: checkUnit(checker, time.unit, time.unitRange) };
  return { kind: 'value', value: checker.expect(checker.check(time.expression, scope), 'a time: now, today, date(…), last week, or a timestamp', isTemporal) };
}
