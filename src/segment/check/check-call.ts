import { nearest } from '../../support/nearest.ts';
import type { Expression, Range } from '../ast.ts';
import { arrayOf, comparable, describeType, isNumeric, isTemporal, scalar, unify, type PqlType } from '../type.ts';
import type { PureFunction, Typed } from '../typed.ts';
import { aggregate } from './check-aggregate.ts';
import { asCondition, checkOperand, isString, itemOf, PART_HINT, type Checker } from './check-pql.ts';
import { checkPattern } from './check-pattern.ts';
import { describeMismatch, hintOfLikes, reportQuotedName } from './describe-mismatch.ts';
import { FUNCTIONS, insteadOf, METHODS } from './function-names.ts';
import { unknown, withArticle } from './resolve-path.ts';
import type { Scope } from './scope.ts';

type Call = Extract<Expression, { kind: 'call' }>;

/** Types a call: `date(2020, 3, 14)`, `email.endsWith(".com")`, `xEvent.count()`. */
export function checkCall(checker: Checker, node: Call, scope: Scope): Typed {
  return node.object === undefined ? checkFunction(checker, node, scope) : checkMethod(checker, node, node.object, scope);
}

function checkFunction(checker: Checker, node: Call, scope: Scope): Typed {
  const place: Range = { start: node.start, end: node.end };
  switch (node.name) {
    case 'date':
      return checkDate(checker, node);
    case 'if': {
      if (!hasArguments(checker, node, 3, 3)) return unknown(place);
      const [test, then, otherwise] = node.args as [Expression, Expression, Expression];
      const typedThen = checkOperand(checker, then, scope);
      const typedElse = checkOperand(checker, otherwise, scope);
      const type = unify(typedThen.type, typedElse.type);
      if (type === undefined) {
        checker.report({
          code: 'RC1208',
          severity: 'error',
          message: `both outcomes of \`if\` are of one type: first ${withArticle(describeType(typedThen.type))}, then ${withArticle(describeType(typedElse.type))}`,
          start: otherwise.start,
          end: otherwise.end,
          ...hintOfLikes(typedThen.type, typedElse.type),
        });
      }
      return { kind: 'if', test: checker.condition(test, scope), then: typedThen, otherwise: typedElse, type: type ?? scalar('any'), ...place };
    }
    case 'inSegment': {
      if (!hasArguments(checker, node, 1, 1)) return unknown(place);
      const [argument] = node.args;
      if (argument?.kind === 'broken') return unknown(place);
      if (argument?.kind !== 'string') {
        checker.report({
          code: 'RC1208',
          severity: 'error',
          message: 'inSegment wants the name of a segment as a text',
          ...place,
          hint: 'inSegment("lapsed-loyalty")',
        });
        return unknown(place);
      }
      const { segments } = checker.options;
      if (segments !== undefined && !segments.has(argument.value)) {
        const near = nearest(argument.value, segments);
        checker.report({
          code: 'RC1213',
          severity: 'error',
          message: `the Attributes \`${checker.options.attributes}\` have no segment \`${argument.value}\``,
          start: argument.start,
          end: argument.end,
          ...(near === undefined ? {} : { hint: `did you mean \`${near}\`?` }),
        });
      }
      return { kind: 'segment', name: argument.value, type: scalar('boolean'), ...place };
    }
    case 'currentMonth':
    case 'currentYear':
    case 'currentDayOfMonth':
      return hasArguments(checker, node, 0, 0) ? pure(node.name, [], scalar('integer'), place) : unknown(place);
    case 'count':
    case 'sum':
    case 'average':
    case 'min':
    case 'max': {
      // `count(xEvent)` for `xEvent.count()`.
      const [source, ...rest] = node.args;
      return source === undefined ? (hasArguments(checker, node, 1, 2), unknown(place)) : checkMethod(checker, { ...node, args: rest }, source, scope);
    }
    default: {
      checker.report({
        code: 'RC1210',
        severity: 'error',
        message: `unknown function \`${node.name}\``,
        ...node.nameRange,
        ...(MOMENTS.has(node.name.toLowerCase())
          ? { hint: `\`${node.name.toLowerCase()}\` stands without brackets` }
          : METHODS.includes(node.name)
            ? { hint: `did you mean \`x.${node.name}(…)\`?` }
            : insteadOf(node.name, [...FUNCTIONS, ...METHODS])),
      });
      return unknown(place);
    }
  }
}

