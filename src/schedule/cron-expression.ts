/** A cron expression of five fields as sets of values; `undefined` for a day field that is `*`. */
export interface CronExpression {
  /** Minutes of the day, ascending: every hour with every minute. */
  readonly minutesOfDay: readonly number[];
  readonly daysOfMonth: ReadonlySet<number> | undefined;
  readonly months: ReadonlySet<number>;
  /** 0 is Sunday. */
  readonly daysOfWeek: ReadonlySet<number> | undefined;
}

export interface CronProblem {
  readonly message: string;
  readonly hint: string;
}

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const FIELDS: readonly Field[] = [
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  { name: 'day of month', min: 1, max: 31 },
  { name: 'month', min: 1, max: 12, names: MONTHS },
  { name: 'day of week', min: 0, max: 7, names: WEEKDAYS },
];
const DAYS_IN_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const MACROS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

/**
 * Reads `minute hour day-of-month month day-of-week`, stricter than cron itself: what different crons read differently (both day fields restricted,
 * a step beyond its range, six fields) is a problem, never a guess. Returns the problems when there are any.
 */
export function parseCron(
  text: string,
): { readonly cron: CronExpression; readonly problems: readonly [] } | { readonly cron: undefined; readonly problems: readonly CronProblem[] } {
  const words = text.trim().split(/\s+/);
  const first = words[0] ?? '';
  if (first.startsWith('@')) {
    const meaning = MACROS[first.toLowerCase()];
    return fail(`\`${first}\` is a macro`, meaning === undefined ? 'write five fields: minute, hour, day of month, month, day of week' : `write "${meaning}"`);
  }
  if (words.length !== FIELDS.length) {
    const seconds = words.length === 6 || words.length === 7 ? '; there is no field for seconds or years' : '';
    return fail(
      `\`${text}\` has ${words.length === 1 && first === '' ? 'no' : words.length} fields instead of five`,
      `minute, hour, day of month, month, day of week${seconds}`,
    );
  }
  const problems: CronProblem[] = [];
  const [minutes, hours, daysOfMonth, months, daysOfWeek] = FIELDS.map((field, index) => readField(words[index] ?? '', field, problems));
  if (problems.length > 0 || minutes === undefined || hours === undefined || months === undefined) return { cron: undefined, problems };
  const monthDays = words[2] === '*' ? undefined : daysOfMonth;
  const weekDays = words[4] === '*' ? undefined : new Set([...(daysOfWeek ?? [])].map((day) => day % 7));
  if (monthDays !== undefined && weekDays !== undefined) {
    return fail(
      'day of month and day of week are both restricted',
      'some crons want both to hold, others one of them: put `*` in one field, or write two activations',
    );
  }
  if (monthDays !== undefined && ![...months].some((month) => Math.min(...monthDays) <= (DAYS_IN_MONTH[month - 1] ?? 31))) {
    return fail('no month of these has such a day', 'the schedule would never fire');
  }
  const minutesOfDay = [...hours].flatMap((hour) => [...minutes].map((minute) => hour * 60 + minute)).sort((a, b) => a - b);
  return { cron: { minutesOfDay, daysOfMonth: monthDays, months, daysOfWeek: weekDays }, problems: [] };
}

function fail(message: string, hint: string): { readonly cron: undefined; readonly problems: readonly CronProblem[] } {
  return { cron: undefined, problems: [{ message, hint }] };
}

function readField(text: string, field: Field, problems: CronProblem[]): Set<number> | undefined {
  const values = new Set<number>();
  for (const item of text.split(',')) {
    const problem = readItem(item, field, values);
    if (problem === undefined) continue;
    problems.push(problem);
    return undefined;
  }
  return values;
}

function readItem(item: string, field: Field, values: Set<number>): CronProblem | undefined {
  const { name, min, max } = field;
  const range = `${name}: ${min} to ${max}${field.names === undefined ? '' : `, or ${field.names[0]} to ${field.names.at(-1)}`}`;
  const match = /^(\*|(?<low>[0-9A-Za-z]+)(?:-(?<high>[0-9A-Za-z]+))?)(?:\/(?<step>\d+))?$/.exec(item);
  if (match === null) return { message: `\`${item}\` is no ${name}`, hint: `${range}; lists 1,2, ranges 1-5, steps */2` };
  const { low, high, step } = match.groups ?? {};
  const from = low === undefined ? min : valueOf(low, field);
  const to = low === undefined ? (name === 'day of week' ? 6 : max) : high === undefined ? from : valueOf(high, field);
  if (from === undefined || to === undefined) return { message: `\`${item}\` is no ${name}`, hint: range };
  if (to < from) return { message: `the range \`${item}\` goes backwards`, hint: `write two: ${low}-${max},${min}-${high}` };
  const by = step === undefined ? 1 : Number(step);
  if (step !== undefined && low !== undefined && high === undefined)
    return { message: `\`${item}\` has a step without a range`, hint: `write ${low}-${max}/${step}` };
  if (by < 1 || by > to - from) {
    if (step !== undefined)
      return {
        message: `the step of \`${item}\` is ${by < 1 ? 'zero' : `larger than its range, ${from} to ${to}`}`,
        hint: `it would not do what it seems to say; ${range}`,
      };
  }
  for (let value = from; value <= to; value += by) values.add(value);
  return undefined;
}

function valueOf(text: string, { min, max, names }: Field): number | undefined {
  if (!/^\d+$/.test(text)) {
    const index = names?.indexOf(text.toUpperCase()) ?? -1;
    return index === -1 ? undefined : index + min;
  }
  const value = Number(text);
  return value >= min && value <= max ? value : undefined;
}
