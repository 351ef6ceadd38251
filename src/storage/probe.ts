import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CheckFinding } from '../destination/connector.ts';
import { DAY_MS, formatInstant, HOUR_MS, MINUTE_MS } from '../model/instant.ts';
import { StorageError } from './storage-error.ts';
import type { LocalFile, Storage, StorageDiagnosis } from './storage.ts';

export interface ProbeOptions {
  /** The wall clock, in milliseconds. */
  readonly clock?: () => number;
  /** Below this much room a warning; 1 GiB unless told. */
  readonly wantedBytes?: number;
}

const WANTED_BYTES = 2 ** 30;
const SKEW_WARNING_MS = MINUTE_MS;
/** From here on S3 and Azure refuse every request. */
const SKEW_ERROR_MS = 15 * MINUTE_MS;
const EXPIRY_WARNING_MS = 14 * DAY_MS;
const PROBE_BYTES = 4096;

/**
 * Tries a storage for real, as `reconcile doctor` does: writes a small file, reads it back, removes it, then looks at room, clock and expiry. Leaves
 * nothing behind, also where it fails half-way. Never throws for what the outside causes: that is a finding with what to do.
 */
export async function probeStorage(storage: Storage, options: ProbeOptions = {}): Promise<readonly CheckFinding[]> {
  const clock = options.clock ?? Date.now;
  const findings = [await tryWriting(storage)];
  if (!storage.diagnose) return findings;
  try {
    findings.push(...judgeDiagnosis(await storage.diagnose(), clock(), options.wantedBytes ?? WANTED_BYTES));
  } catch (error) {
    // What keeps it from answering has shown in writing already, or does not matter.
    if (!(error instanceof StorageError)) throw error;
  }
  return findings;
}

async function tryWriting(storage: Storage): Promise<CheckFinding> {
  const key = `reconcile-doctor-${randomUUID()}.txt`;
  const place = storage.address(key).replace(/\/?reconcile-doctor-.*$/, '');
  const subject = `storage ${place === '' ? '/' : place}`;
  const folder = await mkdtemp(join(tmpdir(), 'reconcile-doctor-'));
  try {
    const file = await probeFile(folder);
    try {
      await storage.publish(key, file, { replace: false, token: 'doctor' });
      const digest = await digestOf(storage, key);
      if (digest !== file.sha256) {
        return {
          code: 'RC5013',
          level: 'error',
          subject,
          message: 'a small file was written, and other bytes came back',
          hint: 'something between here and the storage changes what passes through',
        };
      }
    } finally {
      // Also what failed may have landed; and a key that could not be written need not be removed.
      await storage.abandon(key, 'doctor').catch(ignoreStorageError);
      await storage.remove(key).catch(ignoreStorageError);
    }
    if (await storage.stat(key)) {
      return {
        code: 'RC5005',
        level: 'warning',
        subject,
        message: `a small file was written and read back, but not removed: \`${key}\``,
        hint: 'give the right to delete, so that surplus parts of static file names can be removed',
      };
    }
    return { code: 'RC5000', level: 'ok', subject, message: 'a small file was written, read back and removed' };
  } catch (error) {
    return failure(error, subject);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function probeFile(folder: string): Promise<LocalFile> {
  const data = Buffer.from(`written and removed by \`reconcile doctor\` ${randomUUID()}\n`.padEnd(PROBE_BYTES, '.'));
  const path = join(folder, 'probe');
  await writeFile(path, data, { mode: 0o600 });
  return { path, bytes: data.length, sha256: createHash('sha256').update(data).digest('hex') };
}

async function digestOf(storage: Storage, key: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of await storage.read(key)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

function failure(error: unknown, subject: string): CheckFinding {
  if (!(error instanceof StorageError)) throw error;
  if (error.kind === 'exists') {
    return {
      code: error.code,
      level: 'error',
      subject,
      message: 'a name that was invented just now is said to exist: what answers there is not the store',
      hint: 'look whether the address is the store’s own, and whether a proxy or a sign-in page answers in its place',
    };
  }
  return { code: error.code, level: 'error', subject, message: error.message, ...(error.hint !== undefined && { hint: error.hint }) };
}

function ignoreStorageError(error: unknown): void {
  if (!(error instanceof StorageError)) throw error;
}

function judgeDiagnosis({ server, freeBytes, clockSkewMs, expires = [] }: StorageDiagnosis, now: number, wantedBytes: number): CheckFinding[] {
  const findings: CheckFinding[] = [];
  if (server !== undefined && server !== '') findings.push({ code: 'RC5000', level: 'ok', subject: 'server', message: server });
  if (freeBytes !== undefined) findings.push(judgeRoom(freeBytes, wantedBytes));
  if (clockSkewMs !== undefined) findings.push(judgeClock(clockSkewMs));
  for (const { what, at } of expires) findings.push(judgeExpiry(what, at, now));
  return findings;
}

function judgeRoom(freeBytes: number, wantedBytes: number): CheckFinding {
  const message = `${formatBytes(freeBytes)} free`;
  if (freeBytes >= wantedBytes) return { code: 'RC5000', level: 'ok', subject: 'disk space', message };
  return { code: 'RC5010', level: 'warning', subject: 'disk space', message, hint: `make room: less than ${formatBytes(wantedBytes)} is left` };
}

function judgeClock(skewMs: number): CheckFinding {
  const off = Math.abs(skewMs);
  const message = off < 2_000 ? 'the clocks agree' : `the storage’s clock is ${roughly(off)} ${skewMs > 0 ? 'ahead' : 'behind'}`;
  if (off < SKEW_WARNING_MS) return { code: 'RC5000', level: 'ok', subject: 'clock', message };
  return {
    code: 'RC5012',
    level: off < SKEW_ERROR_MS ? 'warning' : 'error',
    subject: 'clock',
    message,
    hint: 'set this machine’s clock, for instance with NTP',
  };
}

function judgeExpiry(what: string, at: number, now: number): CheckFinding {
  const left = at - now;
  if (left <= 0) return { code: 'RC5011', level: 'error', subject: what, message: `expired at ${formatInstant(at)}`, hint: 'issue a new one' };
  if (left > EXPIRY_WARNING_MS) return { code: 'RC5000', level: 'ok', subject: what, message: `valid until ${formatInstant(at)}` };
  // What lives for hours renews itself, such as a role's credentials.
  const level = left < HOUR_MS * 24 && what === 'temporary credentials' ? 'ok' : 'warning';
  const message = `valid until ${formatInstant(at)} only`;
  return level === 'ok'
    ? { code: 'RC5000', level, subject: what, message }
    : { code: 'RC5011', level, subject: what, message, hint: 'issue a new one in time' };
}

function formatBytes(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power] ?? ''}`;
}

function roughly(ms: number): string {
  const [seconds, minutes, hours] = [Math.round(ms / 1000), Math.round(ms / 60_000), Math.round(ms / 3_600_000)];
  if (seconds < 120) return `${seconds} s`;
  if (minutes < 120) return `${minutes} min`;
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} d`;
}
