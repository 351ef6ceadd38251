import { schedule } from 'node-cron';
import type { StartTicks } from './watch-slots.ts';

const QUIET = { info() {}, warn() {}, error() {}, debug() {} };

/**
 * A tick each second from node-cron. It is the wake-up only: it forgets what passed while the process was down, skips days at the change of clocks and
 * drops ticks that overlap (reconciler-lessons 2.5 and 8), and none of that matters here, since slots are computed elsewhere.
 */
export const startCronTicks: StartTicks = (onTick) => {
  const task = schedule('* * * * * *', () => onTick(), { name: 'reconcile watch', timezone: 'UTC', logger: QUIET, suppressMissedWarning: true });
  return { stop: () => void task.destroy() };
};
