import type { Range } from '../ast.ts';
import { isNumeric, isTemporal, scalar, type PqlType } from '../type.ts';
import type { Typed, VariableId } from '../typed.ts';
import type { Checker } from './check-pql.ts';
import { unknown } from './resolve-path.ts';

/** Builds an aggregate once its source and value are known. `count` counts items, the others values that are not NULL. */
export function aggregate(checker: Checker, fn: string, source: Typed, id: VariableId, value: Typed | undefined, nameRange: Range, place: Range): Typed {
  const name = fn.toLowerCase() === 'avg' ? 'average' : fn.toLowerCase();
  if (name === 'count') return { kind: 'aggregate', fn: 'count', source, id, value: undefined, type: scalar('integer'), ...place };
  if (name !== 'sum' && name !== 'average' && name !== 'min' && name !== 'max') {
    checker.report({ code: 'RC1210', severity: 'error', message: `unknown aggregate \`${fn}\``, ...nameRange, hint: 'count, sum, average, min, max' });
    return unknown(place);
  }
  if (value === undefined) {
    checker.report({ code: 'RC1210', severity: 'error', message: `\`${fn}\` wants the value to take`, ...nameRange, hint: `\`.${fn}(amount)\`` });
    return unknown(place);
  }
  const holds = (type: PqlType): boolean => isNumeric(type) || (name !== 'sum' && name !== 'average' && (isTemporal(type) || type.kind === 'string'));
  const hint = value.kind === 'constant' && typeof value.value === 'string' ? `a field stands without quotes: \`.${fn}(${value.value})\`` : undefined;
  checker.expect(value, name === 'sum' || name === 'average' ? 'a number' : 'a value with an order', holds, hint);
  if (!holds(value.type) && value.type.kind !== 'null') return unknown(place);
  return { kind: 'aggregate', fn: name, source, id, value, type: name === 'average' ? scalar('double') : value.type, ...place };
}
