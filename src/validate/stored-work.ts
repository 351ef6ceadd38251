import type { PlainDocument } from '../manifest/parse-yaml.ts';
import type { CachedFile, SettledDocument } from '../manifest/read-documents.ts';
import type { StoredChecks } from './check-once.ts';

/** Work on manifests that need not be done again: parsed files by their digest, and checks. */
export interface StoredWork {
  file(sha256: string): CachedFile | undefined;
  readonly checks: StoredChecks;
}

/** What stands before the specs. */
interface Head {
  readonly files: Readonly<Record<string, StoredFile>>;
  readonly checks: StoredChecks;
}

/** Specs are most of what there is. They follow the first line as they are, so that those that nobody looks at are not parsed. */
type StoredFile = { readonly open: readonly PlainDocument[] } | { readonly at: number; readonly settled: readonly StoredDocument[] };

interface StoredDocument extends Omit<SettledDocument, 'spec'> {
  readonly bytes: number;
}

export const NO_WORK: StoredWork = { file: () => undefined, checks: [] };

/** Reads what `printWork` made. */
export function parseWork(content: Buffer): StoredWork {
  const end = content.indexOf('\n');
  const head = JSON.parse(content.toString('utf8', 0, end)) as Head;
  const specs = content.subarray(end + 1);
  return { checks: head.checks, file: (digest) => (Object.hasOwn(head.files, digest) ? readFile(head.files[digest], specs) : undefined) };
}

function readFile(stored: StoredFile | undefined, specs: Buffer): CachedFile | undefined {
  if (stored === undefined || 'open' in stored) return stored;
  let { at } = stored;
  // Written out: copying all but one key costs more than everything else here.
  const settled = stored.settled.map(({ kind, metadata, index, line, column, digest, bytes }): SettledDocument => {
    const begin = at;
    at += bytes;
    return { kind, metadata, index, line, column, digest, spec: () => specs.toString('utf8', begin, begin + bytes) };
  });
  return { settled };
}

export function printWork(files: ReadonlyMap<string, CachedFile>, checks: StoredChecks): Buffer {
  const specs: Buffer[] = [];
  let at = 0;
  const stored = Array.from(files, ([digest, file]): [string, StoredFile] => {
    if ('open' in file) return [digest, file];
    const begin = at;
    const settled = file.settled.map(({ spec, ...document }): StoredDocument => {
      const bytes = Buffer.from(spec());
      specs.push(bytes);
      at += bytes.length;
      return { ...document, bytes: bytes.length };
    });
    return [digest, { at: begin, settled }];
  });
  return Buffer.concat([Buffer.from(`${JSON.stringify({ files: Object.fromEntries(stored), checks } satisfies Head)}\n`), ...specs]);
}