const MOMENTS: ReadonlySet<string> = new Set(['now', 'today', 'yesterday', 'tomorrow']);

function checkDate(checker: Checker, node: Call): Typed {
  const place: Range = { start: node.start, end: node.end };
  if (!hasArguments(checker, node, 3, 3, dayOf(node.args[0])) || node.args.some(isBroken)) return unknown(place);
  const numbers = node.args.map((argument) => (argument.kind === 'number' && /^\d+$/.test(argument.text) ? Number(argument.text) : Number.NaN));
  const [year = 0, month = 0, day = 0] = numbers;
  const found = new Date(0);
  found.setUTCFullYear(year, month - 1, day);
  if (numbers.some(Number.isNaN) || year < 1 || year > 9999 || found.getUTCMonth() !== month - 1 || found.getUTCDate() !== day) {
    checker.report({
      code: 'RC1208',
      severity: 'error',
      message: 'date wants a day that exists: year, month, day as whole numbers',
      ...place,
      hint: 'date(2020, 3, 14)',
    });
    return unknown(place);
  }
  const text = `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
  return { kind: 'date', day: text, type: scalar('date'), ...place };
}

/** How a day given as a text is written. */
function dayOf(argument: Expression | undefined): string {
  const [, year, month, day] = (argument?.kind === 'string' && /^(\d{4})-(\d{2})-(\d{2})/.exec(argument.value)) || [undefined, '2020', '3', '14'];
  return `date(${Number(year)}, ${Number(month)}, ${Number(day)})`;
}

/** The operator that a method is another spelling of. */
function asInfix({ name, args, start, end }: Call, object: Expression): Expression | undefined {
  const [arg] = args;
  if (arg === undefined || args.length > 1) return undefined;
  if (name === 'like') return { kind: 'like', value: object, pattern: arg, start, end };
  return name === 'in' || name === 'notIn' ? { kind: 'in', negated: name === 'notIn', value: object, list: arg, start, end } : undefined;
}

function checkMethod(checker: Checker, node: Call, objectNode: Expression, scope: Scope): Typed {
  const place: Range = { start: node.start, end: node.end };
  const infix = asInfix(node, objectNode);
  // With its object, whose mistakes are told once.
  if (infix !== undefined) return checker.check(infix, scope);
  const object = checker.check(objectNode, scope);
  const bool = scalar('boolean');
  const arg = (index: number): Expression => node.args[index] ?? { kind: 'broken', ...place };
  const count = (least: number, most = least): boolean => hasArguments(checker, node, least, most);
  const text = (index: number): Typed => checker.expect(checker.check(arg(index), scope), 'a string', isString);
  const negated = (typed: Typed): Typed => ({ kind: 'not', operand: typed, type: bool, ...place });
  switch (node.name) {
    case 'isNull':
    case 'isNotNull': {
      if (!count(0)) return unknown(place);
      const isNull = pure('isNull', [object], bool, place);
      return node.name === 'isNull' ? isNull : negated(isNull);
    }
    case 'like':
    case 'in':
    case 'notIn':
      // With one argument it is the operator.
      count(1);
      return unknown(place);
    case 'startsWith':
    case 'endsWith':
    case 'contains':
    case 'equals':
    case 'doesNotStartWith':
    case 'doesNotEndWith':
    case 'doesNotContain':
    case 'notEqualTo': {
      if (!count(1, 2)) return unknown(place);
      const names = { doesNotStartWith: 'startsWith', doesNotEndWith: 'endsWith', doesNotContain: 'contains', notEqualTo: 'equals' } as const;
      const fn = node.name in names ? names[node.name as keyof typeof names] : (node.name as PureFunction);
      const hint = object.type.kind === 'array' && fn === 'contains' ? 'whether an array has an item is asked with `.includes(…)`' : undefined;
      const subject = checker.expect(object, 'a string', isString, hint);
      const args = [subject, text(0), ...(node.args.length > 1 ? [constantBoolean(checker, arg(1), scope)] : [])];
      if (reportQuotedName(checker, args)) return unknown(place);
      const call = pure(fn, args, bool, place);
      return fn === node.name ? call : negated(call);
    }
    case 'matches':
    case 'regexGroup': {
      if (!count(node.name === 'matches' ? 1 : 2)) return unknown(place);
      const group = arg(1);
      const number = node.name === 'regexGroup' && group.kind === 'number' ? Number(group.text) : 0;
      const args = [checker.expect(object, 'a string', isString), checkPattern(checker, text(0), number)];
      if (node.name === 'matches') return pure('matches', args, bool, place);
      if (isBroken(group)) return unknown(place);
      if (group.kind !== 'number' || !/^\d{1,2}$/.test(group.text)) {
        checker.report({ code: 'RC1208', severity: 'error', message: 'the number of the group is a whole number', start: group.start, end: group.end });
        return unknown(place);
      }
      return pure('regexGroup', [...args, checker.check(group, scope)], scalar('string'), place);
    }
    case 'getMonth':
    case 'getYear':
    case 'getDayOfMonth':
      return count(0) ? pure(node.name, [checker.expect(object, 'a date or timestamp', isTemporal)], scalar('integer'), place) : unknown(place);
    case 'get': {
      if (!count(1)) return unknown(place);
      const map = checker.expect(object, 'a map', ({ kind }) => kind === 'map');
      return pure('get', [map, text(0)], map.type.kind === 'map' ? map.type.value : scalar('any'), place);
    }
    case 'keys':
    case 'values': {
      if (!count(0)) return unknown(place);
      const map = checker.expect(object, 'a map', ({ kind }) => kind === 'map');
      return pure(node.name, [map], arrayOf(node.name === 'keys' ? scalar('string') : map.type.kind === 'map' ? map.type.value : scalar('any')), place);
    }
    case 'includes': {
      if (!count(1)) return unknown(place);
      const item = checker.check(arg(0), scope);
      expectSame(checker, item, itemOf(checker, object, isString(object.type) ? PART_HINT : undefined));
      return pure('includes', [object, item], bool, place);
    }
    case 'intersects':
    case 'intersection':
    case 'subsetOf':
    case 'supersetOf': {
      if (!count(1)) return unknown(place);
      const other = checker.check(arg(0), scope);
      const item = itemOf(checker, object);
      expectSame(checker, { ...other, type: itemOf(checker, other) }, item);
      if (node.name === 'supersetOf') return pure('subsetOf', [other, object], bool, place);
      return pure(node.name, [object, other], node.name === 'intersection' ? object.type : bool, place);
    }
    default:
      return checkCollection(checker, node, object, scope, place);
  }
}

/** Methods of arrays that look at each item. */
function checkCollection(checker: Checker, node: Call, source: Typed, scope: Scope, place: Range): Typed {
  const count = (least: number, most = least): boolean => hasArguments(checker, node, least, most);
  const id = checker.newVariable();
  const ofItem = (index: number): Typed => checker.withItem(node.args[index] ?? { kind: 'broken', ...place }, scope, itemOf(checker, source), id);
  switch (node.name) {
    case 'count':
      if (!hasArguments(checker, node, 0, 0, 'choose the items first: `x[…].count()`')) return unknown(place);
      itemOf(checker, source);
      return aggregate(checker, 'count', source, id, undefined, node.nameRange, place);
    case 'sum':
    case 'average':
    case 'min':
    case 'max': {
      if (!count(0, 1)) return unknown(place);
      const item = itemOf(checker, source);
      const value: Typed = node.args.length === 1 ? ofItem(0) : { kind: 'variable', id, name: '', type: item, start: source.start, end: source.end };
      return aggregate(checker, node.name, source, id, value, node.nameRange, place);
    }
    case 'filter':
      return count(1) ? { kind: 'filter', source, id, condition: asCondition(checker, ofItem(0)), type: source.type, ...place } : unknown(place);
    case 'map': {
      if (!count(1)) return unknown(place);
      const value = ofItem(0);
      return { kind: 'map', source, id, value, type: arrayOf(value.type), ...place };
    }
    case 'groupBy':
      return count(1) ? { kind: 'group', source, id, by: ofItem(0), type: arrayOf(source.type), ...place } : unknown(place);
    case 'topN':
    case 'bottomN': {
      if (!count(2)) return unknown(place);
      const many = node.args[1];
      if (many?.kind === 'broken') return unknown(place);
      if (many?.kind !== 'number' || !/^\d{1,9}$/.test(many.text)) {
        checker.report({
          code: 'RC1208',
          severity: 'error',
          message: 'how many is a whole number',
          start: many?.start ?? place.start,
          end: many?.end ?? place.end,
          hint: `\`.${node.name}(price, 5)\``,
        });
        return unknown(place);
      }
      const by = checker.expect(ofItem(0), 'a value with an order', (type) => isNumeric(type) || isTemporal(type) || type.kind === 'string');
      return { kind: 'top', source, id, by, count: Number(many.text), highest: node.name === 'topN', type: source.type, ...place };
    }
    case 'distinct':
      if (!count(0)) return unknown(place);
      itemOf(checker, source);
      return pure('distinct', [source], source.type, place);
    case 'head':
      return count(0) ? pure('head', [source], itemOf(checker, source), place) : unknown(place);
    default: {
      checker.report({
        code: 'RC1210',
        severity: 'error',
        message: `unknown function \`${node.name}\` of ${withArticle(describeType(source.type))}`,
        ...node.nameRange,
        ...insteadOf(node.name, METHODS),
      });
      return unknown(place);
    }
  }
}

