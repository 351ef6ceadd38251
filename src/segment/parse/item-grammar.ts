import { type IToken, type ParserMethod } from 'chevrotain';
import type { Binding, ChainStep, Expression, Window } from '../ast.ts';
import { TimeGrammar } from './time-grammar.ts';
import { endOf, endOfBinding, isWord, rangeOf } from './token-range.ts';
import {
  Broken,
  Close,
  CloseList,
  Colon,
  Comma,
  Compare,
  Exists,
  Forall,
  From,
  Identifier,
  In,
  Let,
  Name,
  NumberText,
  Open,
  OpenList,
  Over,
  Select,
  Where,
} from './tokens.ts';

/** The grammar of what binds names and looks at each item: let, quantifiers, select, aggregates, chain (activation-rules 7.2, 7.4). */
export abstract class ItemGrammar extends TimeGrammar {
  protected abstract readonly disjunction: ParserMethod<[], Expression>;

  protected readonly letIn = this.RULE('letIn', (): Expression => {
    const start = this.CONSUME(Let);
    const name = this.CONSUME(Name);
    this.CONSUME(Compare);
    // `in` belongs to `let` here, so the value is read without comparisons; brackets allow them.
    const value = this.SUBRULE(this.sum);
    this.CONSUME(In);
    const body = this.SUBRULE(this.disjunction);
    return { kind: 'let', name: name.image, value, body, start: start.startOffset, end: body.end };
  });

  protected readonly quantifier = this.RULE('quantifier', (): Expression => {
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
  });

  protected readonly selection = this.RULE('selection', (): Expression => {
    const start = this.CONSUME(Select);
    const binding = this.SUBRULE(this.binding);
    return { kind: 'select', binding, start: start.startOffset, end: endOfBinding(binding) };
  });

  protected readonly binding = this.RULE('binding', (): Binding => {
    const name = this.CONSUME(Name);
    this.CONSUME(From);
    const from = this.SUBRULE(this.sum);
    let where: Expression | undefined;
    this.OPTION(() => {
      this.OR([{ ALT: () => this.CONSUME(Where) }, { ALT: () => this.CONSUME(Colon) }]);
      where = this.SUBRULE(this.disjunction);
    });
    return { name: name.image, nameRange: rangeOf(name), from, where };
  });

  protected readonly aggregate = this.RULE('aggregate', (): Expression => {
    const fn = this.CONSUME(Name);
    const value = this.SUBRULE(this.sum);
    this.CONSUME(Over);
    const binding = this.SUBRULE(this.binding);
    return { kind: 'aggregate', fn: fn.image, value, binding, start: fn.startOffset, end: endOfBinding(binding) };
  });

  protected readonly chain = this.RULE('chain', (): Expression => {
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
  });

  protected readonly step = this.RULE('step', (): ChainStep => {
    const label = this.CONSUME(Name);
    this.CONSUME(Colon);
    let what: Expression | undefined;
    let where: Expression | undefined;
    let when: Window | undefined;
    let count: number | undefined;
    let end = endOf(label);
    this.MANY(() =>
      this.OR([
        {
          GATE: () => what === undefined && isWord(this.LA(1), 'what'),
          ALT: () => {
            this.CONSUME(Identifier);
            this.CONSUME(Open);
            what = this.SUBRULE(this.disjunction);
            end = endOf(this.CONSUME(Close));
          },
        },
        {
          GATE: () => when === undefined && isWord(this.LA(1), 'when'),
          ALT: () => {
            this.CONSUME2(Identifier);
            this.CONSUME2(Open);
            when = this.SUBRULE(this.window);
            end = endOf(this.CONSUME2(Close));
          },
        },
        {
          GATE: () => count === undefined && isWord(this.LA(1), 'count'),
          ALT: () => {
            this.CONSUME3(Identifier);
            this.CONSUME3(Open);
            const text = this.CONSUME(NumberText).image;
            count = Number(text);
            end = endOf(this.CONSUME3(Close));
          },
        },
        {
          GATE: () => where === undefined,
          ALT: () => {
            this.CONSUME(Where);
            this.CONSUME4(Open);
            where = this.SUBRULE2(this.disjunction);
            end = endOf(this.CONSUME4(Close));
          },
        },
        { ALT: () => (end = endOf(this.CONSUME(Broken))) },
      ]),
    );
    return { label: label.image, range: { start: label.startOffset, end }, what, when, where, count: count ?? 1 };
  });
}
