import type { Sql, SqlPart } from '../../sql/sql.ts';
import type { ModelColumn } from '../profile-model.ts';
import { nestedValue } from './nested-value.ts';
import { typedValue, type DecimalDigits, type TypedValue } from './typed-value.ts';

/** A column as its declared type. */
export interface ColumnValue extends TypedValue {
  /** Of a value that holds others: the first of them that is not of its type (see `NestedValue`). */
  readonly place: Sql | undefined;
}

/** The expressions for one column, whatever its type. `trusted`: the health check has found no bad value. */
export function columnValue(
  raw: Exclude<SqlPart, string>,
  physical: string,
  wanted: Pick<ModelColumn, 'type' | 'declared'>,
  digits?: DecimalDigits,
  trusted = false,
): ColumnValue {
  const { type, declared } = wanted;
  if (type === 'array' || type === 'map' || type === 'object') return { ...nestedValue(raw, physical, declared, trusted), text: undefined };
  return { ...typedValue(raw, physical, type, digits, trusted), place: undefined };
}
