import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** What a process took. */
export interface Spent {
  readonly ms: number;
  /** User and system together, to 10 ms. */
  readonly cpuMs: number;
  readonly peakMb: number;
  readonly output: string;
}

/** How often a running process is looked at. */
const LOOK_MS = 20;

/** Runs a command to its end; rejects with what it says when it fails. */
export function spend(command: string, args: readonly string[]): Promise<Spent> {
  return new Promise((done, failed) => {
    const started = performance.now();
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let last = { peakMb: 0, cpuMs: 0 };
    let output = '';
    let errors = '';
    child.stdout.on('data', (text: Buffer) => (output += String(text)));
    child.stderr.on('data', (text: Buffer) => (errors += String(text)));
    const timer = setInterval(() => (last = readProcess(child.pid ?? 0) ?? last), LOOK_MS);
    child.on('error', failed);
    child.on('close', (code) => {
      clearInterval(timer);
      if (code === 0) done({ ms: performance.now() - started, ...last, output });
      else failed(new Error(`exit ${code}: ${errors}${output}`));
    });
  });
}

/** Undefined once the process has ended. */
function readProcess(pid: number): { readonly peakMb: number; readonly cpuMs: number } | undefined {
  try {
    const peak = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return peak === undefined ? undefined : { peakMb: Number(peak) / 1024, cpuMs: (Number(fields[11]) + Number(fields[12])) * 10 };
  } catch {
    return undefined;
  }
}
