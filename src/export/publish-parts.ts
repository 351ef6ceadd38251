import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../model/app-error.ts';
import type { RunLedger } from '../state/run-ledger.ts';
import { StorageError } from '../storage/storage-error.ts';
import type { Storage } from '../storage/storage.ts';
import type { PlannedFile, RunWork } from './run-work.ts';
import type { SegmentJob } from './segment-job.ts';
import { digest } from './write-file.ts';

/**
 * Decides for each file whether one of that key may be replaced: one that a run of this state wrote may, any other one fails the run with RC4008
 * before anything is visible.
 */
export async function planFiles(
  ledger: RunLedger,
  storage: Storage,
  target: string,
  files: readonly Omit<PlannedFile, 'replace'>[],
): Promise<readonly PlannedFile[]> {
  const ours = await ledger.delivered(
    target,
    files.map(({ key }) => key),
  );
  const planned: PlannedFile[] = [];
  for (const file of files) {
    const mine = ours.has(file.key);
    // What has the very bytes of this run was put there by an earlier attempt.
    if (!mine && (await storage.stat(file.key)) !== undefined && !(await landedAs(storage, file)))
      throw foreignFile(storage.address(file.key), 'move that file away, or give `file.name` another pattern; nothing was written');
    planned.push({ ...file, replace: mine });
  }
  return planned;
}

/** What a run that goes on replaces and removes: other runs of ours may have written files of the same names since its own were planned. */
export async function planAgain(
  ledger: RunLedger,
  storage: Storage,
  { target, partKey }: Pick<SegmentJob, 'target' | 'partKey'>,
  runId: string,
  work: RunWork,
): Promise<RunWork> {
  const { parts = [] } = work;
  const ours = await ledger.delivered(
    target,
    parts.map(({ key }) => key),
  );
  return {
    ...work,
    parts: parts.map((part) => ({ ...part, replace: part.replace || (ours.get(part.key)?.runId ?? runId) !== runId })),
    // Under another name by now there is no longer set of files that these would be part of.
    surplus: parts[0]?.key === partKey(1) ? await surplusFiles(ledger, storage, target, partKey, parts.length) : (work.surplus ?? []),
  };
}

/** Our own `_2`, `_3` … of an earlier, longer export of the same name, beyond the parts of this one. */
export async function surplusFiles(
  ledger: RunLedger,
  storage: Storage,
  target: string,
  partKey: (index: number) => string,
  parts: number,
): Promise<readonly string[]> {
  const surplus: string[] = [];
  for (let index = parts + 1; ; index += 1) {
    const key = partKey(index);
    if (!(await ledger.delivered(target, [key])).has(key) || (await storage.stat(key)) === undefined) return surplus;
    surplus.push(key);
  }
}

/** Makes one file visible, whole. May be called again after a crash: what landed already is left as it is. */
export async function publishFile(
  storage: Storage,
  folder: string,
  file: PlannedFile,
  runId: string,
  signal?: AbortSignal,
  onProgress?: (bytes: number) => void,
): Promise<void> {
  const local = { path: join(folder, file.file), bytes: file.bytes, sha256: file.sha256 };
  try {
    await storage.publish(file.key, local, {
      replace: file.replace,
      token: runId,
      ...(signal === undefined ? {} : { signal }),
      ...(onProgress === undefined ? {} : { onProgress }),
    });
  } catch (error) {
    if (!(error instanceof StorageError) || error.kind !== 'exists') throw error;
    // An earlier attempt of this run may have put it there; anything else that appeared meanwhile, or a folder, is not ours to replace.
    if (!(await landedAs(storage, file)))
      throw foreignFile(storage.address(file.key), 'move it away and run the slot again: it goes on from there; what stands there already stays');
  }
}

/** Makes visible again what was published and is gone or cut off: an earlier attempt may have ended because it was, when it was read back. */
export async function publishLost(storage: Storage, folder: string, files: readonly PlannedFile[], runId: string, signal?: AbortSignal): Promise<void> {
  for (const file of files) if ((await storage.stat(file.key))?.bytes !== file.bytes) await publishFile(storage, folder, file, runId, signal);
}

/**
 * Reads back what landed. Throws RC4009 when it is not what was written. The store's own verified checksum is enough; on this machine's disk, where
 * the published file is the spool's very file (a hard link) and was hashed by reading it, the file's identity is.
 */
export async function verifyFile(storage: Storage, folder: string, file: PlannedFile): Promise<void> {
  const found = await storage.stat(file.key);
  if (found === undefined) throw mismatch(storage.address(file.key), 'it is not there');
  if (found.bytes !== file.bytes) throw mismatch(storage.address(file.key), `it has ${found.bytes} bytes, ${file.bytes} were written`);
  if (found.sha256 !== undefined) {
    if (found.sha256 !== file.sha256) throw mismatch(storage.address(file.key), 'its SHA-256 differs from what was written');
    return;
  }
  if (storage.facts.kind === 'local' && (await isSameFile(storage.address(file.key), join(folder, file.file)))) return;
  if (!(await landedAs(storage, file))) throw mismatch(storage.address(file.key), 'its SHA-256 differs from what was written');
}

/** True when an object of that key has exactly the file's bytes. */
export async function landedAs(storage: Storage, file: Pick<PlannedFile, 'key' | 'bytes' | 'sha256'>): Promise<boolean> {
  const found = await storage.stat(file.key);
  if (found === undefined || found.bytes !== file.bytes) return false;
  if (found.sha256 !== undefined) return found.sha256 === file.sha256;
  return (await digest((await storage.read(file.key)) as AsyncIterable<Buffer>)).sha256 === file.sha256;
}

/** True when the spool still holds the file as it was journaled. */
export async function isInSpool(folder: string, file: PlannedFile, deep: boolean): Promise<boolean> {
  const path = join(folder, file.file);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined || found.size !== file.bytes) return false;
  return !deep || (await digest(createReadStream(path) as AsyncIterable<Buffer>)).sha256 === file.sha256;
}

async function isSameFile(one: string, other: string): Promise<boolean> {
  const [a, b] = await Promise.all([stat(one, { bigint: true }), stat(other, { bigint: true }).catch(() => undefined)]);
  return b !== undefined && a.ino === b.ino && a.dev === b.dev;
}

function foreignFile(address: string, hint: string): AppError {
  return new AppError({
    code: 'RC4008',
    message: `\`${address}\` exists, and no run of this state wrote it`,
    hint,
  });
}

function mismatch(address: string, how: string): AppError {
  return new AppError({
    code: 'RC4009',
    message: `\`${address}\` is not what was written: ${how}`,
    hint: 'look at what else writes there; take that file away and run the slot again: it is sent anew',
  });
}
