import { schedule, type ScheduledTask } from 'node-cron';
import type { StartTicks } from './watch-slots.ts';

const QUIET = { info() {}, warn() {}, error() {}, debug() {} };
const PULSE_MS = 1_000;
const CLOCK_TOLERANCE_MS = 1_000;

/**
 * A tick at each full minute from node-cron, where slots lie, and a pulse each second of the time that passes. Both are the wake-up only: what cron
 * forgets, skips or drops (reconciler-lessons 2.5 and 8) does not matter here, since slots are computed elsewhere. The pulse is what no clock can
 * stop: set back, node-cron is silent until the clock has caught up; set forward or after the machine slept, it walks through every match that
 * passed, 19 s for a day of seconds, in which nothing else runs. So it begins anew as soon as the clock is seen to have jumped.
 */
export const startCronTicks: StartTicks = (onTick) => {
  let minutes = startMinutes(onTick);
  let last = Date.now();
  const pulse = setInterval(() => {
    const now = Date.now();
    if (Math.abs(now - last - PULSE_MS) > CLOCK_TOLERANCE_MS) {
      void minutes.destroy();
      minutes = startMinutes(onTick);
    }
    last = now;
    onTick();
  }, PULSE_MS);
  return {
    stop() {
      clearInterval(pulse);
      void minutes.destroy();
    },
  };
};

function startMinutes(onTick: () => void): ScheduledTask {
  return schedule('* * * * *', () => onTick(), { name: 'reconcile watch', timezone: 'UTC', logger: QUIET, suppressMissedWarning: true });
}
