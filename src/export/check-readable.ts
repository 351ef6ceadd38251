import { AppError } from '../model/app-error.ts';
import { ident, joinSql, literal, sql, type Sql } from '../sql/sql.ts';
import type { FileSettings } from './file-settings.ts';
import type { OpenedJob } from './open-job.ts';
import { renderForLines } from './row-text.ts';
import type { RenderColumn } from './select-rows.ts';

/**
 * A CSV file without quotes, or without a way to write a quote inside quotes, cannot hold every value. Which ones is known of the data alone, so that
 * `validate` cannot tell. Throws RC4040 before anything is written: a file that reads back as other rows is worse than none.
 */
export async function checkReadable(
  settings: FileSettings,
  opened: OpenedJob,
  query: (render: RenderColumn) => Sql,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (settings.format !== 'csv') return;
  const { quote, escape, delimiter } = settings.csv;
  if (quote !== '' && escape !== '') return;
  const lineBreaks = settings.spacesForLineBreaks ? [] : ['\n', '\r'];
  const forbidden = quote === '' ? [delimiter, ...lineBreaks] : [quote];
  // Of all types: a date holds a `-`, a decimal a `.`, and `true` an `e`.
  const counts = opened.columns.map(({ target }, index) => {
    const bad = forbidden.map((text) => sql`contains(r.${ident(target)}, ${literal(text)})`);
    return sql`count(*) filter (where ${joinSql(bad, ' or ')}) as ${ident(`n${index}`)}`;
  });
  const [row] = await opened.engine.rows(sql`select ${joinSql(counts, ', ')} from (${query(renderForLines(settings))}) r`, signal);
  const found = opened.columns.map(({ target }, index) => ({ target, count: Number(row?.[`n${index}`] ?? 0) })).filter(({ count }) => count > 0);
  const [first] = found;
  if (first === undefined) return;
  const total = found.reduce((sum, { count }) => sum + count, 0);
  throw new AppError({
    code: 'RC4040',
    message:
      quote === ''
        ? `${total} ${total === 1 ? 'value holds' : 'values hold'} the delimiter or a line break, the first in column \`${first.target}\`, and \`quote: ""\` says that nothing is quoted: the file could not be read back`
        : `${total} ${total === 1 ? 'value holds' : 'values hold'} the quote, the first in column \`${first.target}\`, and \`escape: ""\` says that nothing stands before it: the file could not be read back`,
    hint:
      quote === ''
        ? 'choose a delimiter that no value holds, let values be quoted, or take the characters out by an `expression`'
        : "leave `escape` out, or write `escape: '\\'`",
  });
}
