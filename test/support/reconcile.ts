import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ReconcileOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Another user's id, whom root's rights do not help. */
  readonly user?: number;
  /** Called with the process as soon as it runs, e.g. to kill it. */
  readonly started?: (pid: number) => void;
}

/** Runs the real command in a process of its own, from a checkout as a user would, and waits for its end. */
export function reconcile(args: readonly string[], options: ReconcileOptions = {}): Promise<Ended> {
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, [`${ROOT}scripts/reconcile.mjs`, ...args], {
      env: { ...process.env, NO_COLOR: '1', ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.user === undefined ? {} : { uid: options.user, gid: options.user }),
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', failed);
    child.on('close', (code, signal) => done({ code, signal, stdout, stderr }));
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
    if (child.pid !== undefined) options.started?.(child.pid);
  });
}
