import { EOF, type IToken } from 'chevrotain';
import type { CompareOperator, ArithmeticOperator, Expression } from '../ast.ts';
import { ItemGrammar } from './item-grammar.ts';
import { pathsOf } from './read-broken.ts';
import { BROKEN, endOf, endOfBinding, isA, isWord, rangeOf } from './token-range.ts';
import {
  And,
  Arrow,
  Bang,
  Broken,
  Close,
  CloseList,
  Comma,
  Compare,
  Dot,
  In,
  Like,
  Minus,
  Moment,
  Name,
  Not,
  NotIn,
  NumberText,
  Occurs,
  Open,
  OpenList,
  Or,
  Over,
  Parameter,
  Plus,
  Times,
  TOKENS,
  Up,
  Where,
  Word,
} from './tokens.ts';

const AGGREGATES = new Set(['count', 'sum', 'average', 'avg', 'min', 'max']);

/**
 * The grammar of PQL (activation-rules 7). Rules from loose to tight: or, and, not, comparison, sum, product, sign, postfix, primary.
 * Actions build the tree at once. The first error ends it; `repair.ts` puts something in the place of what was wrong and asks again.
 */
class PqlGrammar extends ItemGrammar {
  constructor() {
    super(TOKENS, { recoveryEnabled: false, skipValidations: true, maxLookahead: 2, nodeLocationTracking: 'none' });
    this.performSelfAnalysis();
  }

  readonly program = this.RULE('program', (): Expression => {
    const expression = this.SUBRULE(this.argument);
    this.CONSUME(EOF);
    return expression;
  });

  /** An expression, or a function of its own such as `(P) => P.city = "X"`. */
  readonly argument = this.RULE('argument', (): Expression => {
    let result: Expression = BROKEN;
    this.OR([{ GATE: () => this.isLambda(), ALT: () => (result = this.SUBRULE(this.lambda)) }, { ALT: () => (result = this.SUBRULE(this.disjunction)) }]);
    return result;
  });

  private readonly lambda = this.RULE('lambda', (): Expression => {
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
  });

  protected readonly disjunction = this.RULE('disjunction', (): Expression => {
    const operands = [this.SUBRULE(this.conjunction)];
    this.MANY(() => {
      this.CONSUME(Or);
      operands.push(this.SUBRULE2(this.conjunction));
    });
    return logic('or', operands);
  });

  private readonly conjunction = this.RULE('conjunction', (): Expression => {
    const operands = [this.SUBRULE(this.negation)];
    this.MANY(() => {
      this.CONSUME(And);
      operands.push(this.SUBRULE2(this.negation));
    });
    return logic('and', operands);
  });

  private readonly negation = this.RULE('negation', (): Expression => {
    const nots: IToken[] = [];
    this.MANY(() => this.OR([{ ALT: () => nots.push(this.CONSUME(Not)) }, { ALT: () => nots.push(this.CONSUME(Bang)) }]));
    const operand = this.SUBRULE(this.comparison);
    return nots.reduceRight<Expression>((inner, token) => ({ kind: 'not', operand: inner, start: token.startOffset, end: inner.end }), operand);
  });

