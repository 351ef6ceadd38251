import { spawn } from 'node:child_process';
import { ROOT, type Ended } from './reconcile.ts';

/** A `reconcile watch` that runs, and the events that its log has told so far. */
export interface WatchProcess {
  readonly pid: number;
  readonly events: readonly WatchLine[];
  /** Until `event` has been logged (`times` times). Fails when the process ends first. */
  until(event: string, times?: number): Promise<WatchLine>;
  /** Sends a signal and waits for the end. */
  end(signal: NodeJS.Signals): Promise<Ended>;
  readonly ended: Promise<Ended>;
}

export type WatchLine = Readonly<Record<string, unknown>> & { readonly event: string; readonly message: string };

/** Starts the real command in a process of its own, logging JSON. */
export function startWatch(args: readonly string[], env: Readonly<Record<string, string>> = {}): WatchProcess {
  const child = spawn(process.execPath, [`${ROOT}scripts/reconcile.mjs`, ...args, '--log-format', 'json'], {
    env: { ...process.env, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const events: WatchLine[] = [];
  const waiting = new Set<() => void>();
  let [stdout, stderr, rest] = ['', '', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('{')) events.push(JSON.parse(line) as WatchLine);
    for (const wake of waiting) wake();
  });
  const ended = new Promise<Ended>((done, failed) => {
    child.on('error', failed);
    child.on('close', (code, signal) => {
      done({ code, signal, stdout, stderr });
      for (const wake of waiting) wake();
    });
  });
  let isOver = false;
  void ended.then(() => (isOver = true));
  return {
    pid: child.pid ?? -1,
    events,
    ended,
    until: (event, times = 1) =>
      new Promise((done, failed) => {
        const look = (): void => {
          const found = events.filter((line) => line.event === event)[times - 1];
          if (found === undefined && child.exitCode === null && child.signalCode === null && !isOver) return;
          waiting.delete(look);
          if (found === undefined) failed(new Error(`watch ended before it told \`${event}\`:\n${stderr}`));
          else done(found);
        };
        waiting.add(look);
        look();
      }),
    async end(signal) {
      child.kill(signal);
      return ended;
    },
  };
}
