import { randomUUID } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { checkAborted } from '../check-aborted.ts';
import type { PartBuffers } from '../part-buffers.ts';
import { readPart } from '../read-part.ts';
import { StorageError } from '../storage-error.ts';
import type { LocalFile } from '../storage.ts';
import type { UploadJournal } from '../upload-journal.ts';
import { crc32c, crc32cText } from './crc32c.ts';
import { GcsRefusal, type GcsClient } from './gcs-client.ts';

/** A multiple of 256 KiB, as every chunk but the last must be. */
export const CHUNK_BYTES = 8 * 2 ** 20;
const CHECKSUM_READ_BYTES = 2 ** 20;
/** The store has not got everything yet; its `Range` says what. */
const INCOMPLETE = 308;
const SESSION_ENDED: readonly number[] = [404, 410, 499];

export interface ObjectUpload {
  readonly client: GcsClient;
  readonly journal: UploadJournal;
  readonly buffers: PartBuffers;
  readonly bucket: string;
  readonly name: string;
  /** What the journal calls this upload. */
  readonly upload: string;
  readonly file: LocalFile;
  readonly replace: boolean;
  readonly metadata: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((bytes: number) => void) | undefined;
}

/**
 * Uploads one object; it appears when the last byte is there and the store's own CRC-32C equals ours, which is told before the first byte.
 * A small file is one request; a larger one goes in chunks over a session that another process can go on with. Returns the checksum.
 */
export async function uploadObject(upload: ObjectUpload): Promise<string> {
  await using local = await open(upload.file.path, 'r');
  const checksum = await checksumOf(local, upload.file.bytes);
  const resource = JSON.stringify({ name: upload.name, crc32c: checksum, contentType: 'application/octet-stream', metadata: upload.metadata });
  if (upload.file.bytes <= CHUNK_BYTES) await uploadWhole(upload, local, resource);
  else await uploadChunks(upload, local, resource);
  return checksum;
}

/** Ends an upload that will not be finished. */
export async function cancelUpload(client: GcsClient, journal: UploadJournal, upload: string): Promise<void> {
  const note = parseNote(await journal.read(upload));
  if (!note) return;
  // 499 is how Google says that it is cancelled.
  await client.send(note.session, { method: 'DELETE', headers: { 'content-length': '0' }, accept: [404, 405, 410, 499, 501] });
  await journal.remove(upload);
}

async function uploadWhole({ client, buffers, bucket, file, replace, signal, onProgress }: ObjectUpload, local: FileHandle, resource: string): Promise<void> {
  await buffers.use(file.bytes, async (data) => {
    await readPart(local, 0, data);
    const boundary = `reconcile-${randomUUID()}`;
    const body = Buffer.concat([
      Buffer.from(
        `--${boundary}\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n${resource}\r\n--${boundary}\r\ncontent-type: application/octet-stream\r\n\r\n`,
      ),
      data,
      Buffer.from(`\r\n--${boundary}--`),
    ]);
    await client.send(uploadUrl(client, bucket, 'multipart', replace), {
      method: 'POST',
      headers: { 'content-type': `multipart/related; boundary=${boundary}` },
      body,
      signal,
    });
  });
  onProgress?.(file.bytes);
}

async function uploadChunks(upload: ObjectUpload, local: FileHandle, resource: string): Promise<void> {
  const { client, journal, buffers, file, signal, onProgress } = upload;
  const { session, offset } = (await resume(upload)) ?? { session: await start(upload, resource), offset: 0 };
  onProgress?.(offset);
  let at = offset;
  while (at < file.bytes) {
    checkAborted(signal);
    at = await buffers.use(Math.min(CHUNK_BYTES, file.bytes - at), async (chunk) => {
      await readPart(local, at, chunk);
      const last = at + chunk.length === file.bytes;
      const answer = await client.send(session, {
        method: 'PUT',
        headers: { 'content-range': `bytes ${at}-${at + chunk.length - 1}/${file.bytes}` },
        body: chunk,
        signal,
        accept: [INCOMPLETE, ...SESSION_ENDED],
      });
      await answer.arrayBuffer();
      if (SESSION_ENDED.includes(answer.status)) {
        await journal.remove(upload.upload);
        throw new StorageError('transient', 'the store ended the upload session', { hint: 'the upload starts anew' });
      }
      const reached = answer.status === INCOMPLETE ? receivedBytes(answer) : file.bytes;
      if (reached <= at || (last && answer.status === INCOMPLETE && reached === file.bytes))
        throw new StorageError('transient', 'the store kept nothing of a chunk');
      return reached;
    });
    onProgress?.(at);
  }
  await journal.remove(upload.upload);
}

