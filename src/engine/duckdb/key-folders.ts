import { ident, joinSql, literal, sql, type Sql } from '../../sql/sql.ts';

/** The engine lets folders called `key=value`, above the project too, stand for the column of that name, also where the files have one: then each value would be the folder's. */
export const NO_FOLDERS: Sql = sql`hive_partitioning => false`;

const FILE = '#path of the file';

/** The keys of folders that all files are in and that no file has a column for. */
export function keysBeside(paths: readonly string[], own: ReadonlyMap<string, string>): readonly string[] {
  const names = new Set([...own.keys()].map((name) => name.toLowerCase()));
  return folderKeys(paths).filter((key) => !names.has(key.toLowerCase()));
}

function folderKeys(paths: readonly string[]): readonly string[] {
  const [first = [], ...others] = paths.map((path) => [...path.matchAll(/(?<=[\\/])([^\\/=]+)=[^\\/]*(?=[\\/])/g)].map(([, key = '']) => key));
  return others.every((keys) => keys.join('\0') === first.join('\0')) ? [...new Map(first.map((key) => [key.toLowerCase(), key])).values()] : [];
}

/**
 * What `read` reads, given its options, with each key as a column. Not by the engine, to which it is all keys or none, 2024-1-5 a date and `NULL` nothing; files that a condition on a
 * key leaves out are not opened all the same.
 */
export function withKeys(keys: readonly string[], read: (options: Sql) => Sql): Sql {
  if (keys.length === 0) return read(NO_FOLDERS);
  const columns = keys.map((key) => sql`${valueOf(key)} as ${ident(key)}`);
  return sql`(select * exclude (${ident(FILE)}), ${joinSql(columns, ', ')} from ${read(sql`${NO_FOLDERS}, filename => ${literal(FILE)}`)})`;
}

/** As text, without what stands for special characters in names of folders. Of two folders of one key the inner one counts. */
function valueOf(key: string): Sql {
  const pattern = `.*[\\\\/]${key.replaceAll(/[.*+?^${}()|[\]]/g, String.raw`\$&`)}=([^\\\\/]*)[\\\\/]`;
  return sql`nullif(url_decode(regexp_extract(${ident(FILE)}, ${literal(pattern)}, 1, 's')), '__HIVE_DEFAULT_PARTITION__')`;
}
