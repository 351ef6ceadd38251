import { open, realpath, type FileHandle } from 'node:fs/promises';
import { vi } from 'vitest';

export interface Sync<T> {
  readonly what: 'file' | 'folder';
  /** What `look` saw at that instant. */
  readonly then: T;
}

/** Every fsync of this process while `work` runs, in order: what a power cut in between would leave is what `look` sees at each; it is told of what. */
export async function syncsDuring<T>(work: () => Promise<unknown>, look: (path: string) => Promise<T>): Promise<readonly Sync<T>[]> {
  await using any = await open(process.execPath, 'r');
  const handles = Object.getPrototypeOf(any) as FileHandle;
  const seen: Sync<T>[] = [];
  const spied = vi.spyOn(handles, 'sync').mockImplementation(async function sync(this: FileHandle) {
    seen.push({ what: (await this.stat()).isDirectory() ? 'folder' : 'file', then: await look(await realpath(`/proc/self/fd/${this.fd}`)) });
  });
  try {
    await work();
  } finally {
    spied.mockRestore();
  }
  return seen;
}
