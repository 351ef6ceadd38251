import { Readable } from 'node:stream';
import { checkAborted } from '../check-aborted.ts';
import { checkKey, checkPrefix } from '../check-key.ts';
import { objectPrefix } from '../object-prefix.ts';
import { PartBuffers } from '../part-buffers.ts';
import { StorageError } from '../storage-error.ts';
import type { LocalFile, Storage, StorageFacts, StoredObject } from '../storage.ts';
import { safeTokenOf } from '../unfinished-name.ts';
import type { UploadJournal } from '../upload-journal.ts';
import { VerifiedVersions } from '../verified-versions.ts';
import { wholeBody } from '../whole-body.ts';
import { classifyGcsError, isMissingObject } from './classify-gcs-error.ts';
import { connectGcs, GcsRefusal, type GcsAccess, type GcsClient } from './gcs-client.ts';
import { cancelUpload, CHUNK_BYTES, uploadObject } from './upload-object.ts';

export interface GcsStorageOptions {
  readonly access: GcsAccess;
  readonly bucket: string;
  readonly prefix?: string;
  readonly journal: UploadJournal;
}

/** An object as Google's JSON API describes it; numbers come as text. */
interface GcsObject {
  readonly name: string;
  readonly size?: string;
  readonly crc32c?: string;
  readonly generation?: string;
  readonly updated?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

const MAX_KEY_BYTES = 1024;
/** Chunks in memory at a time, over all files: 64 MiB. */
const CHUNKS_IN_MEMORY = 8;
const TOKEN = 'reconcile-token';
const DIGEST = 'reconcile-sha256';

/**
 * A Google Cloud Storage bucket. An object appears when its upload ends and the store's CRC-32C equals ours; `replace: false` is a precondition on the
 * object's generation, so that no race overwrites another's.
 */
export function createGcsStorage(options: GcsStorageOptions): Storage {
  const { bucket, journal } = options;
  const prefix = objectPrefix(options.prefix);
  const facts: StorageFacts = { kind: 'gcs', verifiedChecksum: true, maxKeyBytes: MAX_KEY_BYTES - Buffer.byteLength(prefix) };
  const buffers = new PartBuffers(CHUNKS_IN_MEMORY, CHUNK_BYTES);
  const verified = new VerifiedVersions();
  let connecting: Promise<GcsClient> | undefined;
  const connect = (): Promise<GcsClient> => (connecting ??= connectGcs(options.access));

  const nameOf = (key: string): string => {
    checkKey(key, facts.maxKeyBytes);
    return `${prefix}${key}`;
  };
  const address = (key: string): string => `gs://${bucket}/${nameOf(key)}`;
  const uploadName = (key: string, token: string): string => `${options.access.endpoint ?? ''} ${address(key)} ${token}`;
  const objects = ({ base }: GcsClient): string => `${base}/storage/v1/b/${encodeURIComponent(bucket)}/o`;
  const urlOf = (client: GcsClient, key: string): string => `${objects(client)}/${encodeURIComponent(nameOf(key))}`;
  const attempt = async <T>(doing: string, key: string, work: (client: GcsClient) => Promise<T>, signal?: AbortSignal): Promise<T> => {
    const place = address(key);
    try {
      return await work(await connect());
    } catch (error) {
      throw classifyGcsError(error, `cannot ${doing} \`${place}\``, signal);
    }
  };

  const look = async (client: GcsClient, key: string): Promise<GcsObject | undefined> => {
    try {
      return (await (await client.send(urlOf(client, key))).json()) as GcsObject;
    } catch (error) {
      if (error instanceof GcsRefusal && error.status === 404 && isMissingObject(error.message)) return undefined;
      throw error;
    }
  };

  const describe = (key: string, found: GcsObject): StoredObject => {
    const sha256 = verified.sha256Of(key, versionOf(found));
    return {
      key,
      bytes: Number(found.size ?? 0),
      ...(sha256 !== undefined && { sha256 }),
      ...(found.updated !== undefined && { modifiedAt: Date.parse(found.updated) }),
    };
  };

  return {
    facts,

    publish: async (key, file, { replace, token, signal, onProgress }) =>
      attempt(
        'write',
        key,
        async (client) => {
          checkAborted(signal);
          const before = replace ? undefined : await look(client, key);
          if (before && !isOurs(before, file, token)) throw alreadyThere(address(key));
          let checksum: string | undefined;
          if (!before) {
            const metadata = { [TOKEN]: safeTokenOf(token), [DIGEST]: file.sha256 };
            const upload = uploadName(key, token);
            try {
              checksum = await uploadObject({ client, journal, buffers, bucket, name: nameOf(key), upload, file, replace, metadata, signal, onProgress });
            } catch (error) {
              if (error instanceof GcsRefusal && error.status === 404) throw missingBucket(bucket);
              if (!(error instanceof GcsRefusal) || error.status !== 412) throw error;
              await cancelUpload(client, journal, upload);
              const winner = await look(client, key);
              if (!winner || !isOurs(winner, file, token)) throw alreadyThere(address(key));
            }
          }
          const found = await look(client, key);
          const same = found?.crc32c === undefined || checksum === undefined || found.crc32c === checksum;
          if (Number(found?.size ?? -1) !== file.bytes || !found || !same) {
            throw new StorageError('corrupt', `\`${address(key)}\` is not what was sent: ${found?.size ?? 'no'} of ${file.bytes} bytes`, {
              hint: 'something else writes objects of that name, or takes them at once; look who else uses the bucket',
            });
          }
          if (checksum !== undefined && found.crc32c === checksum) verified.remember(key, versionOf(found), file.sha256);
          return describe(key, found);
        },
        signal,
      ),

    stat: async (key) =>
      attempt('look at', key, async (client) => {
        const found = await look(client, key);
        return found && describe(key, found);
      }),

    read: async (key, start = 0) =>
      attempt('read', key, async (client) => {
        const range = start > 0 ? { range: `bytes=${start}-` } : {};
        // Nothing stands at or after the object's end: 416.
        const answer = await client.send(`${urlOf(client, key)}?alt=media`, { headers: { 'accept-encoding': 'identity', ...range }, accept: [416] });
        if (answer.status === 416 || !answer.body) {
          await answer.body?.cancel();
          return Readable.from([]);
        }
        const length = answer.headers.get('content-length');
        const place = address(key);
        return wholeBody(answer.body, {
          bytes: length === null ? undefined : Number(length),
          place,
          classify: (error) => classifyGcsError(error, `cannot read \`${place}\``),
        });
      }),

    async *list(wanted) {
      checkPrefix(wanted);
      try {
        const client = await connect();
        for (let pageToken = ''; ;) {
          const query = new URLSearchParams({ prefix: `${prefix}${wanted}`, ...(pageToken !== '' && { pageToken }) });
          const page = (await (await client.send(`${objects(client)}?${query.toString()}`)).json()) as { items?: readonly GcsObject[]; nextPageToken?: string };
          for (const { name, size, updated } of page.items ?? []) {
            // Some tools make empty objects that stand for folders.
            if (name.endsWith('/')) continue;
            yield { key: name.slice(prefix.length), bytes: Number(size ?? 0), ...(updated !== undefined && { modifiedAt: Date.parse(updated) }) };
          }
          if (page.nextPageToken === undefined || page.nextPageToken === '' || page.nextPageToken === pageToken) return;
          pageToken = page.nextPageToken;
        }
      } catch (error) {
        throw classifyGcsError(error, `cannot list \`gs://${bucket}/${prefix}${wanted}\``);
      }
    },

    remove: async (key) =>
      attempt('remove', key, async (client) => {
        try {
          await client.send(urlOf(client, key), { method: 'DELETE' });
        } catch (error) {
          if (!(error instanceof GcsRefusal) || error.status !== 404 || !isMissingObject(error.message)) throw error;
        }
      }),

    abandon: async (key, token) => attempt('end the upload of', key, (client) => cancelUpload(client, journal, uploadName(key, token))),

    address,

    async diagnose() {
      const client = await connect();
      try {
        await client.send(`${client.base}/storage/v1/b/${encodeURIComponent(bucket)}`);
      } catch {
        // The answer's clock counts, whatever else it says; what is wrong shows when the storage is used.
      }
      const skew = client.clockSkewMs();
      return skew === undefined ? {} : { clockSkewMs: skew };
    },

    async [Symbol.asyncDispose]() {},
  };
}

/** Some emulators give every object the same generation: the checksum and time make it a version all the same. */
function versionOf({ generation = '', crc32c = '', updated = '' }: GcsObject): string {
  return `${generation} ${crc32c} ${updated}`;
}

/** The object there is the one this very call makes: an earlier attempt's answer was lost. */
function isOurs(found: GcsObject, file: LocalFile, token: string): boolean {
  return found.metadata?.[TOKEN] === safeTokenOf(token) && found.metadata[DIGEST] === file.sha256 && Number(found.size) === file.bytes;
}

/** An upload names no object that could be missing, so the bucket is; emulators do not say which. */
function missingBucket(bucket: string): StorageError {
  return new StorageError('missing-container', `there is no bucket \`${bucket}\``, { hint: 'make it, or check `storage.bucket`' });
}

function alreadyThere(place: string): StorageError {
  return new StorageError('exists', `an object \`${place}\` exists that this run did not write`, {
    hint: 'move it away, or change `file.name` of the activation',
  });
}
