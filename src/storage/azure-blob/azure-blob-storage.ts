import type { BlobGetPropertiesResponse, ContainerClient } from '@azure/storage-blob';
import { Readable } from 'node:stream';
import { checkAborted } from '../check-aborted.ts';
import { checkKey, checkPrefix } from '../check-key.ts';
import { objectPrefix } from '../object-prefix.ts';
import { PartBuffers } from '../part-buffers.ts';
import { StorageError } from '../storage-error.ts';
import type { LocalFile, Storage, StorageFacts, StoredObject } from '../storage.ts';
import { safeTokenOf } from '../unfinished-name.ts';
import { VerifiedVersions } from '../verified-versions.ts';
import { wholeBody } from '../whole-body.ts';
import { DEFAULT_DEADLINES } from '../with-deadlines.ts';
import { openContainer, validityOf, type AzureAccess } from './azure-access.ts';
import { classifyAzureError, codeOf, statusOf } from './classify-azure-error.ts';
import { BLOCK_BYTES, uploadBlocks } from './upload-blocks.ts';

export interface AzureBlobStorageOptions {
  readonly access: AzureAccess;
  readonly container: string;
  readonly prefix?: string;
  /** See `Deadlines`. */
  readonly loginMs?: number;
}

const MAX_KEY_BYTES = 1024;
/** Blocks in memory at a time, over all files: 64 MiB. */
const BLOCKS_IN_MEMORY = 8;
/** Names of metadata are identifiers here: no hyphens. */
const TOKEN = 'reconciletoken';
const DIGEST = 'reconcilesha256';

/**
 * A container of Azure Blob Storage. Files go up as blocks, each verified by its MD5; the commit of the block list makes the blob appear, on the
 * condition that none exists where `replace` is false. Uncommitted blocks cannot be removed: Azure drops them after a week.
 */
