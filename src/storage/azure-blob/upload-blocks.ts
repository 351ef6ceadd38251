import type { BlockBlobClient } from '@azure/storage-blob';
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { PartBuffers } from '../part-buffers.ts';
import { readPart } from '../read-part.ts';
import { cutParts, runParts, type Part } from '../run-parts.ts';
import type { LocalFile } from '../storage.ts';
import { codeOf, statusOf } from './classify-azure-error.ts';

export const BLOCK_BYTES = 8 * 2 ** 20;
const MOST_BLOCKS = 50_000;
const BLOCKS_PER_FILE = 4;

export interface BlockUpload {
  readonly blob: BlockBlobClient;
  readonly buffers: PartBuffers;
  readonly file: LocalFile;
  readonly token: string;
  readonly replace: boolean;
  readonly metadata: Record<string, string>;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((bytes: number) => void) | undefined;
}

/**
 * Stages blocks, several at a time, each with its MD5, which the store verifies; committing the list makes the blob appear at once, and its ETag names
 * exactly these blocks. Blocks are named after the token and the file's digest: those an earlier attempt staged are kept, and nobody else's are.
 */
export async function uploadBlocks({ blob, buffers, file, token, replace, metadata, signal, onProgress }: BlockUpload): Promise<string | undefined> {
  const abort = signal ? { abortSignal: signal } : {};
  const parts = file.bytes === 0 ? [] : cutParts(file.bytes, BLOCK_BYTES, MOST_BLOCKS);
  const staged = parts.length > 1 ? await stagedBlocks(blob, abort) : new Map<string, number>();
  const idOf = blockNames(token, file.sha256);
  let sent = 0;
  onProgress?.(0);
  await using local = await open(file.path, 'r');
  await runParts(parts, BLOCKS_PER_FILE, (part) =>
    buffers.use(part.bytes, async (data) => {
      const id = idOf(part);
      if (staged.get(id) !== part.bytes) {
        await readPart(local, part.start, data);
        await blob.stageBlock(id, data, data.length, { transactionalContentMD5: createHash('md5').update(data).digest(), ...abort });
      }
      sent += part.bytes;
      onProgress?.(sent);
    }),
  );
  const committed = await blob.commitBlockList(parts.map(idOf), { metadata, ...(!replace && { conditions: { ifNoneMatch: '*' } }), ...abort });
  return committed.etag;
}

async function stagedBlocks(blob: BlockBlobClient, abort: { abortSignal?: AbortSignal }): Promise<ReadonlyMap<string, number>> {
  try {
    const { uncommittedBlocks } = await blob.getBlockList('uncommitted', abort);
    return new Map((uncommittedBlocks ?? []).map((block) => [block.name, block.size]));
  } catch (error) {
    if (statusOf(error) === 404 && codeOf(error) !== 'ContainerNotFound') return new Map();
    throw error;
  }
}

/** All names of one blob's blocks have the same length, as Azure wants it. */
function blockNames(token: string, sha256: string): (part: Part) => string {
  const upload = createHash('sha256').update(`${token} ${sha256}`).digest('hex').slice(0, 32);
  return (part) => Buffer.from(`${upload}-${String(part.number).padStart(6, '0')}`).toString('base64');
}