  private readonly comparison = this.RULE('comparison', (): Expression => {
    let left = this.SUBRULE(this.sum);
    this.OPTION(() =>
      this.OR([
        {
          ALT: () => {
            const operator = readCompare(this.CONSUME(Compare).image);
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
  });

  protected readonly sum = this.RULE('sum', (): Expression => {
    let left = this.SUBRULE(this.product);
    this.MANY(() => {
      let operator: IToken | undefined;
      this.OR([{ ALT: () => (operator = this.CONSUME(Plus)) }, { ALT: () => (operator = this.CONSUME(Minus)) }]);
      const right = this.SUBRULE2(this.product);
      left = { kind: 'arithmetic', operator: (operator?.image ?? '+') as ArithmeticOperator, left, right, start: left.start, end: right.end };
    });
    return left;
  });

  private readonly product = this.RULE('product', (): Expression => {
    let left = this.SUBRULE(this.signed);
    this.MANY(() => {
      const operator = this.CONSUME(Times).image as ArithmeticOperator;
      const right = this.SUBRULE2(this.signed);
      left = { kind: 'arithmetic', operator, left, right, start: left.start, end: right.end };
    });
    return left;
  });

  private readonly signed = this.RULE('signed', (): Expression => {
    const signs: IToken[] = [];
    this.MANY(() => signs.push(this.CONSUME(Minus)));
    const operand = this.SUBRULE(this.postfix);
    return signs.reduceRight<Expression>((inner, token) => ({ kind: 'negate', operand: inner, start: token.startOffset, end: inner.end }), operand);
  });

  private readonly postfix = this.RULE('postfix', (): Expression => {
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
  });

  private readonly args = this.RULE('args', (): readonly Expression[] => {
    const list: Expression[] = [];
    this.MANY_SEP({ SEP: Comma, DEF: () => list.push(this.SUBRULE(this.argument)) });
    return list;
  });

  private readonly primary = this.RULE('primary', (): Expression => {
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
      {
        ALT: () => {
          const token = this.CONSUME(Broken);
          result = { kind: 'broken', paths: this.ACTION(() => pathsOf(token)), ...rangeOf(token) };
        },
      },
      { GATE: () => this.isMoment(), ALT: () => (result = this.SUBRULE(this.moment)) },
      {
        ALT: () => {
          const token = this.CONSUME(Name);
          result = { kind: 'name', name: token.image, ...rangeOf(token) };
        },
      },
    ]);
    return result;
  });

  private readonly group = this.RULE('group', (): Expression => {
    const open = this.CONSUME(Open);
    const inner = this.SUBRULE(this.argument);
    const close = this.CONSUME(Close);
    return { ...inner, start: open.startOffset, end: endOf(close) };
  });

  private readonly list = this.RULE('list', (): Expression => {
    const open = this.CONSUME(OpenList);
    const items = this.SUBRULE(this.args);
    const close = this.CONSUME(CloseList);
    return { kind: 'array', items, start: open.startOffset, end: endOf(close) };
  });

  private readonly call = this.RULE('call', (): Expression => {
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
  });

  private isLambda(): boolean {
    if (isA(this.LA(1), Name) && isA(this.LA(2), Arrow)) return true;
    if (this.LA(1).tokenType !== Open) return false;
    let at = 2;
    while (isA(this.LA(at), Name) || this.LA(at).tokenType === Comma) at += 1;
    return this.LA(at).tokenType === Close && isA(this.LA(at + 1), Arrow);
  }

  private isChain(): boolean {
    return isWord(this.LA(1), 'chain') && this.LA(2).tokenType === Open;
  }

  /** `sum X.total over X from …`: two words beside each other. */
  private isAggregate(): boolean {
    // `exists X from count where …`: an array of that name.
    if (this.LA(2).tokenType === Where && this.LA(3).tokenType !== Over) return false;
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

function logic(operator: 'and' | 'or', operands: readonly Expression[]): Expression {
  const [first = BROKEN] = operands;
  return operands.length === 1 ? first : { kind: 'logic', operator, operands, start: first.start, end: operands.at(-1)?.end ?? first.end };
}

/** The operators of other languages were told as mistakes before. */
function readCompare(image: string): CompareOperator {
  const foreign: Readonly<Record<string, CompareOperator>> = { '==': '=', '===': '=', '<>': '!=', '!==': '!=', '≠': '!=', '≤': '<=', '≥': '>=' };
  return foreign[image] ?? (image as CompareOperator);
}

let grammar: PqlGrammar | undefined;

export interface GrammarResult {
  /** Undefined when there is an error. */
  readonly expression: Expression | undefined;
  /** The first error. */
  readonly error: PqlGrammar['errors'][number] | undefined;
}

/** Parses tokens; the grammar is analysed with its first use, about ten milliseconds. */
export function runGrammar(tokens: readonly IToken[]): GrammarResult {
  grammar ??= new PqlGrammar();
  grammar.input = tokens as IToken[];
  const expression = grammar.program();
  const [error] = grammar.errors;
  return { expression: error === undefined ? expression : undefined, error };
}
