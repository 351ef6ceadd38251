/** Uploads files with a storage of this project, as a process of its own: `storage-upload.ts SPEC.json FILE…`. Prints the most memory it used, in bytes. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import type { StorageSpec } from '../../src/model/generated/kinds.ts';
import { createStorage } from '../../src/storage/create-storage.ts';
import { createMemoryJournal } from '../../src/storage/upload-journal.ts';

const [specPath = '', ...paths] = process.argv.slice(2);
const { spec, digests } = JSON.parse(await readFile(specPath, 'utf8')) as { spec: StorageSpec; digests?: Record<string, string> };
const storage = await createStorage(spec, {
  root: process.cwd(),
  secret: async (ref) => ('env' in ref ? (process.env[ref.env] ?? '') : readFile(ref.file, 'utf8')),
  journal: createMemoryJournal(),
});
await Promise.all(
  paths.map(async (path) => {
    const { size } = await stat(path);
    // The export computes digests while it writes; here they are given, since the other tool needs none.
    const sha256 = digests?.[basename(path)] ?? (await digestOf(path));
    await storage.publish(basename(path), { path, bytes: size, sha256 }, { replace: true, token: 'bench' });
  }),
);
await storage[Symbol.asyncDispose]();
process.stdout.write(`${process.resourceUsage().maxRSS * 1024}\n`);

async function digestOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
