import type { Expression, PqlProblem, Range } from '../ast.ts';
import type { ProfileSchema } from '../profile-schema.ts';
import { arrayOf, comparable, describeType, isNumeric, isTemporal, scalar, unify, type PqlType } from '../type.ts';
import type { Typed, VariableId } from '../typed.ts';
import { aggregate } from './check-aggregate.ts';
import { checkCall } from './check-call.ts';
import { checkBinding, checkQuantifier } from './check-binding.ts';
import { checkChain } from './check-chain.ts';
import { checkNumber, checkText } from './check-constant.ts';
import { checkWindow } from './check-window.ts';
import { findDeepNesting } from './check-nesting.ts';
import { hintOfLikes, reportMismatch, reportQuotedName } from './describe-mismatch.ts';
import { misplacedProjection, resolveMembers, resolvePath, unknown, withArticle } from './resolve-path.ts';
import { outside, TOP, withElement, withProfile, withVariable, type Scope } from './scope.ts';

export interface CheckOptions {
  readonly schema: ProfileSchema;
  /** Name of the Attributes resource, for messages. */
  readonly attributes: string;
  /** Names of the segments that `inSegment` may mean; undefined when they are checked elsewhere. */
  readonly segments?: ReadonlySet<string>;
}

export interface CheckedPql {
  /** Undefined when there are errors. */
  readonly typed: Typed | undefined;
  readonly problems: readonly PqlProblem[];
}

/** What the parts of the checker share. */
export interface Checker {
  readonly options: CheckOptions;
  check(expression: Expression, scope: Scope): Typed;
  /** Checks a condition: a boolean, or an array, which holds when it is not empty. */
  condition(expression: Expression, scope: Scope): Typed;
  /** Checks and demands a kind of type. */
  expect(typed: Typed, wanted: string, holds: (type: PqlType) => boolean, hint?: string): Typed;
  report(problem: PqlProblem): void;
  newVariable(): VariableId;
  /** The function of an element given as `x => …`, or as an expression over the element's own members. */
  withItem(expression: Expression, scope: Scope, item: PqlType, id: VariableId): Typed;
}

/** Types an expression that must be a condition on profiles (a segment's). */
export function checkPql(expression: Expression, options: CheckOptions): CheckedPql {
  const { checker, problems } = createChecker(options);
  const typed = checker.check(expression, TOP);
  const hint = expression.kind === 'lambda' ? '`x => …` is a function of the profile; at least is written `>=`' : undefined;
  return finish(hint === undefined ? asCondition(checker, typed) : asCondition(checker, typed, hint), problems);
}

/** Types an expression of any type (a calculated field's). */
export function checkValue(expression: Expression, options: CheckOptions): CheckedPql {
  const { checker, problems } = createChecker(options);
  return finish(checkOperand(checker, expression, TOP), problems);
}

function finish(typed: Typed, found: readonly PqlProblem[]): CheckedPql {
  const deep = findDeepNesting(typed);
  const problems = deep === undefined ? found : [...found, deep];
  return { typed: problems.some(({ severity }) => severity === 'error') ? undefined : typed, problems };
}

function createChecker(options: CheckOptions): { readonly checker: Checker; readonly problems: PqlProblem[] } {
  const problems: PqlProblem[] = [];
  let variables = 0;
  const checker: Checker = {
    options,
    check: (expression, scope) => checkExpression(checker, expression, scope),
    condition: (expression, scope) => asCondition(checker, checker.check(expression, scope)),
    expect(typed, wanted, holds, hint) {
      if (typed.type.kind === 'any' || typed.type.kind === 'null' || holds(typed.type)) return typed;
      const misplaced = misplacedProjection(typed);
      if (misplaced !== undefined) problems.push(misplaced);
      else
        problems.push({
          code: 'RC1208',
          severity: 'error',
          message: `expected ${wanted}, found ${withArticle(describeType(typed.type))}`,
          start: typed.start,
          end: typed.end,
          ...(hint === undefined ? {} : { hint }),
        });
      return typed;
    },
    report: (problem) => void problems.push(problem),
    newVariable: () => (variables += 1),
    withItem(expression, scope, item, id) {
      if (expression.kind !== 'lambda') return checkOperand(checker, expression, withElement(scope, id, item));
      const [parameter, second] = expression.parameters;
      if (parameter === undefined || second !== undefined) {
        checker.report({
          code: 'RC1210',
          severity: 'error',
          message: 'this function takes one parameter, the item',
          start: expression.start,
          end: expression.end,
        });
        return unknown(expression);
      }
      return checkOperand(checker, expression.body, withVariable(scope, parameter.name, id, item));
    },
  };
  return { checker, problems };
}

