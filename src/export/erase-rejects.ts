import { readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Takes people out of the lists of rejects, each of which appears anew as a whole. Returns how many lists named one of them. */
export async function eraseRejects(stateFolder: string, ids: ReadonlySet<string>): Promise<number> {
  const found = await readdir(join(stateFolder, 'rejects'), { recursive: true, withFileTypes: true }).catch(() => []);
  let changed = 0;
  for (const entry of found) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const rows = splitRows(await readFile(path, 'utf8'));
    const kept = rows.filter((row, index) => index === 0 || !ids.has(firstCell(row)));
    if (kept.length === rows.length) continue;
    await writeFile(`${path}.new`, kept.join(''), { mode: 0o600 });
    await rename(`${path}.new`, path);
    changed += 1;
  }
  return changed;
}

/** The rows of a CSV text with their line ends; a line break inside quotes is part of its row. */
function splitRows(text: string): readonly string[] {
  return text.match(/(?:"(?:[^"]|"")*"|[^"\n])*\n?/g)?.filter((row) => row !== '') ?? [];
}

function firstCell(row: string): string {
  const quoted = /^"((?:[^"]|"")*)"/.exec(row)?.[1];
  return quoted === undefined ? (/^[^,\n]*/.exec(row)?.[0] ?? '') : quoted.replaceAll('""', '"');
}