async function start({ client, journal, bucket, upload, file, replace, signal }: ObjectUpload, resource: string): Promise<string> {
  const answer = await client.send(uploadUrl(client, bucket, 'resumable', replace, (JSON.parse(resource) as { name: string }).name), {
    method: 'POST',
    headers: {
      'content-type': 'application/json; charset=UTF-8',
      'x-upload-content-type': 'application/octet-stream',
      'x-upload-content-length': String(file.bytes),
    },
    body: resource,
    signal,
  });
  await answer.arrayBuffer();
  const session = answer.headers.get('location');
  if (session === null) throw new StorageError('transient', 'the store opened no upload session');
  await journal.write(upload, JSON.stringify({ session, sha256: file.sha256 } satisfies Note));
  return session;
}

/** Asks the session of an earlier attempt how far it came; undefined when there is none that can be gone on with. */
async function resume({ client, journal, upload, file, signal }: ObjectUpload): Promise<{ readonly session: string; readonly offset: number } | undefined> {
  const note = parseNote(await journal.read(upload));
  if (!note) return undefined;
  if (note.sha256 === file.sha256) {
    try {
      const answer = await client.send(note.session, {
        method: 'PUT',
        headers: { 'content-range': `bytes */${file.bytes}` },
        body: '',
        signal,
        accept: [INCOMPLETE],
      });
      await answer.arrayBuffer();
      return { session: note.session, offset: answer.status === INCOMPLETE ? receivedBytes(answer) : file.bytes };
    } catch (error) {
      // A session ends after a week, or when the store gives it up.
      if (!(error instanceof GcsRefusal) || ![400, ...SESSION_ENDED].includes(error.status)) throw error;
      await journal.remove(upload);
      return undefined;
    }
  }
  await cancelUpload(client, journal, upload);
  return undefined;
}

function receivedBytes(answer: Response): number {
  const match = /bytes=0-(\d+)/.exec(answer.headers.get('range') ?? '');
  return match?.[1] === undefined ? 0 : Number(match[1]) + 1;
}

function uploadUrl(client: GcsClient, bucket: string, type: 'multipart' | 'resumable', replace: boolean, name?: string): string {
  const query = new URLSearchParams({ uploadType: type, ...(name !== undefined && { name }), ...(!replace && { ifGenerationMatch: '0' }) });
  return `${client.base}/upload/storage/v1/b/${encodeURIComponent(bucket)}/o?${query.toString()}`;
}

async function checksumOf(local: FileHandle, bytes: number): Promise<string> {
  const into = Buffer.allocUnsafe(CHECKSUM_READ_BYTES);
  let crc = 0;
  for (let at = 0; at < bytes;) {
    const { bytesRead } = await local.read(into, 0, Math.min(into.length, bytes - at), at);
    if (bytesRead === 0)
      throw new StorageError('corrupt', `the spool file ends at ${at} of ${bytes} bytes`, { hint: 'something changed files in .reconcile; run again' });
    crc = crc32c(into.subarray(0, bytesRead), crc);
    at += bytesRead;
  }
  return crc32cText(crc);
}

interface Note {
  readonly session: string;
  readonly sha256: string;
}

function parseNote(text: string | undefined): Note | undefined {
  if (text === undefined) return undefined;
  try {
    const note: unknown = JSON.parse(text);
    if (typeof note !== 'object' || note === null || !('session' in note) || !('sha256' in note)) return undefined;
    return typeof note.session === 'string' && typeof note.sha256 === 'string' ? { session: note.session, sha256: note.sha256 } : undefined;
  } catch {
    return undefined;
  }
}
