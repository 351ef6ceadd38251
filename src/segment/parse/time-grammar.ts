import { type IToken, type ParserMethod } from 'chevrotain';
import type { CompareOperator, Direction, Expression, Time, Window } from '../ast.ts';
import { BROKEN, endOf, isA, rangeOf } from './token-range.ts';
import { And, Between, Compare, Dot, From, Name, NumberText, On, Open, Parameter, Period, Side, Up } from './tokens.ts';
import { WordGrammar } from './word-grammar.ts';

/** The grammar of `occurs` and WHEN (activation-rules 7.3). */
export abstract class TimeGrammar extends WordGrammar {
  protected abstract readonly sum: ParserMethod<[], Expression>;

  protected readonly window = this.RULE('window', (): Window => {
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
        GATE: () => beginsTime(this.LA(2)),
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
          this.OPTION({ GATE: () => beginsTime(this.LA(2)), DEF: () => this.CONSUME(On) });
          const time = this.SUBRULE5(this.time);
          result = { form: 'on', time, start: time.start, end: time.end };
        },
      },
    ]);
    return result ?? { form: 'on', time: { kind: 'expression', expression: BROKEN, start: 0, end: 0 }, start: 0, end: 0 };
  });

  protected readonly distance = this.RULE('distance', (): Window => {
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
  });

  protected readonly time = this.RULE('time', (): Time => {
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
  });
}

/** `on`, `before` and `after` may be names of fields; before a time they are not. */
function beginsTime(token: IToken): boolean {
  return isA(token, Name) || token.tokenType === Parameter || token.tokenType === Up || token.tokenType === Open;
}