function pure(fn: PureFunction, args: readonly Typed[], type: PqlType, place: Range): Typed {
  return { kind: 'call', fn, args, type, ...place };
}

function expectSame(checker: Checker, typed: Typed, wanted: PqlType): void {
  if (!comparable(typed.type, wanted)) {
    checker.report({
      code: 'RC1208',
      severity: 'error',
      ...describeMismatch(wanted, typed.type),
      start: typed.start,
      end: typed.end,
    });
  }
}

function constantBoolean(checker: Checker, node: Expression, scope: Scope): Typed {
  const typed = checker.check(node, scope);
  if (typed.type.kind === 'any') return typed;
  if (typed.kind !== 'constant' || typeof typed.value !== 'boolean') {
    checker.report({ code: 'RC1208', severity: 'error', message: 'whether case matters is `true` or `false`', start: node.start, end: node.end });
  }
  return typed;
}

function isBroken(node: Expression): boolean {
  return node.kind === 'broken';
}

function hasArguments(checker: Checker, node: Call, least: number, most: number, hint?: string): boolean {
  const found = node.args.length;
  if (found >= least && found <= most) return true;
  // How many there would be is not known, but what they say can be looked at.
  if (node.args.some(isBroken)) return false;
  const wanted = least === most ? String(least) : `${least} to ${most}`;
  checker.report({
    code: 'RC1210',
    severity: 'error',
    message: `\`${node.name}\` takes ${wanted} argument${wanted === '1' ? '' : 's'}, found ${found}`,
    start: node.nameRange.start,
    end: node.end,
    ...(hint === undefined ? {} : { hint }),
  });
  return false;
}
