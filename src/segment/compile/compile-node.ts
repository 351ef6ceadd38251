import { MAX_DECIMAL_DIGITS } from '../../model/decimal.ts';
import { parseInstant, DAY_MS, startOfDay } from '../../model/instant.ts';
import { joinSql, literal, sql, type Sql } from '../../sql/sql.ts';
import type { CompareOperator } from '../ast.ts';
import { unify, type PqlType } from '../type.ts';
import type { Typed } from '../typed.ts';
import { columnSql, rowSql } from './columns.ts';
import { callSql, containsSql, identitiesSql, sameItems } from './compile-call.ts';
import { chainSql } from './compile-chain.ts';
import { aggregateSql, filterSql, groupSql, listSql, mapSql, memberSql, quantifierSql, topSql } from './compile-list.ts';
import { dateSql, occursSql, timestampSql } from './compile-time.ts';
import { ALWAYS, NO_ENV, WHERE, type Compiler, type Env, type Fragment, type TruthMode } from './context.ts';
import { withRoom } from './decimal-room.ts';
import { doublesApart } from './doubles-apart.ts';
import { eventList, eventSetOf } from './event-set.ts';
import { typeSql } from './type-sql.ts';

/** A node's value; NULL where it is unknown. */
export function valueSql(compiler: Compiler, node: Typed, env: Env): Sql {
  switch (node.kind) {
    case 'constant':
      return node.value === null ? sql`null` : sql`${literal(node.value)}`;
    case 'number':
      return numberSql(node.text, node.type);
    case 'date':
      return dateSql(parseInstant(node.day) ?? 0);
    case 'now':
      return timestampSql(compiler.now);
    case 'today':
      return dateSql(startOfDay(compiler.now) + node.days * DAY_MS);
    case 'field':
      return sql`${columnSql(compiler, node.path, node.type)}`;
    case 'variable': {
      const meaning = env.get(node.id);
      if (meaning?.kind === 'item') return sql`${meaning.value}`;
      if (meaning?.kind === 'let') return compiler.value(meaning.typed, meaning.env);
      throw new TypeError(`the variable ${node.name} has no value here`);
    }
    case 'member': {
      const row = node.object.kind === 'variable' && env.get(node.object.id)?.kind === 'row';
      if (row) return sql`${rowSql(compiler, node.name, node.type)}`;
      return memberSql(compiler.value(node.object, env), node.name);
    }
    case 'events':
    case 'filter': {
      const set = eventSetOf(compiler, node, env);
      return set === undefined ? filterSql(compiler, node as Extract<Typed, { kind: 'filter' }>, env) : eventList(compiler, set);
    }
    case 'list':
      return listSql(withRoom(node.items, (item) => compiler.value(item, env)));
    case 'map':
      return mapSql(compiler, node, env);
    case 'top':
      return topSql(compiler, node, env);
    case 'group':
      return groupSql(compiler, node, env);
    case 'aggregate':
      return aggregateSql(compiler, node, env);
    case 'negate':
      return sql`(-(${wideSql(compiler, node.operand, env)}))`;
    case 'arithmetic':
      return arithmeticSql(compiler, node, env);
    case 'if': {
      const [then, otherwise] = withRoom([node.then, node.otherwise], (way) => compiler.value(way, env)) as [Sql, Sql];
      return sql`case when ${compiler.truth(node.test, env, WHERE)} then ${then} else ${otherwise} end`;
    }
    case 'let':
      return compiler.value(node.body, new Map(env).set(node.id, { kind: 'let', typed: node.value, env }));
    case 'call':
      return callSql(compiler, node, env);
    case 'logic':
      return sql`(${joinSql(
        node.operands.map((operand) => compiler.value(operand, env)),
        node.operator === 'and' ? ' and ' : ' or ',
      )})`;
    case 'not':
      return sql`(not ${compiler.value(node.operand, env)})`;
    case 'compare':
      return compareSql(compiler, node, node.operator, env);
    case 'in':
      return inSql(compiler, node, env);
    case 'like':
      return sql`(${compiler.value(node.value, env)} like ${literal(node.pattern)})`;
    case 'quantifier':
      return quantifierSql(compiler, node, env);
    case 'occurs':
      return occursSql(compiler, node, env);
    case 'chain':
      return chainSql(compiler, node, env);
    case 'segment':
      return compiler.truth(node, NO_ENV, ALWAYS);
    case 'identities':
      return identitiesSql(compiler, node);
    case 'folder':
      throw new TypeError('a folder has no value of its own');
  }
}

