/** What is not simple: the library reads it. */
export const REFUSED: unique symbol = Symbol('refused');
export type Refused = typeof REFUSED;

const MAX_DEPTH = 20;
const KEY = /[A-Za-z_][A-Za-z0-9_.-]*/y;
const SPECIAL_KEYS = /^(?:null|true|false|__proto__)$/i;
const PLAIN_IN_FLOW = /[^,[\]{}]+/y;
const EXACT_INTEGER = /^(?:0|-?[1-9][0-9]{0,14})$/;
/** Whatever the core schema might take for a number. */
const NUMBER_LIKE = /^[-+]?(?:\.?[0-9]|0[xo]|\.(?:inf|nan)$)/i;
const NUMBER = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$|^0o[0-7]+$|^0x[0-9a-fA-F]+$|^[-+]?\.(?:inf|Inf|INF)$|^\.(?:nan|NaN|NAN)$/;
const CONSTANTS: Readonly<Record<string, boolean | null>> = { true: true, false: false, null: null, '~': null };
const CONSTANT_LIKE = /^(?:true|false|null|~)$/i;

/** A scalar on one line, without its comment: plain, or quoted without escapes. */
export function readPlain(text: string, inFlow: boolean): unknown {
  const first = text[0] ?? '';
  if (first === '"') return /^"[^"\\]*"$/.test(text) ? text.slice(1, -1) : REFUSED;
  if (first === "'") return /^'(?:[^']|'')*'$/.test(text) ? text.slice(1, -1).replaceAll("''", "'") : REFUSED;
  if (',[]{}#&*!|>%@`'.includes(first) || ('-?:'.includes(first) && (text.length === 1 || ' ,[]{}'.includes(text[1] ?? '')))) return REFUSED;
  if (text.includes(': ') || text.includes(' #') || text.endsWith(':') || (inFlow && /:[,[\]{}"']/.test(text))) return REFUSED;
  if (EXACT_INTEGER.test(text)) return Number(text);
  if (NUMBER_LIKE.test(text) && NUMBER.test(text)) return REFUSED;
  if (CONSTANT_LIKE.test(text)) return Object.hasOwn(CONSTANTS, text) ? CONSTANTS[text] : REFUSED;
  return text;
}

/** A flow collection that ends where the text ends. */
export function readFlow(text: string): unknown {
  const flow = new FlowReader(text);
  const value = flow.collection(0);
  return flow.atEnd ? value : REFUSED;
}

class FlowReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get atEnd(): boolean {
    return this.#at === this.#text.length;
  }

  collection(depth: number): unknown {
    if (depth > MAX_DEPTH) return REFUSED;
    const isMap = this.#text[this.#at] === '{';
    const closing = isMap ? '}' : ']';
    const list: unknown[] = [];
    const map: Record<string, unknown> = {};
    this.#at += 1;
    this.#skipSpaces();
    if (this.#text[this.#at] === closing) {
      this.#at += 1;
      return isMap ? map : list;
    }
    for (;;) {
      const failed = isMap ? this.#pair(map, depth) : this.#push(list, depth);
      if (failed) return REFUSED;
      this.#skipSpaces();
      const next = this.#text[this.#at];
      this.#at += 1;
      if (next === closing) return isMap ? map : list;
      if (next !== ',') return REFUSED;
      this.#skipSpaces();
    }
  }

  #push(list: unknown[], depth: number): boolean {
    const value = this.#value(depth);
    list.push(value);
    return value === REFUSED;
  }

  #pair(map: Record<string, unknown>, depth: number): boolean {
    KEY.lastIndex = this.#at;
    const key = KEY.exec(this.#text)?.[0];
    if (key === undefined || SPECIAL_KEYS.test(key) || Object.hasOwn(map, key)) return true;
    this.#at += key.length;
    if (this.#text[this.#at] !== ':' || this.#text[this.#at + 1] !== ' ') return true;
    this.#at += 1;
    this.#skipSpaces();
    const value = this.#value(depth);
    map[key] = value;
    return value === REFUSED;
  }

  #value(depth: number): unknown {
    const first = this.#text[this.#at];
    if (first === '{' || first === '[') return this.collection(depth + 1);
    if (first === '"' || first === "'") return this.#quoted(first);
    PLAIN_IN_FLOW.lastIndex = this.#at;
    const found = PLAIN_IN_FLOW.exec(this.#text)?.[0];
    const text = found?.trimEnd() ?? '';
    if (found === undefined || text === '') return REFUSED;
    this.#at += found.length;
    return readPlain(text, true);
  }

  #quoted(quote: string): unknown {
    let end = this.#text.indexOf(quote, this.#at + 1);
    if (quote === "'") while (end >= 0 && this.#text[end + 1] === "'") end = this.#text.indexOf(quote, end + 2);
    if (end < 0) return REFUSED;
    const value = readPlain(this.#text.slice(this.#at, end + 1), true);
    this.#at = end + 1;
    // A colon directly after a quoted text would make it a key.
    return this.#text[this.#at] === ':' ? REFUSED : value;
  }

  #skipSpaces(): void {
    while (this.#text[this.#at] === ' ') this.#at += 1;
  }
}
