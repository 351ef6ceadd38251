import { EmbeddedActionsParser, EOF, type IToken, type TokenType } from 'chevrotain';
import type { ArithmeticOperator, Binding, ChainStep, CompareOperator, Direction, Expression, Range, Time, Window } from '../ast.ts';
import {
  And,
  Arrow,
  Bang,
  Between,
  Close,
  CloseList,
  Colon,
  Comma,
  Compare,
  Dot,
  Exists,
  False,
  Forall,
  From,
  Identifier,
  In,
  Let,
  Like,
  Minus,
  Moment,
  Name,
  Not,
  NotIn,
  Null,
  NumberText,
  Occurs,
  On,
  Open,
  OpenList,
  Or,
  Over,
  Parameter,
  Period,
  Plus,
  Select,
  Side,
  Text,
  Times,
  TOKENS,
  True,
  Up,
  Where,
  Word,
} from './tokens.ts';
import { readText } from './read-text.ts';

const AGGREGATES = new Set(['count', 'sum', 'average', 'avg', 'min', 'max']);
const BROKEN: Expression = { kind: 'broken', start: 0, end: 0 };

/**
 * The grammar of PQL (activation-rules 7). Rules from loose to tight: or, and, not, comparison, sum, product, sign, postfix, primary.
 * Actions build the tree at once; after an error the parser goes on at the next sensible token, so that several mistakes are told in one go.
 */
class PqlGrammar extends EmbeddedActionsParser {
  constructor() {
    super(TOKENS, { recoveryEnabled: true, skipValidations: true, maxLookahead: 2, nodeLocationTracking: 'none' });
    this.performSelfAnalysis();
  }

  readonly program = this.RULE(
    'program',
    (): Expression => {
      const expression = this.SUBRULE(this.argument);
      this.CONSUME(EOF);
      return expression;
    },
    { recoveryValueFunc: () => BROKEN },
  );

  /** An expression, or a function of its own such as `(P) => P.city = "X"`. */
  readonly argument = this.RULE(
    'argument',
    (): Expression => {
      let result: Expression = BROKEN;
      this.OR([{ GATE: () => this.isLambda(), ALT: () => (result = this.SUBRULE(this.lambda)) }, { ALT: () => (result = this.SUBRULE(this.disjunction)) }]);
      return result;
    },
    { recoveryValueFunc: () => BROKEN },
  );

  private readonly lambda = this.RULE(
    'lambda',
    (): Expression => {
      const parameters: IToken[] = [];
      let start: IToken | undefined;
      this.OR([
        {
          ALT: () => {
            start = this.CONSUME(Open);
            this.MANY_SEP({ SEP: Comma, DEF: () => parameters.push(this.CONSUME(Name)) });
            this.CONSUME(Close);
          },
        },
        { ALT: () => parameters.push((start = this.CONSUME2(Name))) },
      ]);
      this.CONSUME(Arrow);
      const body = this.SUBRULE(this.argument);
      return {
        kind: 'lambda',
        parameters: parameters.map((token) => ({ name: token.image, range: rangeOf(token) })),
        body,
        start: start?.startOffset ?? 0,
        end: body.end,
      };
    },
    { recoveryValueFunc: () => BROKEN },
  );

  private readonly disjunction = this.RULE(
    'disjunction',
    (): Expression => {
      const operands = [this.SUBRULE(this.conjunction)];
      this.MANY(() => {
        this.CONSUME(Or);
        operands.push(this.SUBRULE2(this.conjunction));
      });
      return logic('or', operands);
    },
    { recoveryValueFunc: () => BROKEN },
  );

  private readonly conjunction = this.RULE(
    'conjunction',
    (): Expression => {
      const operands = [this.SUBRULE(this.negation)];
      this.MANY(() => {
        this.CONSUME(And);
        operands.push(this.SUBRULE2(this.negation));
      });
      return logic('and', operands);
    },
    { recoveryValueFunc: () => BROKEN },
  );