/** Checks where a value of any type will do. A folder of attributes is none: it can be asked for being null, and for nothing else. */
export function checkOperand(checker: Checker, expression: Expression, scope: Scope): Typed {
  const typed = checker.check(expression, scope);
  if (typed.kind !== 'folder') return typed;
  const [first = ''] = typed.paths;
  checker.report({
    code: 'RC1208',
    severity: 'error',
    message: 'a folder of attributes has no value of its own',
    start: typed.start,
    end: typed.end,
    hint: `name one of them, \`${first}\`, or ask the folder itself for \`.isNull()\``,
  });
  return unknown(typed);
}

function hintForCondition(typed: Typed): string | undefined {
  if (typed.kind === 'field' || typed.kind === 'member') return 'compare it with something: `… = …`, or ask for `.isNotNull()`';
  if (typed.kind === 'number' || typed.kind === 'constant') return 'name what it is compared with: `x = …`; one of several is `x in [1, 2]`';
  return isNumeric(typed.type) ? 'compare it with a number: `… > 0`' : undefined;
}

function checkExpression(checker: Checker, node: Expression, scope: Scope): Typed {
  const place: Range = { start: node.start, end: node.end };
  switch (node.kind) {
    case 'string':
      checkText(checker, node.value, place);
      return { kind: 'constant', value: node.value, type: scalar('string'), ...place };
    case 'boolean':
      return { kind: 'constant', value: node.value, type: scalar(node.kind), ...place };
    case 'null':
      return { kind: 'constant', value: null, type: scalar('null'), ...place };
    case 'number':
      return checkNumber(checker, node.text, place);
    case 'moment':
      if (node.which === 'now') return { kind: 'now', type: scalar('timestamp'), ...place };
      return { kind: 'today', days: node.which === 'today' ? 0 : node.which === 'yesterday' ? -1 : 1, type: scalar('date'), ...place };
    case 'array':
      return checkList(checker, node.items, scope, place);
    case 'name':
    case 'member':
    case 'parameter':
    case 'outer':
      return checkPath(checker, node, scope);
    case 'filter': {
      const source = checker.check(node.object, scope);
      const key = node.condition.kind === 'string' ? node.condition.value : undefined;
      const item = itemOf(checker, source, key === undefined ? undefined : hintForKey(source, key));
      if (source.type.kind !== 'array') return unknown(place);
      const id = checker.newVariable();
      const hint = node.condition.kind === 'number' ? '`[…]` takes a condition on the items; the first one is `.head()`' : undefined;
      const condition = asCondition(checker, checker.withItem(node.condition, scope, item, id), hint);
      // What one item would be is taken from the list otherwise, and told as wrong once more.
      if (node.condition.kind === 'number') return unknown(place);
      return { kind: 'filter', source, id, condition, type: source.type, ...place };
    }
    case 'not':
      return { kind: 'not', operand: checker.condition(node.operand, scope), type: scalar('boolean'), ...place };
    case 'negate': {
      if (node.operand.kind === 'number') return checkNumber(checker, `-${node.operand.text}`, place);
      const operand = checker.expect(checker.check(node.operand, scope), 'a number', isNumeric);
      return { kind: 'negate', operand, type: operand.type, ...place };
    }
    case 'logic':
      return {
        kind: 'logic',
        operator: node.operator,
        operands: node.operands.map((operand) => checker.condition(operand, scope)),
        type: scalar('boolean'),
        ...place,
      };
    case 'compare': {
      const left = checker.check(node.left, scope);
      const right = checker.check(node.right, scope);
      if (!comparable(left.type, right.type)) reportMismatch(checker, left, right, node.operator);
      else if (reportQuotedName(checker, [left, right])) return unknown(place);
      else if (node.operator !== '=' && node.operator !== '!=' && (unordered(left.type) || unordered(right.type))) {
        checker.report({
          code: 'RC1208',
          severity: 'error',
          message: `${withArticle(describeType(left.type))} has no order; \`${node.operator}\` cannot be asked of it`,
          ...place,
          hint: 'compare with `=` or `!=`',
        });
      } else if (left.type.kind === 'null' || right.type.kind === 'null') {
        checker.report({
          code: 'RC1211',
          severity: 'error',
          message: 'a comparison with null is never true',
          ...place,
          hint: 'write `.isNull()` or `.isNotNull()`',
        });
      }
      return { kind: 'compare', operator: node.operator, left, right, type: scalar('boolean'), ...place };
    }
    case 'arithmetic': {
      const [left, right] = [node.left, node.right].map((operand) => expectNumber(checker, checker.check(operand, scope))) as [Typed, Typed];
      const type = node.operator === '/' ? scalar('double') : (unify(left.type, right.type) ?? scalar('any'));
      // The product of two exact decimals may need more digits than any engine keeps.
      return {
        kind: 'arithmetic',
        operator: node.operator,
        left,
        right,
        type: node.operator === '*' && type.kind === 'decimal' ? scalar('double') : type,
        ...place,
      };
    }
    case 'in': {
      const value = checker.check(node.value, scope);
      const list = checker.check(node.list, scope);
      const isPart = isString(value.type) && isString(list.type) && list.kind !== 'constant';
      const item = itemOf(checker, list, isPart ? PART_HINT : 'write the values in square brackets: `["US", "CA"]`');
      if (!comparable(value.type, item)) reportMismatch(checker, value, { ...list, type: item }, node.negated ? 'notIn' : 'in');
      else if (list.kind === 'list' && reportQuotedName(checker, [value, ...list.items])) return unknown(place);
      return { kind: 'in', negated: node.negated, value, list, type: scalar('boolean'), ...place };
    }
    case 'like': {
      const value = checker.expect(checker.check(node.value, scope), 'a string', isString);
      const pattern = checker.check(node.pattern, scope);
      if (pattern.type.kind === 'any') return unknown(place);
      if (pattern.kind !== 'constant' || typeof pattern.value !== 'string') {
        checker.report({
          code: 'RC1208',
          severity: 'error',
          message: 'the pattern of `like` is a text',
          start: pattern.start,
          end: pattern.end,
          hint: '`%` stands for anything, `_` for one character',
        });
        return unknown(place);
      }
      if (reportQuotedName(checker, [value, pattern])) return unknown(place);
      return { kind: 'like', value, pattern: pattern.value, type: scalar('boolean'), ...place };
    }
    case 'let': {
      const value = checkOperand(checker, node.value, scope);
      const id = checker.newVariable();
      const body = checker.check(node.body, withVariable(scope, node.name, id, value.type));
      return { kind: 'let', id, name: node.name, value, body, type: body.type, ...place };
    }
    case 'quantifier':
      return checkQuantifier(checker, node.quantifier, node.bindings, scope, place);
    case 'select': {
      const { source, id, condition } = checkBinding(checker, node.binding, scope);
      return condition === undefined ? source : { kind: 'filter', source, id, condition, type: source.type, ...place };
    }
    case 'aggregate': {
      const { source, id, condition, inner } = checkBinding(checker, node.binding, scope);
      const filtered: Typed =
        condition === undefined ? source : { kind: 'filter', source, id, condition, type: source.type, start: source.start, end: node.end };
      return aggregate(checker, node.fn, filtered, id, checker.check(node.value, inner), place, place);
    }
    case 'occurs':
      return {
        kind: 'occurs',
        subject: checker.expect(checker.check(node.subject, scope), 'a date or timestamp', isTemporal),
        window: checkWindow(checker, node.window, scope),
        type: scalar('boolean'),
        ...place,
      };
    case 'chain':
      return checkChain(checker, node, scope);
    case 'lambda': {
      // `(P) => …` around the whole expression names the profile.
      const [parameter, more] = node.parameters;
      if (scope !== TOP || parameter === undefined || more !== undefined) {
        checker.report({
          code: 'RC1210',
          severity: 'error',
          message: 'a function is only allowed around the whole expression, with one parameter, or as an argument',
          ...place,
        });
        return unknown(place);
      }
      return checker.check(node.body, withProfile(scope, parameter.name));
    }
    case 'call':
      return checkCall(checker, node, scope);
    case 'broken':
      for (const path of node.paths ?? []) checker.check(path, scope);
      return unknown(place);
  }
}