/** A condition with two values only: true when the node is true (or false, when `negated`), else false. */
export function truthSql(compiler: Compiler, node: Typed, env: Env, mode: TruthMode): Sql {
  const { negated, strict } = mode;
  switch (node.kind) {
    case 'not':
      return compiler.truth(node.operand, env, { negated: !negated, strict });
    case 'logic': {
      const all = (node.operator === 'and') !== negated;
      return sql`(${joinSql(
        node.operands.map((operand) => compiler.truth(operand, env, mode)),
        all ? ' and ' : ' or ',
      )})`;
    }
    case 'let':
      return compiler.truth(node.body, new Map(env).set(node.id, { kind: 'let', typed: node.value, env }), mode);
    case 'variable': {
      const meaning = env.get(node.id);
      if (meaning?.kind === 'let') return compiler.truth(meaning.typed, meaning.env, mode);
      break;
    }
    case 'compare': {
      const plain = isConstant(node.right) && isColumn(node.left);
      const compared = compareSql(compiler, node, negated ? OPPOSITE[node.operator] : node.operator, env);
      if (!strict) return compared;
      return plain ? sql`(${compared} and ${compiler.value(node.left, env)} is not null)` : sql`coalesce(${compared}, false)`;
    }
    default:
      break;
  }
  const value = compiler.value(node, env);
  if (isTwoValued(node)) return negated ? sql`(not ${value})` : value;
  const wanted = negated ? sql`(not ${value})` : value;
  return strict ? sql`coalesce(${wanted}, false)` : wanted;
}

const OPPOSITE: Readonly<Record<CompareOperator, CompareOperator>> = { '=': '!=', '!=': '=', '<': '>=', '>=': '<', '>': '<=', '<=': '>' };
const SYMBOLS: Readonly<Record<CompareOperator, Sql>> = { '=': sql`=`, '!=': sql`<>`, '<': sql`<`, '<=': sql`<=`, '>': sql`>`, '>=': sql`>=` };

function compareSql(compiler: Compiler, node: Extract<Typed, { kind: 'compare' }>, operator: CompareOperator, env: Env): Sql {
  const among = [[node.left, node.right] as const, [node.right, node.left] as const].find(
    ([list, written]) => list.type.kind === 'array' && doublesApart(written, list.type.item).length > 1,
  );
  if (among?.[1].kind === 'list') {
    const [list, { items }] = among;
    const values = items.map((item) => sql`${compiler.value(item, env)}`);
    const same = sameItems(compiler, sql`${compiler.value(list, env)}`, values);
    return operator === '=' ? same : sql`(not ${same})`;
  }
  const [left, right] = [operandSql(compiler, node.left, env), operandSql(compiler, node.right, env)];
  const shape = node.left.type.kind === 'array' ? unify(node.left.type, node.right.type) : undefined;
  if (shape !== undefined) return sql`(${asWritten(left, shape)} ${SYMBOLS[operator]} ${asWritten(right, shape)})`;
  return sql`(${left} ${SYMBOLS[operator]} ${right})`;
}

/**
 * A list that is compared, in the shape that holds both. From a list that is compared with a constant the engine's optimizer takes the cast away and casts the constant instead
 * (DuckDB 1.5), whatever that loses: [2] would be [1.5]. Through a slice, of all items here, it does not see the cast.
 */
function asWritten(list: Fragment, shape: PqlType): Sql {
  return sql`(cast(${list} as ${typeSql(shape)}))[1:]`;
}

/** Beside a column a whole number needs no type of its own. */
function operandSql(compiler: Compiler, node: Typed, env: Env): Fragment {
  return node.kind === 'number' && node.type.kind === 'integer' ? literal(BigInt(node.text)) : compiler.value(node, env);
}