  private readonly negation = this.RULE(
    'negation',
    (): Expression => {
      const nots: IToken[] = [];
      this.MANY(() => this.OR([{ ALT: () => nots.push(this.CONSUME(Not)) }, { ALT: () => nots.push(this.CONSUME(Bang)) }]));
      const operand = this.SUBRULE(this.comparison);
      return nots.reduceRight<Expression>((inner, token) => ({ kind: 'not', operand: inner, start: token.startOffset, end: inner.end }), operand);
    },
    { recoveryValueFunc: () => BROKEN },
  );

  private readonly comparison = this.RULE(
    'comparison',
    (): Expression => {
      let left = this.SUBRULE(this.sum);
      this.OPTION(() =>
        this.OR([
          {
            ALT: () => {
              const operator = this.CONSUME(Compare).image as CompareOperator;
              const right = this.SUBRULE2(this.sum);
              left = { kind: 'compare', operator, left, right, start: left.start, end: right.end };
            },
          },
          {
            ALT: () => {
              this.CONSUME(In);
              const list = this.SUBRULE3(this.sum);
              left = { kind: 'in', negated: false, value: left, list, start: left.start, end: list.end };
            },
          },
          {
            ALT: () => {
              this.CONSUME(NotIn);
              const list = this.SUBRULE4(this.sum);
              left = { kind: 'in', negated: true, value: left, list, start: left.start, end: list.end };
            },
          },
          {
            ALT: () => {
              this.CONSUME(Like);
              const pattern = this.SUBRULE5(this.sum);
              left = { kind: 'like', value: left, pattern, start: left.start, end: pattern.end };
            },
          },
          {
            ALT: () => {
              this.CONSUME(Occurs);
              const window = this.SUBRULE(this.window);
              left = { kind: 'occurs', subject: left, window, start: left.start, end: window.end };
            },
          },
        ]),
      );
      return left;
    },
    { recoveryValueFunc: () => BROKEN },
  );

  private readonly sum = this.RULE(
    'sum',
    (): Expression => {
      let left = this.SUBRULE(this.product);
      this.MANY(() => {
        let operator: IToken | undefined;
        this.OR([{ ALT: () => (operator = this.CONSUME(Plus)) }, { ALT: () => (operator = this.CONSUME(Minus)) }]);
        const right = this.SUBRULE2(this.product);
        left = { kind: 'arithmetic', operator: (operator?.image ?? '+') as ArithmeticOperator, left, right, start: left.start, end: right.end };
      });
      return left;
    },
    { recoveryValueFunc: () => BROKEN },
  );

  private readonly product = this.RULE(
    'product',
    (): Expression => {
      let left = this.SUBRULE(this.signed);
      this.MANY(() => {
        const operator = this.CONSUME(Times).image as ArithmeticOperator;
        const right = this.SUBRULE2(this.signed);
        left = { kind: 'arithmetic', operator, left, right, start: left.start, end: right.end };
      });
      return left;
    },
    { recoveryValueFunc: () => BROKEN },
  );

  private readonly signed = this.RULE(
    'signed',
    (): Expression => {
      const signs: IToken[] = [];
      this.MANY(() => signs.push(this.CONSUME(Minus)));
      const operand = this.SUBRULE(this.postfix);
      return signs.reduceRight<Expression>((inner, token) => ({ kind: 'negate', operand: inner, start: token.startOffset, end: inner.end }), operand);
    },
    { recoveryValueFunc: () => BROKEN },
  );

  private readonly postfix = this.RULE(
    'postfix',
    (): Expression => {
      let object = this.SUBRULE(this.primary);
      this.MANY(() =>
        this.OR([
          {
            ALT: () => {
              this.CONSUME(Dot);
              const name = this.CONSUME(Word);
              let args: readonly Expression[] | undefined;
              let close: IToken | undefined;
              this.OPTION(() => {
                this.CONSUME(Open);
                args = this.SUBRULE(this.args);
                close = this.CONSUME(Close);
              });
              const place = { start: object.start, end: close === undefined ? endOf(name) : endOf(close) };
              object =
                args === undefined
                  ? { kind: 'member', object, name: name.image, nameRange: rangeOf(name), ...place }
                  : { kind: 'call', object, name: name.image, nameRange: rangeOf(name), args, ...place };
            },
          },
          {
            ALT: () => {
              this.CONSUME(OpenList);
              const condition = this.SUBRULE(this.argument);
              const close = this.CONSUME(CloseList);
              object = { kind: 'filter', object, condition, start: object.start, end: endOf(close) };
            },
          },
        ]),
      );
      return object;
    },
    { recoveryValueFunc: () => BROKEN },
  );

