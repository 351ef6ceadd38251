import { EmbeddedActionsParser } from 'chevrotain';
import type { Expression } from '../ast.ts';
import { readText } from './read-text.ts';
import { BROKEN, endOf, rangeOf } from './token-range.ts';
import { Dot, False, Moment, Null, NumberText, Text, True, Up, Word } from './tokens.ts';

/** The grammar of what has no parts: constants, moments and names of outer levels. */
export abstract class WordGrammar extends EmbeddedActionsParser {
  protected readonly constant = this.RULE('constant', (): Expression => {
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
  });

  protected readonly moment = this.RULE('moment', (): Expression => {
    const token = this.CONSUME(Moment);
    return { kind: 'moment', which: token.image.toLowerCase() as 'now', ...rangeOf(token) };
  });

  protected readonly outer = this.RULE('outer', (): Expression => {
    const up = this.CONSUME(Up);
    this.OPTION(() => this.CONSUME(Dot));
    const name = this.CONSUME(Word);
    return { kind: 'outer', levels: up.image.length, name: name.image, nameRange: rangeOf(name), start: up.startOffset, end: endOf(name) };
  });
}