function checkList(checker: Checker, items: readonly Expression[], scope: Scope, place: Range): Typed {
  const typed = items.map((item) => checkOperand(checker, item, scope));
  let type: PqlType = scalar('any');
  for (const item of typed) {
    const both = unify(type, item.type);
    if (both === undefined) {
      checker.report({
        code: 'RC1208',
        severity: 'error',
        message: `the items of a list are of one type: ${describeType(type)} before, here ${withArticle(describeType(item.type))}`,
        start: item.start,
        end: item.end,
        ...hintOfLikes(type, item.type),
      });
      break;
    }
    type = both;
  }
  return { kind: 'list', items: typed, type: arrayOf(type), ...place };
}

function checkPath(checker: Checker, node: Expression, scope: Scope): Typed {
  const parts: { readonly name: string; readonly range: Range }[] = [];
  let base = node;
  while (base.kind === 'member') {
    parts.unshift({ name: base.name, range: base.nameRange });
    base = base.object;
  }
  const { schema, attributes } = checker.options;
  switch (base.kind) {
    case 'name':
      return resolvePath([{ name: base.name, range: { start: base.start, end: base.end } }, ...parts], scope, schema, attributes, checker);
    case 'outer':
      return resolvePath([{ name: base.name, range: base.nameRange }, ...parts], outside(scope, base.levels), schema, attributes, checker);
    case 'parameter':
      if (base.index !== 1 || parts.length === 0) {
        checker.report({
          code: 'RC1210',
          severity: 'error',
          message:
            base.index === 1 ? '`$1` is the profile; take an attribute of it' : `there is no \`$${base.index}\`: a segment has one parameter, the profile`,
          start: base.start,
          end: base.end,
          hint: '`$1.homeAddress.city`',
        });
        return unknown(node);
      }
      return resolvePath(parts, TOP, schema, attributes, checker);
    default:
      return resolveMembers(checker.check(base, scope), parts, checker);
  }
}

