/** What the engine's RE2 does not know, although its port in JavaScript does: names of properties newer than Unicode 15.0 or than that RE2. */
const UNKNOWN_PROPERTIES = new Set(
  `Cn LC Lc Ascii Assigned ASCII_Hex_Digit Alphabetic Dash Emoji Emoji_Component Emoji_Modifier Emoji_Modifier_Base Emoji_Presentation
  Extended_Pictographic Hex_Digit Lowercase Math Quotation_Mark Terminal_Punctuation Uppercase White_Space Beria_Erfe Garay Gurung_Khema Kirat_Rai
  Ol_Onal Sidetic Sunuwar Tai_Yo Todhri Tolong_Siki Tulu_Tigalari Unknown`.split(/\s+/),
);
const QUOTED = /\\Q[^]*?(?:\\E|$)/;
const CLASS = /\[\^?\]?(?:\[:\^?\w+:\]|\\[pP]\{[^}]*\}|\\[^]|[^\]\\])*\]/;
const PROPERTY = /\\(?:[pP]\{[^}]*\}|[pP][^{])/;
const NAME = /\(\?P<[\p{Lu}\p{Ll}\p{Lt}\p{Lm}\p{Lo}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]+>/u;
const TOKENS = new RegExp([QUOTED, CLASS, PROPERTY, /\\[^]/, NAME, /\(\?<(?![=!])/].map(({ source }) => source).join('|'), 'gu');
const IN_CLASS = new RegExp(`${PROPERTY.source}|\\\\[^]`, 'gu');

export interface Spelled {
  readonly text: string;
  /** The first part that the engine does not read. */
  readonly refused?: string;
}

/** A pattern of the engine as the port spells it: groups without names, and `\pC` without the characters that are none. */
export function spellForPort(pattern: string): Spelled {
  let refused: string | undefined;
  const refuse = (part: string): string => {
    refused ??= part;
    return part;
  };
  const text = pattern.replaceAll(TOKENS, (token) => {
    if (token.startsWith('\\Q')) return token;
    if (token.startsWith('[')) return token.replaceAll(IN_CLASS, (part) => spellProperty(part, true, refuse));
    // Names mean nothing to PQL, and the engine lets two groups have the same.
    if (token.startsWith('(?P')) return '(';
    return token.startsWith('(') ? refuse(token) : spellProperty(token, false, refuse);
  });
  return refused === undefined ? { text } : { text, refused };
}

function spellProperty(token: string, inClass: boolean, refuse: (part: string) => string): string {
  const [, letter, negation, name = ''] = /^\\([pP])(?:\{(\^?)(\w+)\}|(?=(\w)))/.exec(token) ?? [];
  if (letter === undefined) return token;
  if (UNKNOWN_PROPERTIES.has(name)) return refuse(token);
  if (name !== 'C' && token.slice(2) !== 'C') return token;
  const ranges = otherCharacters((letter === 'P') !== (negation === '^'));
  return inClass ? ranges : `[${ranges}]`;
}

const OTHER = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}]/u;
const others = new Map<boolean, string>();

/** The ranges of control, format, private and surrogate characters, or of all the rest: what `\pC` and `\PC` are to the engine. */
function otherCharacters(negated: boolean): string {
  const known = others.get(negated);
  if (known !== undefined) return known;
  let text = '';
  let from: number | undefined;
  for (let point = 0; point <= 0x110000; point += 1) {
    const inside = point < 0x110000 && OTHER.test(String.fromCodePoint(point)) !== negated;
    if (inside) from ??= point;
    else if (from !== undefined) {
      text += `\\x{${from.toString(16)}}-\\x{${(point - 1).toString(16)}}`;
      from = undefined;
    }
  }
  others.set(negated, text);
  return text;
}
