/** An instant: milliseconds since 1970-01-01T00:00:00Z. Time is always an argument here; only `bin.ts` reads the clock. */
export type Instant = number;

export const SECOND_MS = 1_000;
export const MINUTE_MS: number = 60 * SECOND_MS;
export const HOUR_MS: number = 60 * MINUTE_MS;
export const DAY_MS: number = 24 * HOUR_MS;

const ISO_INSTANT = /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3})\d*)?)?(Z|[+-]\d{2}:\d{2}))?$/;

/**
 * Reads an ISO 8601 instant (`2026-12-01T02:00:00Z`, `2026-12-01T02:00+01:00`) or a date (`2026-12-01`, midnight UTC).
 * Returns undefined for anything else, impossible days such as February 30th and times without a zone included.
 */
export function parseInstant(text: string): Instant | undefined {
  const match = ISO_INSTANT.exec(text);
  if (!match) return undefined;
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '0', zone = 'Z'] = match;
  // Not Date.UTC of the year itself, which takes 1 to 99 for 1901 to 1999.
  const midnight = new Date(0).setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  const daysInMonth = new Date(new Date(0).setUTCFullYear(Number(year), Number(month), 0)).getUTCDate();
  if (Number(month) < 1 || Number(month) > 12 || Number(day) < 1 || Number(day) > daysInMonth) return undefined;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  const local = midnight + Number(hour) * HOUR_MS + Number(minute) * MINUTE_MS + Number(second) * SECOND_MS + Number(fraction.padEnd(3, '0'));
  if (zone === 'Z') return local;
  const [zoneHour = 0, zoneMinute = 0] = zone.slice(1).split(':').map(Number);
  if (zoneHour > 14 || zoneMinute > 59) return undefined;
  return local - (zone.startsWith('-') ? -1 : 1) * (zoneHour * HOUR_MS + zoneMinute * MINUTE_MS);
}

/** Writes an instant as `YYYY-MM-DDTHH:mm:ssZ`, with milliseconds only when it has some. */
export function formatInstant(instant: Instant): string {
  return new Date(instant).toISOString().replace('.000Z', 'Z');
}

/** Midnight UTC of the day that holds `instant`. */
export function startOfDay(instant: Instant): Instant {
  return Math.floor(instant / DAY_MS) * DAY_MS;
}