/** The type of an array's items; a problem when it is no array. */
export function itemOf(checker: Checker, source: Typed, hint = 'an array is needed here: an array attribute, xEvent, or […]'): PqlType {
  if (source.type.kind === 'array') return source.type.item;
  checker.expect(source, 'an array', () => false, hint);
  return scalar('any');
}

/** A boolean, or an array, which holds when it is not empty. */
export function asCondition(checker: Checker, typed: Typed, hint = hintForCondition(typed)): Typed {
  if (typed.type.kind !== 'array' || misplacedProjection(typed) !== undefined)
    return checker.expect(typed, 'a condition (true or false)', ({ kind }) => kind === 'boolean', hint);
  const { start, end } = typed;
  return { kind: 'quantifier', quantifier: 'exists', source: typed, id: checker.newVariable(), condition: undefined, type: scalar('boolean'), start, end };
}

function expectNumber(checker: Checker, operand: Typed): Typed {
  return checker.expect(
    operand,
    'a number',
    isNumeric,
    isTemporal(operand.type) ? 'how long ago is asked with `occurs`: `x occurs <= 30 days before now`' : undefined,
  );
}

/** What `x["key"]` of other languages is here. */
function hintForKey(source: Typed, key: string): string | undefined {
  if (source.type.kind === 'map') return `write \`.get("${key}")\``;
  return source.type.kind === 'object' ? `write \`.${key}\`` : undefined;
}

export const PART_HINT = 'whether a text has a part is asked with `.contains("…")`';

function unordered(type: PqlType): boolean {
  return type.kind === 'boolean' || type.kind === 'array';
}

export function isString(type: PqlType): boolean {
  return type.kind === 'string';
}
