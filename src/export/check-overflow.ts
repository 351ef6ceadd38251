import { AppError } from '../model/app-error.ts';
import { ident, joinSql, sql, type Sql } from '../sql/sql.ts';
import type { OpenedJob } from './open-job.ts';
import type { RenderColumn } from './select-rows.ts';
import type { SegmentJob } from './segment-job.ts';

/**
 * A calculated double that overflowed is a bad value as one in a column is, and no format of files has a word for it. Throws RC4003 before anything is
 * written, unless such rows are excluded. Looked at are the rows that go out alone: what nobody gets need not be right.
 */
export async function checkOverflow(
  job: SegmentJob,
  { columns, engine }: OpenedJob,
  query: (render: RenderColumn) => Sql,
  signal: AbortSignal | undefined,
): Promise<void> {
  const calculated = columns.filter(({ overflow }) => overflow !== undefined);
  if (calculated.length === 0 || job.attributes.badValues === 'exclude') return;
  const counts = calculated.map(({ target }, index) => sql`count(*) filter (where r.${ident(target)}) as ${ident(`n${index}`)}`);
  const rows = query(({ overflow, value }) => overflow ?? value);
  const [row] = await engine.rows(sql`select ${joinSql(counts, ', ')} from (${rows}) r`, signal);
  for (const [index, { target }] of calculated.entries()) {
    const count = Number(row?.[`n${index}`] ?? 0);
    if (count === 0) continue;
    throw new AppError({
      code: 'RC4003',
      message: `the calculated column \`${target}\` is beyond the numbers that a double holds in ${count} ${count === 1 ? 'row' : 'rows'}`,
      hint: 'bound it in its `expression`, such as by `if(…)`; `badValues: exclude` in Attributes leaves such rows out and counts them',
    });
  }
}
