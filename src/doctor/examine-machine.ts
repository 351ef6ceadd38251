import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { CheckFinding } from '../destination/connector.ts';

export interface MachineRequest {
  /** Of reconcile. */
  readonly version: string;
  /** Node's, without the `v`. */
  readonly node: string;
  readonly platform: string;
  /** Absolute path of `.reconcile`; it need not be there yet. */
  readonly stateFolder: string;
}

const OLDEST_NODE = 24;
/** Files are written in the spool before they leave: an export needs room for itself once. */
const WANTED_BYTES = 2 * 1024 ** 3;
const LEAST_BYTES = 256 * 1024 ** 2;

/** Versions, and the room for spool, cache and state. */
export async function examineMachine({ version, node, platform, stateFolder }: MachineRequest): Promise<readonly CheckFinding[]> {
  const findings: CheckFinding[] = [{ code: 'RC9500', level: 'ok', subject: 'versions', message: `reconcile ${version}, Node.js ${node}, ${platform}` }];
  if (Number(node.split('.')[0]) < OLDEST_NODE) {
    findings.push({
      code: 'RC9501',
      level: 'error',
      subject: 'versions',
      message: `Node.js ${node} is too old`,
      hint: `install Node.js ${OLDEST_NODE} or later`,
    });
  }
  const freeBytes = await readFreeBytes(stateFolder);
  if (freeBytes === undefined) return findings;
  const free = `${(freeBytes / 1024 ** 3).toFixed(1)} GiB free where .reconcile is`;
  if (freeBytes >= WANTED_BYTES) findings.push({ code: 'RC9500', level: 'ok', subject: 'disk space', message: free });
  else {
    const level = freeBytes < LEAST_BYTES ? 'error' : 'warning';
    findings.push({
      code: 'RC9502',
      level,
      subject: 'disk space',
      message: free,
      hint: 'make room: an export is written there before it leaves; `reconcile gc` removes what is old',
    });
  }
  return findings;
}

/** Of the folder, or of the nearest above that is there; undefined where the file system does not say. */
async function readFreeBytes(folder: string): Promise<number | undefined> {
  for (let path = folder; ; path = dirname(path)) {
    try {
      const { bavail, bsize } = await statfs(path);
      return bavail * bsize;
    } catch {
      if (dirname(path) === path) return undefined;
    }
  }
}
