import type { CompletedPart, S3Client } from '@aws-sdk/client-s3';
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import type { PartBuffers } from '../part-buffers.ts';
import { readPart } from '../read-part.ts';
import { cutParts, runParts, type Part } from '../run-parts.ts';
import type { LocalFile } from '../storage.ts';
import type { UploadJournal } from '../upload-journal.ts';
import { combineCrc32, crc32Text } from './combine-crc32.ts';

export const PART_BYTES = 8 * 2 ** 20;
const MOST_PARTS = 10_000;
const PARTS_PER_FILE = 4;

export interface MultipartUpload {
  readonly client: S3Client;
  readonly journal: UploadJournal;
  readonly buffers: PartBuffers;
  readonly bucket: string;
  readonly key: string;
  /** What the journal calls this upload. */
  readonly upload: string;
  readonly file: LocalFile;
  readonly replace: boolean;
  /** Encryption, storage class and metadata of the new object. */
  readonly properties: Readonly<Record<string, unknown>>;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((bytes: number) => void) | undefined;
}

/** What the store must say the whole has: either form of the checksum proves every byte. */
export interface WholeChecksum {
  readonly full: string;
  /** The checksum of the parts' checksums, as older servers keep it. */
  readonly composite: string;
}

interface Note {
  readonly uploadId: string;
  readonly sha256: string;
}

interface Stored {
  readonly bytes: number;
  readonly etag: string;
  readonly crc32?: string;
}

/**
 * Uploads in parts, several at a time, each with its checksum, which the store verifies; completing makes the object appear at once. What an earlier
 * attempt brought over is kept when its checksum is that of our part.
 */
export async function uploadParts(upload: MultipartUpload): Promise<WholeChecksum> {
  const { client, bucket, key, file, signal } = upload;
  const { CompleteMultipartUploadCommand } = await import('@aws-sdk/client-s3');
  const { uploadId, stored } = await resumeOrStart(upload);
  const parts = cutParts(file.bytes, PART_BYTES, MOST_PARTS);
  const done: { readonly part: Part; readonly crc: number; readonly etag: string }[] = [];
  let sent = 0;
  upload.onProgress?.(0);
  await using local = await open(file.path, 'r');
  await runParts(parts, PARTS_PER_FILE, (part) =>
    upload.buffers.use(part.bytes, async (data) => {
      await readPart(local, part.start, data);
      const { crc, etag } = await bringPart(upload, uploadId, part, data, stored.get(part.number));
      done.push({ part, crc, etag });
      sent += part.bytes;
      upload.onProgress?.(sent);
    }),
  );
  done.sort((a, b) => a.part.number - b.part.number);
  const whole = done.reduce((crc, one) => combineCrc32(crc, one.crc, one.part.bytes), 0);
  const checksum = { full: crc32Text(whole), composite: compositeOf(done.map((one) => one.crc)) };
  await client.send(
    new CompleteMultipartUploadCommand({
      Bucket: bucket,
      Key: key,
      UploadId: uploadId,
      MultipartUpload: {
        Parts: done.map((one): CompletedPart => ({ PartNumber: one.part.number, ETag: one.etag, ChecksumCRC32: crc32Text(one.crc) })),
      },
      ChecksumType: 'FULL_OBJECT',
      ChecksumCRC32: checksum.full,
      ...(!upload.replace && { IfNoneMatch: '*' }),
    }),
    signal ? { abortSignal: signal } : {},
  );
  await upload.journal.remove(upload.upload);
  return checksum;
}

/** Ends an upload that will not be finished: the store frees its parts. */
export async function abandonUpload(client: S3Client, journal: UploadJournal, bucket: string, key: string, upload: string): Promise<void> {
  const note = parseNote(await journal.read(upload));
  if (!note) return;
  const { AbortMultipartUploadCommand } = await import('@aws-sdk/client-s3');
  try {
    await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: note.uploadId }));
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'NoSuchUpload') throw error;
  }
  await journal.remove(upload);
}