  private readonly args = this.RULE(
    'args',
    (): readonly Expression[] => {
      const list: Expression[] = [];
      this.MANY_SEP({ SEP: Comma, DEF: () => list.push(this.SUBRULE(this.argument)) });
      return list;
    },
    { recoveryValueFunc: () => [] },
  );

  private readonly primary = this.RULE(
    'primary',
    (): Expression => {
      let result: Expression = BROKEN;
      this.OR([
        { ALT: () => (result = this.SUBRULE(this.constant)) },
        { ALT: () => (result = this.SUBRULE(this.group)) },
        { ALT: () => (result = this.SUBRULE(this.list)) },
        { ALT: () => (result = this.SUBRULE(this.letIn)) },
        { ALT: () => (result = this.SUBRULE(this.quantifier)) },
        { ALT: () => (result = this.SUBRULE(this.selection)) },
        { ALT: () => (result = this.SUBRULE(this.outer)) },
        {
          ALT: () => {
            const token = this.CONSUME(Parameter);
            result = { kind: 'parameter', index: Number(token.image.slice(1)), ...rangeOf(token) };
          },
        },
        { GATE: () => this.isChain(), ALT: () => (result = this.SUBRULE(this.chain)) },
        { GATE: () => this.isAggregate(), ALT: () => (result = this.SUBRULE(this.aggregate)) },
        { GATE: () => this.LA(2).tokenType === Open, ALT: () => (result = this.SUBRULE(this.call)) },
        { GATE: () => this.isMoment(), ALT: () => (result = this.SUBRULE(this.moment)) },
        {
          ALT: () => {
            const token = this.CONSUME(Name);
            result = { kind: 'name', name: token.image, ...rangeOf(token) };
          },
        },
      ]);
      return result;
    },
    { recoveryValueFunc: () => BROKEN },
  );

  private readonly constant = this.RULE(
    'constant',
    (): Expression => {
      let result: Expression = BROKEN;
      this.OR([
        {
          ALT: () => {
            const token = this.CONSUME(Text);
            result = { kind: 'string', value: this.ACTION(() => readText(token.image)), ...rangeOf(token) };
          },
        },
        {
          ALT: () => {
            const token = this.CONSUME(NumberText);
            result = { kind: 'number', text: token.image, ...rangeOf(token) };
          },
        },
        {
          ALT: () => {
            const token = this.CONSUME(True);
            result = { kind: 'boolean', value: true, ...rangeOf(token) };
          },
        },
        {
          ALT: () => {
            const token = this.CONSUME(False);
            result = { kind: 'boolean', value: false, ...rangeOf(token) };
          },
        },
        {
          ALT: () => {
            const token = this.CONSUME(Null);
            result = { kind: 'null', ...rangeOf(token) };
          },
        },
      ]);
      return result;
    },
    { recoveryValueFunc: () => BROKEN },
  );

  private readonly moment = this.RULE(
    'moment',
    (): Expression => {
      const token = this.CONSUME(Moment);
      return { kind: 'moment', which: token.image.toLowerCase() as 'now', ...rangeOf(token) };
    },
    { recoveryValueFunc: () => BROKEN },
  );

  private readonly group = this.RULE(
    'group',
    (): Expression => {
      const open = this.CONSUME(Open);
      const inner = this.SUBRULE(this.argument);
      const close = this.CONSUME(Close);
      return { ...inner, start: open.startOffset, end: endOf(close) };
    },
    { recoveryValueFunc: () => BROKEN },
  );

  private readonly list = this.RULE(
    'list',
    (): Expression => {
      const open = this.CONSUME(OpenList);
      const items = this.SUBRULE(this.args);
      const close = this.CONSUME(CloseList);
      return { kind: 'array', items, start: open.startOffset, end: endOf(close) };
    },
    { recoveryValueFunc: () => BROKEN },
  );

