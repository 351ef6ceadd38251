import { createToken, Lexer, type IToken, type ITokenConfig, type TokenType } from 'chevrotain';

/** Any word, after a dot. */
export const Word: TokenType = createToken({ name: 'Word', pattern: Lexer.NA, label: 'a name' });
/** A word that may begin a path: identifiers and the words that are keywords only in their place. */
export const Name: TokenType = createToken({ name: 'Name', pattern: Lexer.NA, categories: [Word], label: 'a name' });
export const Identifier: TokenType = createToken({ name: 'Identifier', pattern: /[A-Za-z_][A-Za-z0-9_]*/, categories: [Name], label: 'a name' });

/** Case does not matter in keywords: the public samples write `chain` and `CHAIN`. */
function keyword(word: string, category: TokenType, label = `\`${word}\``): TokenType {
  const config: ITokenConfig = {
    name: word.charAt(0).toUpperCase() + word.slice(1),
    pattern: new RegExp(word, 'i'),
    longer_alt: Identifier,
    categories: [category],
    label,
  };
  return createToken(config);
}

export const And: TokenType = keyword('and', Word);
export const Or: TokenType = keyword('or', Word);
export const Not: TokenType = keyword('not', Word);
export const In: TokenType = keyword('in', Word);
export const NotIn: TokenType = keyword('notIn', Word);
export const Like: TokenType = keyword('like', Word);
export const Exists: TokenType = keyword('exists', Word);
export const Forall: TokenType = keyword('forall', Word);
export const From: TokenType = keyword('from', Word);
export const Where: TokenType = keyword('where', Name);
export const Let: TokenType = keyword('let', Word);
export const Select: TokenType = keyword('select', Word);
export const Over: TokenType = keyword('over', Word);
export const Occurs: TokenType = keyword('occurs', Word);
export const Between: TokenType = keyword('between', Word);
export const True: TokenType = keyword('true', Word);
export const False: TokenType = keyword('false', Word);
export const Null: TokenType = keyword('null', Word);
export const Moment: TokenType = createToken({
  name: 'Moment',
  pattern: /now|today|yesterday|tomorrow/i,
  longer_alt: Identifier,
  categories: [Name],
  label: 'now, today, yesterday or tomorrow',
});
export const Period: TokenType = createToken({
  name: 'Period',
  pattern: /this|last|next/i,
  longer_alt: Identifier,
  categories: [Name],
  label: 'this, last or next',
});
export const Side: TokenType = createToken({ name: 'Side', pattern: /before|after/i, longer_alt: Identifier, categories: [Name], label: 'before or after' });
export const On: TokenType = keyword('on', Name);

/** What people write who come from SQL, C or a word processor: told as a mistake, and read as what is meant, so that nothing else is missed. */
export const ForeignAnd: TokenType = createToken({ name: 'ForeignAnd', pattern: /&&?/, categories: [And], label: '`and`' });
export const ForeignOr: TokenType = createToken({ name: 'ForeignOr', pattern: /\|\|?/, categories: [Or], label: '`or`' });

