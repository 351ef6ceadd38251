import { ident, sql, type Sql } from '../sql/sql.ts';
import type { OpenedJob } from './open-job.ts';
import type { RenderColumn } from './select-rows.ts';

/** How many values lose a line break to a space; Campaign cannot read them (contract section 6). */
export async function countSpacedValues(opened: OpenedJob, query: (render: RenderColumn) => Sql): Promise<number> {
  const texts = opened.columns.filter((column) => column.type === 'string' && column.kind !== 'status');
  if (texts.length === 0) return 0;
  const counts = texts.map((column) => sql`count(*) filter (where regexp_matches(r.${ident(column.target)}, '[\\r\\n]'))`);
  const [row] = await opened.engine.rows(
    sql`select ${counts.reduce((sum, count) => sql`${sum} + ${count}`)} as "n" from (${query((column) => column.value)}) r`,
  );
  return Number(row?.['n'] ?? 0);
}