  private readonly letIn = this.RULE(
    'letIn',
    (): Expression => {
      const start = this.CONSUME(Let);
      const name = this.CONSUME(Name);
      this.CONSUME(Compare);
      // `in` belongs to `let` here, so the value is read without comparisons; brackets allow them.
      const value = this.SUBRULE(this.sum);
      this.CONSUME(In);
      const body = this.SUBRULE(this.disjunction);
      return { kind: 'let', name: name.image, value, body, start: start.startOffset, end: body.end };
    },
    { recoveryValueFunc: () => BROKEN },
  );

  private readonly quantifier = this.RULE(
    'quantifier',
    (): Expression => {
      let start: IToken | undefined;
      this.OR([{ ALT: () => (start = this.CONSUME(Exists)) }, { ALT: () => (start = this.CONSUME(Forall)) }]);
      const bindings = [this.SUBRULE(this.binding)];
      this.MANY({
        // A comma may also belong to what is around: `if (exists E from A: C, 1, 2)`.
        GATE: () => this.LA(3).tokenType === From,
        DEF: () => {
          this.CONSUME(Comma);
          bindings.push(this.SUBRULE2(this.binding));
        },
      });
      const end = bindings.at(-1);
      return {
        kind: 'quantifier',
        quantifier: this.ACTION(() => (start?.tokenType === Forall ? 'forall' : 'exists')),
        bindings,
        start: start?.startOffset ?? 0,
        end: endOfBinding(end),
      };
    },
    { recoveryValueFunc: () => BROKEN },
  );

  private readonly selection = this.RULE(
    'selection',
    (): Expression => {
      const start = this.CONSUME(Select);
      const binding = this.SUBRULE(this.binding);
      return { kind: 'select', binding, start: start.startOffset, end: endOfBinding(binding) };
    },
    { recoveryValueFunc: () => BROKEN },
  );

  private readonly binding = this.RULE(
    'binding',
    (): Binding => {
      const name = this.CONSUME(Name);
      this.CONSUME(From);
      const from = this.SUBRULE(this.sum);
      let where: Expression | undefined;
      this.OPTION(() => {
        this.OR([{ ALT: () => this.CONSUME(Where) }, { ALT: () => this.CONSUME(Colon) }]);
        where = this.SUBRULE(this.disjunction);
      });
      return { name: name.image, nameRange: rangeOf(name), from, where };
    },
    { recoveryValueFunc: () => ({ name: '', nameRange: BROKEN, from: BROKEN, where: undefined }) },
  );

  private readonly aggregate = this.RULE(
    'aggregate',
    (): Expression => {
      const fn = this.CONSUME(Name);
      const value = this.SUBRULE(this.sum);
      this.CONSUME(Over);
      const binding = this.SUBRULE(this.binding);
      return { kind: 'aggregate', fn: fn.image, value, binding, start: fn.startOffset, end: endOfBinding(binding) };
    },
    { recoveryValueFunc: () => BROKEN },
  );

  private readonly call = this.RULE(
    'call',
    (): Expression => {
      const name = this.CONSUME(Name);
      this.CONSUME(Open);
      const args = this.SUBRULE(this.args);
      const close = this.CONSUME(Close);
      let result: Expression = {
        kind: 'call',
        object: undefined,
        name: name.image,
        nameRange: rangeOf(name),
        args,
        start: name.startOffset,
        end: endOf(close),
      };
      // `sum(X.total) over X from xEvent`: the brackets belong to the value.
      this.OPTION({
        GATE: () => AGGREGATES.has(name.image.toLowerCase()),
        DEF: () => {
          this.CONSUME(Over);
          const binding = this.SUBRULE(this.binding);
          result = { kind: 'aggregate', fn: name.image, value: args[0] ?? BROKEN, binding, start: name.startOffset, end: endOfBinding(binding) };
        },
      });
      return result;
    },
    { recoveryValueFunc: () => BROKEN },
  );

  private readonly outer = this.RULE(
    'outer',
    (): Expression => {
      const up = this.CONSUME(Up);
      this.OPTION(() => this.CONSUME(Dot));
      const name = this.CONSUME(Word);
      return { kind: 'outer', levels: up.image.length, name: name.image, nameRange: rangeOf(name), start: up.startOffset, end: endOf(name) };
    },
    { recoveryValueFunc: () => BROKEN },
  );