function inSql(compiler: Compiler, node: Extract<Typed, { kind: 'in' }>, env: Env): Sql {
  const lists = doublesApart(node.list, node.value.type);
  if (lists.length > 1) {
    const parts = lists.map((list) => inSql(compiler, { ...node, list }, env));
    return sql`(${joinSql(parts, node.negated ? ' and ' : ' or ')})`;
  }
  const value = compiler.value(node.value, env);
  if (node.list.kind === 'list' && node.list.items.every(isConstant)) {
    const items = node.list.items.filter((item) => item.kind !== 'constant' || item.value !== null);
    if (items.length === 0) return node.negated ? sql`(${value} is not null)` : sql`false`;
    const list = joinSql(
      items.map((item) => operandSql(compiler, item, env)),
      ', ',
    );
    const found = node.negated ? sql`${value} not in (${list})` : sql`${value} in (${list})`;
    return isColumn(node.value) ? sql`(${found} and ${value} is not null)` : sql`coalesce(${found}, false)`;
  }
  const list = compiler.value(node.list, env);
  const contains = containsSql(compiler, { node: node.list, list }, { node: node.value, value });
  return node.negated ? sql`(${list} is not null and ${value} is not null and not ${contains})` : contains;
}

function arithmeticSql(compiler: Compiler, node: Extract<Typed, { kind: 'arithmetic' }>, env: Env): Sql {
  const left = wideSql(compiler, node.left, env);
  const right = wideSql(compiler, node.right, env);
  switch (node.operator) {
    case '+':
      return sql`(${left} + ${right})`;
    case '-':
      return sql`(${left} - ${right})`;
    case '*':
      return node.type.kind === 'double' ? sql`(${double(left)} * ${double(right)})` : sql`(${left} * ${right})`;
    case '/':
      return sql`(${double(left)} / nullif(${double(right)}, 0))`;
    case '%':
      return remainderSql(compiler, node, env);
  }
}

/** Of decimals with room for both, or the engine takes doubles. */
function remainderSql(compiler: Compiler, node: Extract<Typed, { kind: 'arithmetic' }>, env: Env): Sql {
  const [left, right] = withRoom([node.left, node.right], (operand) => wideSql(compiler, operand, env)) as [Sql, Sql];
  return sql`(${left} % ${node.type.kind === 'integer' ? divisorSql(right) : sql`nullif(${right}, 0)`})`;
}

/** NULL for zero, and 1 for -1, which leaves the same remainder: the engine divides, and the quotient of the least integer has no room. */
function divisorSql(divisor: Sql): Sql {
  return sql`case ${divisor} when 0 then null when -1 then 1 else ${divisor} end`;
}

/** An operand of arithmetic. Integers have 64 bits and a sign: the engine would compute in the column's own type, which may hold less. */
function wideSql(compiler: Compiler, node: Typed, env: Env): Sql {
  const value = compiler.value(node, env);
  const isWide = node.kind === 'number' || node.kind === 'arithmetic' || node.kind === 'negate';
  return node.type.kind === 'integer' && !isWide ? sql`cast(${value} as bigint)` : value;
}

function double(part: Sql): Sql {
  return sql`cast(${part} as double)`;
}

/**
 * Exact digits: a literal with a point is a decimal, never a float, unless it has an exponent. One digit stands before the point in any case: the engine writes
 * a decimal without room for it as `.5`.
 */
function numberSql(text: string, type: PqlType): Sql {
  if (type.kind === 'double') return sql`cast(${literal(text)} as double)`;
  const [whole = '', fraction] = text.split('.');
  if (fraction === undefined) return sql`cast(${literal(BigInt(text))} as bigint)`;
  const digits = whole.replace(/^-?0*/, '').length + fraction.length;
  return sql`cast(${literal(text)} as decimal(${literal(Math.min(Math.max(digits, fraction.length + 1), MAX_DECIMAL_DIGITS))}, ${literal(fraction.length)}))`;
}

function isConstant(node: Typed): boolean {
  return node.kind === 'constant' || node.kind === 'number' || node.kind === 'date' || node.kind === 'now' || node.kind === 'today';
}

/** Cheap to name twice. */
function isColumn(node: Typed): boolean {
  const nested = node.type.kind === 'array' || node.type.kind === 'map' || node.type.kind === 'object';
  return !nested && (node.kind === 'field' || (node.kind === 'member' && node.object.kind === 'variable'));
}

/** Nodes that are never NULL. */
function isTwoValued(node: Typed): boolean {
  if (node.kind === 'call') return node.fn === 'isNull' || node.fn === 'includes' || node.fn === 'intersects' || node.fn === 'subsetOf';
  return (
    node.kind === 'in' || node.kind === 'quantifier' || node.kind === 'chain' || node.kind === 'segment' || (node.kind === 'constant' && node.value !== null)
  );
}
