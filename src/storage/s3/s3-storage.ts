import type { HeadObjectCommandOutput, S3Client } from '@aws-sdk/client-s3';
import { open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { checkAborted } from '../check-aborted.ts';
import { checkKey, checkPrefix } from '../check-key.ts';
import { objectPrefix } from '../object-prefix.ts';
import { PartBuffers } from '../part-buffers.ts';
import { readPart } from '../read-part.ts';
import { StorageError } from '../storage-error.ts';
import type { LocalFile, PublishOptions, Storage, StorageFacts, StoredObject } from '../storage.ts';
import { safeTokenOf } from '../unfinished-name.ts';
import type { UploadJournal } from '../upload-journal.ts';
import { VerifiedVersions } from '../verified-versions.ts';
import { wholeBody } from '../whole-body.ts';
import { classifyS3Error, statusOf } from './classify-s3-error.ts';
import { abandonUpload, PART_BYTES, uploadParts, type WholeChecksum } from './multipart-upload.ts';
import { connectS3, type S3Access, type S3Connection } from './s3-client.ts';

export interface S3StorageOptions {
  readonly access: S3Access;
  readonly bucket: string;
  readonly prefix?: string;
  readonly serverSideEncryption?: 'AES256' | 'aws:kms';
  readonly kmsKeyId?: string;
  readonly storageClass?: string;
  readonly journal: UploadJournal;
}

const MAX_KEY_BYTES = 1024;
/** Parts in memory at a time, over all files: 64 MiB. */
const PARTS_IN_MEMORY = 8;
const TOKEN = 'reconcile-token';
const DIGEST = 'reconcile-sha256';

/**
 * A bucket of any S3 server. A file of one part goes up with its SHA-256, which the store verifies and keeps; a larger one in parts with CRC-32 each
 * and over the whole. An object appears when its upload completes, never before. Conditional writes keep `replace: false` safe against races.
 */
export function createS3Storage(options: S3StorageOptions): Storage {
  const { bucket, journal } = options;
  const prefix = objectPrefix(options.prefix);
  const facts: StorageFacts = { kind: 's3', verifiedChecksum: true, maxKeyBytes: MAX_KEY_BYTES - Buffer.byteLength(prefix) };
  const buffers = new PartBuffers(PARTS_IN_MEMORY, PART_BYTES);
  const verified = new VerifiedVersions();
  let connecting: Promise<S3Connection> | undefined;
  const connect = (): Promise<S3Connection> => (connecting ??= connectS3(options.access));

  const objectKey = (key: string): string => {
    checkKey(key, facts.maxKeyBytes);
    return `${prefix}${key}`;
  };
  const address = (key: string): string => `s3://${bucket}/${objectKey(key)}`;
  const uploadName = (key: string, token: string): string => `${options.access.endpoint ?? ''} ${address(key)} ${token}`;
  const attempt = async <T>(doing: string, key: string, work: (connection: S3Connection) => Promise<T>, signal?: AbortSignal): Promise<T> => {
    const place = address(key);
    try {
      return await work(await connect());
    } catch (error) {
      throw classifyS3Error(error, `cannot ${doing} \`${place}\``, signal);
    }
  };

  const head = async ({ client }: S3Connection, key: string): Promise<HeadObjectCommandOutput | undefined> => {
    const { HeadObjectCommand } = await import('@aws-sdk/client-s3');
    try {
      return await client.send(new HeadObjectCommand({ Bucket: bucket, Key: objectKey(key), ChecksumMode: 'ENABLED' }));
    } catch (error) {
      if (statusOf(error) === 404) return undefined;
      try {
        await explain(client, key);
      } catch (reason) {
        // The SDK has learnt the server's time from the first refusal: with the right time there is no such object.
        if (statusOf(reason) === 404 && reason instanceof Error && reason.name === 'NoSuchKey') return undefined;
        throw reason;
      }
      throw error;
    }
  };

  /** The answer to HEAD has no body and so no reason: the same question as GET has one. Throws it, or returns when there is none. */
  const explain = async (client: S3Client, key: string): Promise<void> => {
    const { GetObjectCommand } = await import('@aws-sdk/client-s3');
    const answer = await client.send(new GetObjectCommand({ Bucket: bucket, Key: objectKey(key), Range: 'bytes=0-0' }));
    (answer.Body as Readable).destroy();
  };

  const describe = (key: string, found: HeadObjectCommandOutput): StoredObject => {
    const whole = found.ChecksumType !== 'COMPOSITE' && found.ChecksumSHA256?.includes('-') === false ? found.ChecksumSHA256 : undefined;
    const sha256 = whole === undefined ? verified.sha256Of(key, found.ETag) : Buffer.from(whole, 'base64').toString('hex');
    return {
      key,
      bytes: found.ContentLength ?? 0,
      ...(sha256 !== undefined && { sha256 }),
      ...(found.LastModified && { modifiedAt: found.LastModified.getTime() }),
    };
  };

  const properties = (file: LocalFile, token: string): Readonly<Record<string, unknown>> => ({
    Metadata: { [TOKEN]: safeTokenOf(token), [DIGEST]: file.sha256 },
    ...(options.serverSideEncryption && { ServerSideEncryption: options.serverSideEncryption }),
    ...(options.kmsKeyId !== undefined && { SSEKMSKeyId: options.kmsKeyId }),
    ...(options.storageClass !== undefined && { StorageClass: options.storageClass }),
  });

  const put = async (connection: S3Connection, key: string, file: LocalFile, publishing: PublishOptions): Promise<WholeChecksum | undefined> => {
    const { client } = connection;
    const { replace, token, signal, onProgress } = publishing;
    if (file.bytes > PART_BYTES) {
      const upload = { client, journal, buffers, bucket, key: objectKey(key), upload: uploadName(key, token), file, replace };
      return uploadParts({ ...upload, properties: properties(file, token), signal, onProgress });
    }
    const { PutObjectCommand } = await import('@aws-sdk/client-s3');
    await using local = await open(file.path, 'r');
    await buffers.use(file.bytes, async (body) => {
      await readPart(local, 0, body);
      await client.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: objectKey(key),
          Body: body,
          ContentLength: body.length,
          ChecksumSHA256: Buffer.from(file.sha256, 'hex').toString('base64'),
          ...properties(file, token),
          ...(!replace && { IfNoneMatch: '*' }),
        }),
        signal ? { abortSignal: signal } : {},
      );
    });
    onProgress?.(file.bytes);
    return undefined;
  };

  return {
    facts,

    publish: (key, file, publishing) =>
      attempt(
        'write',
        key,
        async (connection) => {
          const { replace, token, signal } = publishing;
          checkAborted(signal);
          const before = replace ? undefined : await head(connection, key);
          if (before && !isOurs(before, file, token)) throw alreadyThere(address(key));
          let checksum: WholeChecksum | undefined;
          if (!before) {
            try {
              checksum = await put(connection, key, file, publishing);
            } catch (error) {
              if (statusOf(error) !== 412) throw error;
              const winner = await head(connection, key);
              if (!winner || !isOurs(winner, file, token)) throw alreadyThere(address(key));
            }
          }
          const found = await head(connection, key);
          if (found?.ContentLength !== file.bytes) throw notWhatWasSent(address(key), `${found?.ContentLength ?? 'no'} of ${file.bytes} bytes`);
          const kept = found.ChecksumCRC32;
          if (checksum && kept !== undefined && kept !== checksum.full && kept !== checksum.composite)
            throw notWhatWasSent(address(key), `the checksum ${kept}`);
          if (checksum && kept !== undefined && found.ETag !== undefined) verified.remember(key, found.ETag, file.sha256);
          return describe(key, found);
        },
        publishing.signal,
      ),

    stat: async (key) =>
      attempt('look at', key, async (connection) => {
        const found = await head(connection, key);
        return found && describe(key, found);
      }),

    read: async (key, start = 0) =>
      attempt('read', key, async ({ client }) => {
        const { GetObjectCommand } = await import('@aws-sdk/client-s3');
        try {
          const answer = await client.send(new GetObjectCommand({ Bucket: bucket, Key: objectKey(key), ...(start > 0 && { Range: `bytes=${start}-` }) }));
          const place = address(key);
          return wholeBody(answer.Body as Readable, {
            bytes: answer.ContentLength,
            place,
            classify: (error) => classifyS3Error(error, `cannot read \`${place}\``),
          });
        } catch (error) {
          // Nothing stands at or after the object's end.
          if (start > 0 && statusOf(error) === 416) return Readable.from([]);
          throw error;
        }
      }),

    async *list(wanted) {
      checkPrefix(wanted);
      const { paginateListObjectsV2 } = await import('@aws-sdk/client-s3');
      try {
        const { client } = await connect();
        for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: `${prefix}${wanted}` })) {
          for (const { Key, Size, LastModified } of page.Contents ?? []) {
            // Some tools make empty objects that stand for folders.
            if (Key === undefined || Key.endsWith('/')) continue;
            yield { key: Key.slice(prefix.length), bytes: Size ?? 0, ...(LastModified && { modifiedAt: LastModified.getTime() }) };
          }
        }
      } catch (error) {
        throw classifyS3Error(error, `cannot list \`s3://${bucket}/${prefix}${wanted}\``);
      }
    },

    remove: async (key) =>
      attempt('remove', key, async ({ client }) => {
        const { DeleteObjectCommand } = await import('@aws-sdk/client-s3');
        await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: objectKey(key) }));
      }),

    abandon: async (key, token) =>
      attempt('end the upload of', key, ({ client }) => abandonUpload(client, journal, bucket, objectKey(key), uploadName(key, token))),

    address,

    async diagnose() {
      const { client, clockSkewMs } = await connect();
      const { HeadBucketCommand } = await import('@aws-sdk/client-s3');
      try {
        await client.send(new HeadBucketCommand({ Bucket: bucket }));
      } catch {
        // The answer's clock counts, whatever else it says; what is wrong shows when the storage is used.
      }
      const skew = clockSkewMs();
      const expiration = (await client.config.credentials().catch(() => undefined))?.expiration;
      return {
        ...(skew !== undefined && { clockSkewMs: skew }),
        ...(expiration && { expires: [{ what: 'temporary credentials', at: expiration.getTime() }] }),
      };
    },

    async [Symbol.asyncDispose]() {
      (await connecting?.catch(() => undefined))?.client.destroy();
    },
  };
}

/** The object there is the one this very call makes: an earlier attempt's answer was lost. */
function isOurs(found: HeadObjectCommandOutput, file: LocalFile, token: string): boolean {
  return found.Metadata?.[TOKEN] === safeTokenOf(token) && found.Metadata[DIGEST] === file.sha256 && found.ContentLength === file.bytes;
}

function alreadyThere(place: string): StorageError {
  return new StorageError('exists', `an object \`${place}\` exists that this run did not write`, {
    hint: 'move it away, or change `file.name` of the activation',
  });
}

function notWhatWasSent(place: string, found: string): StorageError {
  return new StorageError('corrupt', `\`${place}\` has ${found} after the upload`, {
    hint: 'something else writes objects of that name, or takes them at once; look who else uses the bucket',
  });
}