  private readonly window = this.RULE(
    'window',
    (): Window => {
      let result: Window | undefined;
      this.OR([
        { ALT: () => (result = this.SUBRULE(this.distance)) },
        {
          ALT: () => {
            const start = this.CONSUME(Between);
            const from = this.SUBRULE(this.time);
            this.CONSUME(And);
            const to = this.SUBRULE2(this.time);
            result = { form: 'between', from, to, start: start.startOffset, end: to.end };
          },
        },
        {
          GATE: () => this.LA(2).tokenType !== Dot,
          ALT: () => {
            const side = this.CONSUME(Side);
            const time = this.SUBRULE3(this.time);
            result = { form: 'side', direction: side.image.toLowerCase() as Direction, time, start: side.startOffset, end: time.end };
          },
        },
        {
          ALT: () => {
            const side = this.CONSUME(From);
            const time = this.SUBRULE4(this.time);
            result = { form: 'side', direction: 'from', time, start: side.startOffset, end: time.end };
          },
        },
        {
          ALT: () => {
            this.OPTION({ GATE: () => this.LA(2).tokenType !== Dot, DEF: () => this.CONSUME(On) });
            const time = this.SUBRULE5(this.time);
            result = { form: 'on', time, start: time.start, end: time.end };
          },
        },
      ]);
      return result ?? { form: 'on', time: { kind: 'expression', expression: BROKEN, start: 0, end: 0 }, start: 0, end: 0 };
    },
    { recoveryValueFunc: (): Window => ({ form: 'on', time: { kind: 'expression', expression: BROKEN, start: 0, end: 0 }, start: 0, end: 0 }) },
  );

  private readonly distance = this.RULE(
    'distance',
    (): Window => {
      const operator = this.CONSUME(Compare);
      const amount = this.CONSUME(NumberText);
      const unit = this.CONSUME(Name);
      let side: IToken | undefined;
      this.OR([{ ALT: () => (side = this.CONSUME(Side)) }, { ALT: () => (side = this.CONSUME(From)) }]);
      const time = this.SUBRULE(this.time);
      return {
        form: 'distance',
        operator: operator.image as CompareOperator,
        amount: Number(amount.image),
        unit: unit.image,
        unitRange: rangeOf(unit),
        direction: (side?.image.toLowerCase() ?? 'before') as Direction,
        time,
        start: operator.startOffset,
        end: time.end,
      };
    },
    { recoveryValueFunc: (): Window => ({ form: 'on', time: { kind: 'expression', expression: BROKEN, start: 0, end: 0 }, start: 0, end: 0 }) },
  );

  private readonly time = this.RULE(
    'time',
    (): Time => {
      let result: Time | undefined;
      this.OR([
        {
          GATE: () => this.LA(2).tokenType !== Dot && this.LA(2).tokenType !== Open,
          ALT: () => {
            const which = this.CONSUME(Period);
            const unit = this.CONSUME(Name);
            result = {
              kind: 'period',
              which: which.image.toLowerCase() as 'this',
              unit: unit.image,
              unitRange: rangeOf(unit),
              start: which.startOffset,
              end: endOf(unit),
            };
          },
        },
        {
          ALT: () => {
            const expression = this.SUBRULE(this.sum);
            result = { kind: 'expression', expression, start: expression.start, end: expression.end };
          },
        },
      ]);
      return result ?? { kind: 'expression', expression: BROKEN, start: 0, end: 0 };
    },
    { recoveryValueFunc: (): Time => ({ kind: 'expression', expression: BROKEN, start: 0, end: 0 }) },
  );

  private readonly chain = this.RULE(
    'chain',
    (): Expression => {
      const start = this.CONSUME(Name);
      this.CONSUME(Open);
      const source = this.SUBRULE(this.sum);
      this.CONSUME(Comma);
      const by = this.SUBRULE2(this.sum);
      this.CONSUME2(Comma);
      this.CONSUME(OpenList);
      const steps: ChainStep[] = [];
      this.AT_LEAST_ONE_SEP({ SEP: Comma, DEF: () => steps.push(this.SUBRULE(this.step)) });
      this.CONSUME(CloseList);
      const close = this.CONSUME(Close);
      return { kind: 'chain', source, by, steps, start: start.startOffset, end: endOf(close) };
    },
    { recoveryValueFunc: () => BROKEN },
  );