export const Text: TokenType = createToken({ name: 'Text', pattern: /"(?:[^"\\]|\\[^])*"/, line_breaks: true, label: 'a text' });
export const UnclosedText: TokenType = createToken({ name: 'UnclosedText', pattern: /"(?:[^"\\\n]|\\[^\n])*/, label: 'a text' });
export const ForeignText: TokenType = createToken({
  name: 'ForeignText',
  pattern: /'[^'\n]*'|[“”„][^“”\n]*[“”]|[‘’][^‘’\n]*[‘’]/,
  categories: [Text],
  label: 'a text',
});
/** Characters that no token begins with. Told when they are met; nothing of the grammar takes them. */
export const Unread: TokenType = createToken({ name: 'Unread', pattern: Lexer.NA });
/** Stands for a part that could not be read; its payload are the tokens of that part. */
export const Broken: TokenType = createToken({ name: 'Broken', pattern: Lexer.NA, label: 'a value' });
export const NumberText: TokenType = createToken({ name: 'NumberText', pattern: /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/, label: 'a number' });
export const ForeignNumber: TokenType = createToken({
  name: 'ForeignNumber',
  pattern: /(?<![\w)\].])\.\d+/,
  start_chars_hint: ['.'],
  categories: [NumberText],
  label: 'a number',
});
export const Parameter: TokenType = createToken({ name: 'Parameter', pattern: /\$\d+/, label: '$1' });
export const Up: TokenType = createToken({ name: 'Up', pattern: /\^+/, label: '`^`' });
export const Arrow: TokenType = createToken({ name: 'Arrow', pattern: /=>/, label: '`=>`' });
export const ForeignArrow: TokenType = createToken({ name: 'ForeignArrow', pattern: /->/, categories: [Arrow], label: '`=>`' });
export const Compare: TokenType = createToken({ name: 'Compare', pattern: /!=|<=|>=|=|<|>/, label: 'a comparison' });
export const ForeignCompare: TokenType = createToken({ name: 'ForeignCompare', pattern: /===?|<>|!==|[≤≥≠]/, categories: [Compare], label: 'a comparison' });
export const Bang: TokenType = createToken({ name: 'Bang', pattern: /!/, label: '`!`' });
export const Plus: TokenType = createToken({ name: 'Plus', pattern: /\+/, label: '`+`' });
export const Minus: TokenType = createToken({ name: 'Minus', pattern: /-/, label: '`-`' });
export const Times: TokenType = createToken({ name: 'Times', pattern: /[*/%]/, label: '`*`, `/` or `%`' });
export const Open: TokenType = createToken({ name: 'Open', pattern: /\(/, label: '`(`' });
export const Close: TokenType = createToken({ name: 'Close', pattern: /\)/, label: '`)`' });
export const OpenList: TokenType = createToken({ name: 'OpenList', pattern: /\[/, label: '`[`' });
export const CloseList: TokenType = createToken({ name: 'CloseList', pattern: /\]/, label: '`]`' });
export const Comma: TokenType = createToken({ name: 'Comma', pattern: /,/, label: '`,`' });
export const Colon: TokenType = createToken({ name: 'Colon', pattern: /:/, label: '`:`' });
export const Dot: TokenType = createToken({ name: 'Dot', pattern: /\./, label: '`.`' });
/** Tokens of this group are kept beside the others: the grammar does not meet them. */
const COMMENTS = 'comments';
const Space = createToken({ name: 'Space', pattern: /\s+/, group: Lexer.SKIPPED, line_breaks: true });
const Comment = createToken({ name: 'Comment', pattern: /\/\/[^\n]*|\/\*[^]*?\*\//, group: COMMENTS, line_breaks: true });

/** In the order in which they are tried: longer words before their beginnings, everything before plain names. */
export const TOKENS: TokenType[] = [
  Space,
  Comment,
  Text,
  UnclosedText,
  ForeignText,
  ForeignAnd,
  ForeignOr,
  NumberText,
  ForeignNumber,
  Parameter,
  Up,
  Arrow,
  ForeignArrow,
  ForeignCompare,
  Compare,
  Bang,
  Plus,
  Minus,
  Times,
  Open,
  Close,
  OpenList,
  CloseList,
  Comma,
  Colon,
  Dot,
  NotIn,
  Not,
  And,
  Or,
  In,
  Like,
  Exists,
  Forall,
  From,
  Where,
  Let,
  Select,
  Over,
  Occurs,
  Between,
  True,
  False,
  Null,
  Moment,
  Period,
  Side,
  On,
  Identifier,
  Name,
  Word,
  Unread,
  Broken,
];

let lexer: Lexer | undefined;

/** The lexer is made with its first use. */
export function tokenize(text: string): ReturnType<Lexer['tokenize']> {
  lexer ??= new Lexer(TOKENS, { positionTracking: 'onlyOffset', skipValidations: true, ensureOptimizations: false });
  return lexer.tokenize(text);
}

/** Each comment that ends with its line. */
export function lineComments(text: string): readonly IToken[] {
  return text.includes('//') ? (tokenize(text).groups[COMMENTS] ?? []).filter(({ image }) => image.startsWith('//')) : [];
}