export function createAzureBlobStorage(options: AzureBlobStorageOptions): Storage {
  const prefix = objectPrefix(options.prefix);
  const facts: StorageFacts = { kind: 'azure-blob', verifiedChecksum: true, maxKeyBytes: MAX_KEY_BYTES - Buffer.byteLength(prefix) };
  const buffers = new PartBuffers(BLOCKS_IN_MEMORY, BLOCK_BYTES);
  const verified = new VerifiedVersions();
  const validity = validityOf(options.access);
  let opening: Promise<ContainerClient> | undefined;
  const open = (): Promise<ContainerClient> => (opening ??= openContainer(options.access, options.container, options.loginMs ?? DEFAULT_DEADLINES.loginMs));

  const nameOf = (key: string): string => {
    checkKey(key, facts.maxKeyBytes);
    return `${prefix}${key}`;
  };
  const address = (key: string): string => `azure-blob://${options.container}/${nameOf(key)}`;
  const attempt = async <T>(doing: string, key: string, work: (container: ContainerClient) => Promise<T>, signal?: AbortSignal): Promise<T> => {
    const place = address(key);
    try {
      return await work(await open());
    } catch (error) {
      throw classifyAzureError(error, { doing: `cannot ${doing} \`${place}\``, validity, signal });
    }
  };

  const properties = async (container: ContainerClient, key: string): Promise<BlobGetPropertiesResponse | undefined> => {
    try {
      return await container.getBlobClient(nameOf(key)).getProperties();
    } catch (error) {
      if (statusOf(error) === 404 && codeOf(error) !== 'ContainerNotFound') return undefined;
      // The answer to HEAD has no body and so no reason: the same question as GET has one.
      if (statusOf(error) === 403) await container.getBlobClient(nameOf(key)).download(0, 1);
      throw error;
    }
  };

  const describe = (key: string, found: BlobGetPropertiesResponse): StoredObject => {
    const sha256 = verified.sha256Of(key, found.etag);
    return {
      key,
      bytes: found.contentLength ?? 0,
      ...(sha256 !== undefined && { sha256 }),
      ...(found.lastModified && { modifiedAt: found.lastModified.getTime() }),
    };
  };

  return {
    facts,

    publish: async (key, file, { replace, token, signal, onProgress }) =>
      attempt(
        'write',
        key,
        async (container) => {
          checkAborted(signal);
          const before = replace ? undefined : await properties(container, key);
          if (before && !isOurs(before, file, token)) throw alreadyThere(address(key));
          let etag: string | undefined;
          if (!before) {
            const blob = container.getBlockBlobClient(nameOf(key));
            const metadata = { [TOKEN]: safeTokenOf(token), [DIGEST]: file.sha256 };
            try {
              etag = await uploadBlocks({ blob, buffers, file, token, replace, metadata, signal, onProgress });
            } catch (error) {
              // 412 by the book, 409 from some servers.
              if (replace || (statusOf(error) !== 412 && codeOf(error) !== 'BlobAlreadyExists')) throw error;
              const winner = await properties(container, key);
              if (!winner || !isOurs(winner, file, token)) throw alreadyThere(address(key));
            }
          }
          const found = await properties(container, key);
          if (found?.contentLength !== file.bytes || (etag !== undefined && found.etag !== etag)) {
            throw new StorageError('corrupt', `\`${address(key)}\` is not what was sent: ${found?.contentLength ?? 'no'} of ${file.bytes} bytes`, {
              hint: 'something else writes blobs of that name, or takes them at once; look who else uses the container',
            });
          }
          if (etag !== undefined) verified.remember(key, etag, file.sha256);
          return describe(key, found);
        },
        signal,
      ),

    stat: async (key) =>
      attempt('look at', key, async (container) => {
        const found = await properties(container, key);
        return found && describe(key, found);
      }),

    read: async (key, start = 0) =>
      attempt('read', key, async (container) => {
        try {
          const { readableStreamBody, contentLength } = await container.getBlobClient(nameOf(key)).download(start);
          const place = address(key);
          return wholeBody((readableStreamBody ?? []) as AsyncIterable<unknown>, {
            bytes: contentLength,
            place,
            classify: (error) => classifyAzureError(error, { doing: `cannot read \`${place}\``, validity }),
          });
        } catch (error) {
          // Nothing stands at or after the blob's end.
          if (statusOf(error) === 416) return Readable.from([]);
          throw error;
        }
      }),

    async *list(wanted) {
      checkPrefix(wanted);
      try {
        const container = await open();
        for await (const { name, properties } of container.listBlobsFlat({ prefix: `${prefix}${wanted}` })) {
          yield { key: name.slice(prefix.length), bytes: properties.contentLength ?? 0, modifiedAt: properties.lastModified.getTime() };
        }
      } catch (error) {
        throw classifyAzureError(error, { doing: `cannot list \`azure-blob://${options.container}/${prefix}${wanted}\``, validity });
      }
    },

    remove: async (key) =>
      attempt('remove', key, async (container) => {
        await container.getBlobClient(nameOf(key)).deleteIfExists();
      }),

    async abandon(key) {
      nameOf(key);
    },

    address,

    async diagnose() {
      const container = await open();
      let date: Date | undefined;
      try {
        ({ date } = await container.getProperties());
      } catch {
        // What is wrong shows when the storage is used.
      }
      return {
        ...(date && { clockSkewMs: date.getTime() - Date.now() }),
        ...(validity.expiresAt !== undefined && { expires: [{ what: 'shared access signature', at: validity.expiresAt }] }),
      };
    },

    async [Symbol.asyncDispose]() {},
  };
}

/** The blob there is the one this very call makes: an earlier attempt's answer was lost. */
function isOurs(found: BlobGetPropertiesResponse, file: LocalFile, token: string): boolean {
  return found.metadata?.[TOKEN] === safeTokenOf(token) && found.metadata[DIGEST] === file.sha256 && found.contentLength === file.bytes;
}

function alreadyThere(place: string): StorageError {
  return new StorageError('exists', `a blob \`${place}\` exists that this run did not write`, {
    hint: 'move it away, or change `file.name` of the activation',
  });
}