  private readonly step = this.RULE(
    'step',
    (): ChainStep => {
      const label = this.CONSUME(Name);
      this.CONSUME(Colon);
      let what: Expression | undefined;
      let where: Expression | undefined;
      let when: Window | undefined;
      let count = 1;
      let end = endOf(label);
      this.MANY(() =>
        this.OR([
          {
            GATE: () => isWord(this.LA(1), 'what'),
            ALT: () => {
              this.CONSUME(Identifier);
              this.CONSUME(Open);
              what = this.SUBRULE(this.disjunction);
              end = endOf(this.CONSUME(Close));
            },
          },
          {
            GATE: () => isWord(this.LA(1), 'when'),
            ALT: () => {
              this.CONSUME2(Identifier);
              this.CONSUME2(Open);
              when = this.SUBRULE(this.window);
              end = endOf(this.CONSUME2(Close));
            },
          },
          {
            GATE: () => isWord(this.LA(1), 'count'),
            ALT: () => {
              this.CONSUME3(Identifier);
              this.CONSUME3(Open);
              const text = this.CONSUME(NumberText).image;
              count = Number(text);
              end = endOf(this.CONSUME3(Close));
            },
          },
          {
            ALT: () => {
              this.CONSUME(Where);
              this.CONSUME4(Open);
              where = this.SUBRULE2(this.disjunction);
              end = endOf(this.CONSUME4(Close));
            },
          },
        ]),
      );
      return { label: label.image, range: { start: label.startOffset, end }, what, when, where, count };
    },
    { recoveryValueFunc: () => ({ label: '', range: BROKEN, what: undefined, when: undefined, where: undefined, count: 1 }) },
  );

  private isLambda(): boolean {
    if (isA(this.LA(1), Name) && this.LA(2).tokenType === Arrow) return true;
    if (this.LA(1).tokenType !== Open) return false;
    let at = 2;
    while (isA(this.LA(at), Name) || this.LA(at).tokenType === Comma) at += 1;
    return this.LA(at).tokenType === Close && this.LA(at + 1).tokenType === Arrow;
  }

  private isChain(): boolean {
    return isWord(this.LA(1), 'chain') && this.LA(2).tokenType === Open;
  }

  /** `sum X.total over X from …`: two words beside each other. */
  private isAggregate(): boolean {
    return (
      AGGREGATES.has(this.LA(1).image.toLowerCase()) &&
      (isA(this.LA(2), Name) || this.LA(2).tokenType === Up || this.LA(2).tokenType === Parameter || this.LA(2).tokenType === NumberText)
    );
  }

  private isMoment(): boolean {
    // `today.open` may be an attribute; `today.getYear()` is today’s.
    return this.LA(1).tokenType === Moment && (this.LA(2).tokenType !== Dot || this.LA(4).tokenType === Open);
  }
}

/** While the grammar records itself, sub-rules give back stand-ins without content. */
function endOfBinding(binding: Partial<Binding> | undefined): number {
  return binding?.where?.end ?? binding?.from?.end ?? 0;
}

function isWord(token: IToken, word: string): boolean {
  return token.image.toLowerCase() === word;
}

function isA(token: IToken, category: TokenType): boolean {
  return token.tokenType === category || (token.tokenType.CATEGORIES ?? []).includes(category);
}

function logic(operator: 'and' | 'or', operands: readonly Expression[]): Expression {
  const [first = BROKEN] = operands;
  return operands.length === 1 ? first : { kind: 'logic', operator, operands, start: first.start, end: operands.at(-1)?.end ?? first.end };
}

function endOf(token: IToken): number {
  return token.startOffset + token.image.length;
}

function rangeOf(token: IToken): Range {
  return { start: token.startOffset, end: endOf(token) };
}

let grammar: PqlGrammar | undefined;

/** Parses tokens; the grammar is analysed with its first use, about ten milliseconds. */
export function runGrammar(tokens: IToken[]): { readonly expression: Expression; readonly errors: PqlGrammar['errors'] } {
  grammar ??= new PqlGrammar();
  grammar.input = tokens;
  const expression = grammar.program();
  return { expression, errors: grammar.errors };
}
