import { DAY_MS, SECOND_MS, type Instant } from '../model/instant.ts';

/** A wall-clock time without its zone, as the instant at which a clock in UTC shows it. */
export type WallTime = number;

const formatters = new Map<string, Intl.DateTimeFormat>();

/** False for what is no IANA name; offsets such as `+02:00` are none. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    formatterOf(name);
    return true;
  } catch {
    return false;
  }
}

/** Every IANA name that this runtime knows by its main spelling. */
export function timeZoneNames(): readonly string[] {
  return ['UTC', ...Intl.supportedValuesOf('timeZone')];
}

/** What a clock in the zone shows. */
export function wallTimeOf(instant: Instant, zone: string): WallTime {
  return instant + offsetAt(instant, zone);
}

/**
 * The instant at which a clock in the zone shows `wall`: the first one where the clock is set back and shows it twice, and the first instant after
 * the gap where the clock is set forward over it.
 */
export function instantOf(wall: WallTime, zone: string): Instant {
  const before = offsetAt(wall - DAY_MS, zone);
  const after = offsetAt(wall + DAY_MS, zone);
  // The larger offset gives the earlier instant.
  for (const offset of before >= after ? [before, after] : [after, before]) {
    if (offsetAt(wall - offset, zone) === offset) return wall - offset;
  }
  return findChange(wall - DAY_MS, wall + DAY_MS, zone);
}

/** The first instant in (low, high] whose offset is that of `high`; to the second. */
function findChange(low: Instant, high: Instant, zone: string): Instant {
  const target = offsetAt(high, zone);
  let [from, to] = [Math.floor(low / SECOND_MS), Math.floor(high / SECOND_MS)];
  while (to - from > 1) {
    const middle = Math.floor((from + to) / 2);
    if (offsetAt(middle * SECOND_MS, zone) === target) to = middle;
    else from = middle;
  }
  return to * SECOND_MS;
}

/** Milliseconds to add to UTC. */
function offsetAt(instant: Instant, zone: string): number {
  if (zone === 'UTC') return 0;
  const text = formatterOf(zone).format(instant);
  const match = /GMT(?:([+-])(\d{2}):(\d{2})(?::(\d{2}))?)?/.exec(text);
  if (match === null) throw new TypeError(`no offset in ${JSON.stringify(text)}`);
  const [, sign, hours = '0', minutes = '0', seconds = '0'] = match;
  const size = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * SECOND_MS;
  return sign === '-' ? -size : size;
}

function formatterOf(zone: string): Intl.DateTimeFormat {
  let formatter = formatters.get(zone);
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
    formatters.set(zone, formatter);
  }
  return formatter;
}