async function resumeOrStart(upload: MultipartUpload): Promise<{ readonly uploadId: string; readonly stored: ReadonlyMap<number, Stored> }> {
  const { client, journal, bucket, key, file, signal } = upload;
  const note = parseNote(await journal.read(upload.upload));
  if (note?.sha256 === file.sha256) {
    const stored = await storedParts(upload, note.uploadId);
    if (stored) return { uploadId: note.uploadId, stored };
    await journal.remove(upload.upload);
  } else if (note) await abandonUpload(client, journal, bucket, key, upload.upload);
  const { CreateMultipartUploadCommand } = await import('@aws-sdk/client-s3');
  const started = await client.send(
    new CreateMultipartUploadCommand({ Bucket: bucket, Key: key, ChecksumAlgorithm: 'CRC32', ChecksumType: 'FULL_OBJECT', ...upload.properties }),
    signal ? { abortSignal: signal } : {},
  );
  const uploadId = started.UploadId ?? '';
  await journal.write(upload.upload, JSON.stringify({ uploadId, sha256: file.sha256 } satisfies Note));
  return { uploadId, stored: new Map() };
}

/** What the store holds of an upload; undefined when it no longer knows it. */
async function storedParts({ client, bucket, key, signal }: MultipartUpload, uploadId: string): Promise<ReadonlyMap<number, Stored> | undefined> {
  const { ListPartsCommand } = await import('@aws-sdk/client-s3');
  const stored = new Map<number, Stored>();
  try {
    // The SDK's own paginator goes round for ever on servers that name a next page when there is none.
    for (let marker: string | undefined; ;) {
      const page = await client.send(
        new ListPartsCommand({ Bucket: bucket, Key: key, UploadId: uploadId, ...(marker !== undefined && { PartNumberMarker: marker }) }),
        signal ? { abortSignal: signal } : {},
      );
      for (const { PartNumber, Size, ETag, ChecksumCRC32 } of page.Parts ?? []) {
        if (PartNumber === undefined || Size === undefined || ETag === undefined) continue;
        stored.set(PartNumber, { bytes: Size, etag: ETag, ...(ChecksumCRC32 !== undefined && { crc32: ChecksumCRC32 }) });
      }
      if (page.IsTruncated !== true || page.NextPartNumberMarker === marker) break;
      marker = page.NextPartNumberMarker;
    }
    return stored;
  } catch (error) {
    if (error instanceof Error && error.name === 'NoSuchUpload') return undefined;
    throw error;
  }
}

async function bringPart(
  { client, bucket, key, signal }: MultipartUpload,
  uploadId: string,
  part: Part,
  data: Buffer,
  stored: Stored | undefined,
): Promise<{ readonly crc: number; readonly etag: string }> {
  const crc = crc32(data);
  if (stored && isSame(stored, data, crc)) return { crc, etag: stored.etag };
  const { UploadPartCommand } = await import('@aws-sdk/client-s3');
  const answer = await client.send(
    new UploadPartCommand({
      Bucket: bucket,
      Key: key,
      UploadId: uploadId,
      PartNumber: part.number,
      Body: data,
      ContentLength: data.length,
      ChecksumCRC32: crc32Text(crc),
    }),
    signal ? { abortSignal: signal } : {},
  );
  return { crc, etag: answer.ETag ?? '' };
}

/** Without a checksum the part's ETag is its MD5, except under KMS, where it proves nothing and the part goes up again. */
function isSame(stored: Stored, data: Buffer, crc: number): boolean {
  if (stored.bytes !== data.length) return false;
  if (stored.crc32 !== undefined) return stored.crc32 === crc32Text(crc);
  return stored.etag.replaceAll('"', '') === createHash('md5').update(data).digest('hex');
}

function compositeOf(crcs: readonly number[]): string {
  const joined = Buffer.alloc(crcs.length * 4);
  for (const [index, crc] of crcs.entries()) joined.writeUInt32BE(crc >>> 0, index * 4);
  return `${crc32Text(crc32(joined))}-${crcs.length}`;
}

function parseNote(text: string | undefined): Note | undefined {
  if (text === undefined) return undefined;
  try {
    const note: unknown = JSON.parse(text);
    if (typeof note !== 'object' || note === null || !('uploadId' in note) || !('sha256' in note)) return undefined;
    return typeof note.uploadId === 'string' && typeof note.sha256 === 'string' ? { uploadId: note.uploadId, sha256: note.sha256 } : undefined;
  } catch {
    return undefined;
  }
}
