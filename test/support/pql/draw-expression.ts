import { readPattern } from '../../../src/segment/pattern/read-pattern.ts';
import { drawPattern } from './draw-pattern.ts';
import { DAYS, TEXTS, type Draw, type FieldDeclaration, type World } from './world.ts';

/** Something that an expression can name where it stands. */
interface Named {
  readonly text: string;
  readonly field: FieldDeclaration;
}

interface Place {
  readonly draw: Draw;
  readonly world: World;
  readonly segments: readonly string[];
  /** Scalars, arrays and the rest that can be named here. */
  readonly names: readonly Named[];
  readonly depth: number;
  readonly variables: number;
}

type Scalar = 'string' | 'integer' | 'decimal' | 'double' | 'boolean' | 'date' | 'timestamp';
const UNITS = ['milliseconds', 'seconds', 'minutes', 'hours', 'days', 'weeks', 'months', 'years', 'decades', 'centuries', 'millennia'];
/** What arrays hold. */
const ITEMS = ['string', 'integer', 'decimal', 'double', 'date'] as const;
type Item = (typeof ITEMS)[number];
const NUMBERS: readonly Scalar[] = ['integer', 'decimal', 'double'];
const PATTERNS = ['a', '^a', '(?i)^AB?$', 'b.*', '^[a-z]+$', '\\d+', '@(\\w+)', '^.$', '\\s', 'x|y', '[^a]', 'one.two'];

/** A condition on a person of the world, in PQL; `segments` are names that it may ask membership of. */
export function drawCondition(draw: Draw, world: World, segments: readonly string[] = []): string {
  const prefix = draw(8) === 0 ? '$1.' : draw(8) === 0 ? 'P.' : '';
  const names = Object.entries(world.fields).map(([text, field]) => ({ text: `${prefix}${text}`, field }));
  const at = { draw, world, segments, names: [...names, { text: `${prefix}identityMap.Email`, field: { type: 'string' } }], depth: 0, variables: 0 };
  return `${prefix === 'P.' ? '(P) => ' : ''}${condition(at)}`;
}

function condition(at: Place): string {
  const { draw, depth } = at;
  const choice = draw(depth > 3 ? 13 : 24);
  switch (choice) {
    case 0: {
      const type = pick(at, ['string', 'date', 'timestamp', ...NUMBERS] as const);
      return `${value(at, type)} ${pick(at, ['=', '!=', '<', '<=', '>', '>='])} ${value(at, alike(at, type))}`;
    }
    case 1:
      return `${value(at, 'boolean')} ${pick(at, ['=', '!='])} ${value(at, 'boolean')}`;
    case 2: {
      const type = pick(at, ITEMS);
      const items = likeItem(at, type);
      return infix(at, value(at, type), pick(at, ['in', 'notIn']), draw(3) === 0 ? array(at, items) : list(at, items));
    }
    case 3:
      return `${anything(at)}.${pick(at, ['isNull', 'isNotNull'])}()`;
    case 4: {
      const fn = pick(at, ['startsWith', 'doesNotStartWith', 'endsWith', 'doesNotEndWith', 'contains', 'doesNotContain', 'equals', 'notEqualTo']);
      return `${value(at, 'string')}.${fn}(${value(at, 'string')}${pick(at, ['', '', ', false', ', true'])})`;
    }
    case 5:
      return infix(at, value(at, 'string'), 'like', text(at, pick(at, ['%', '_', 'a%', '%a', '%b%', '_b', '', 'A_', '%😀', 'one%'])));
    case 6:
      return `${value(at, 'string')}.matches(${text(at, pattern(at))})`;
    case 7:
    case 8:
      return `${value(at, pick(at, ['date', 'timestamp'] as const))} occurs ${window(at)}`;
    case 9:
      return value(at, 'boolean');
    case 10: {
      const items = pick(at, ITEMS);
      const others = likeItem(at, items);
      return `${array(at, items)}.${pick(at, ['intersects', 'subsetOf', 'supersetOf'])}(${draw(2) === 0 ? list(at, others) : array(at, others)})`;
    }
    case 11: {
      const items = pick(at, ITEMS);
      return `${array(at, items)}.includes(${value(at, likeItem(at, items))})`;
    }
    case 12: {
      const items = pick(at, ITEMS);
      return `${array(at, items)} ${pick(at, ['=', '!='])} ${draw(2) === 0 ? list(at, likeItem(at, items)) : array(at, likeItem(at, items))}`;
    }
    case 13:
    case 14:
      return `(${condition(deeper(at))} and ${condition(deeper(at))})`;
    case 15:
      return `(${condition(deeper(at))} or ${condition(deeper(at))})`;
    case 16:
      return `${pick(at, ['not ', '!'])}(${condition(deeper(at))})`;
    case 17:
      return `(${quantifier(at)})`;
    case 18:
      return `chain(xEvent, timestamp, [${Array.from({ length: 1 + draw(3) }, (_, index) => step(at, index)).join(', ')}])`;
    case 19:
      return `${value(deeper(at), 'integer')} ${pick(at, ['>', '>=', '=', '<'])} ${draw(4)}`;
    case 20:
      return `${value(deeper(at), pick(at, ['decimal', 'double'] as const))} ${pick(at, ['>', '>=', '<='])} ${value(at, 'decimal')}`;
    case 21:
      return letIn(at);
    case 22: {
      const segment = at.segments[draw(at.segments.length + 1)];
      return segment === undefined ? condition(deeper(at)) : `inSegment("${segment}")`;
    }
    default:
      return `if(${condition(deeper(at))}, ${condition(deeper(at))}, ${condition(deeper(at))})`;
  }
}

function quantifier(at: Place): string {
  const over = source(at);
  const name = `V${at.variables}`;
  const inner = named(at, name, over.members);
  const kind = pick(at, ['exists', 'forall']);
  if (over.text === 'xEvent' && at.draw(4) === 0) {
    const second = source(inner);
    const other = `V${inner.variables}`;
    return `${kind} ${name} from ${over.text} where (${condition(deeper(inner))}), ${other} from ${second.text}: ${condition(deeper(named(inner, other, second.members)))}`;
  }
  return `${kind} ${name} from ${over.text} ${pick(at, ['where ', ': '])}(${condition(deeper(inner))})`;
}

function step(at: Place, index: number): string {
  const inner = unnamed(at, events(at));
  const parts = [
    at.draw(5) === 0 ? '' : `WHAT(${condition({ ...deeper(inner), depth: Math.max(3, inner.depth) })})`,
    at.draw(3) === 0 ? `WHEN(${window(at)})` : '',
    at.draw(3) === 0 ? `COUNT(${1 + at.draw(3)})` : '',
    at.draw(4) === 0 ? `WHERE(${condition({ ...deeper(inner), depth: Math.max(3, inner.depth) })})` : '',
  ];
  return `C${index}: ${parts.filter((part) => part !== '').join(' ') || 'WHAT(true)'}`;
}

function letIn(at: Place): string {
  const type = pick(at, ['integer', 'decimal', 'string'] as const);
  const name = `L${at.variables}`;
  const inner = { ...deeper(at), variables: at.variables + 1, names: [...at.names, ...Array.from({ length: 6 }, () => ({ text: name, field: { type } }))] };
  return `(let ${name} = (${value(deeper(at), type)}) in (${condition(inner)}))`;
}

/** A value of a type, from the names at hand, a constant or something computed. */
function value(at: Place, type: Scalar): string {
  const { draw } = at;
  const fields = at.names.filter(({ field }) => field.type.replace(/\(.*/, '') === type);
  const choice = draw(at.depth > 3 ? 5 : 9);
  if (choice < 4 && fields.length > 0) return fields[draw(fields.length)]?.text ?? '';
  if (choice < 5) return constant(at, type);
  const inner = deeper(at);
  switch (type) {
    case 'string':
      return pick(at, [
        () => `${value(inner, 'string')}.regexGroup(${text(at, pick(at, ['(a)(b)?', '@(\\w+)', '^(.)', `(${pattern(at)})`]))}, 1)`,
        () => `if(${condition(inner)}, ${value(inner, 'string')}, ${value(inner, 'string')})`,
        () => `${array(inner, 'string')}.${pick(at, ['head', 'min', 'max'])}()`,
        () => `${collection(inner)('string', pick(at, ['min', 'max']))}`,
        () => `identityMap.get(${text(at, pick(at, ['Email', 'crmId', 'none']))})`,
        () => `identityMap.keys().head()`,
      ])();
    case 'integer':
      return pick(at, [
        () => `(${value(inner, 'integer')} ${pick(at, ['+', '-'])} ${draw(5)})`,
        () => `(${value(inner, 'integer')} % ${pick(at, ['2', '-3', '0', '7'])})`,
        () => `(-${value(inner, 'integer')})`,
        () => `${value(inner, 'date')}.${pick(at, ['getMonth', 'getYear', 'getDayOfMonth'])}()`,
        () => `${pick(at, ['currentMonth', 'currentYear', 'currentDayOfMonth'])}()`,
        () => `${source(inner).text}.count()`,
        () => `${filtered(inner)}.count()`,
        () => `map.counts.get(${text(at, pick(at, ['a', 'b', 'zz']))})`,
        () => `map.counts.keys().count()`,
        () => `${array(inner, 'integer')}.${pick(at, ['min', 'max', 'sum', 'count'])}()`,
        () => `${array(inner, 'string')}.distinct().count()`,
        () => `${array(inner, 'integer')}.intersection(${list(inner, 'integer')}).count()`,
        () => `xEvent.${pick(at, ['groupBy(kind)', 'map(kind).distinct()', 'map(amount).distinct()'])}.count()`,
        () => collection(inner)('integer', pick(at, ['min', 'max', 'count'])),
        () => `xEvent.groupBy(${pick(at, ['kind', 'eventType', 'amount'])}).map(G => G.count()).${pick(at, ['max', 'head'])}()`,
        () => `${filtered(inner)}.groupBy(${pick(at, ['timestamp'])}).count()`.replace(/^(?!xEvent|\(select S from xEvent).*/, 'xEvent.count()'),
        () => `xEvent.filter(x => x.amount > ${constant(at, 'decimal')}).map(x => x.eventType).distinct().count()`,
        () => `orders.groupBy(sku).filter(G => G.count() > 1).count()`,
        () => `(count V.amount over V from xEvent where ${condition({ ...named(inner, 'V', events(at)), depth: 4 })})`,
        () => pick(at, ['orders.price.max()', 'xEvent.kind.distinct().count()', 'xEvent.amount.count()', 'orders.sku.count()']),
      ])();
    case 'decimal':
      return pick(at, [
        () => `(${value(inner, 'decimal')} ${pick(at, ['+', '-'])} ${value(inner, pick(at, ['decimal', 'integer'] as const))})`,
        () => `(${value(inner, 'decimal')} % ${value({ ...inner, depth: 4 }, pick(at, ['decimal', 'integer'] as const))})`,
        () => `if(${condition(inner)}, ${value(inner, 'decimal')}, ${value(inner, pick(at, ['decimal', 'integer'] as const))})`,
        () => `${array(inner, 'decimal')}.${pick(at, ['min', 'max', 'sum'])}()`,
        () => collection(inner)('decimal', pick(at, ['min', 'max', 'sum'])),
        () => `(${pick(at, ['sum', 'min', 'max'])} V.amount over V from xEvent where ${condition({ ...named(inner, 'V', events(at)), depth: 4 })})`,
      ])();
    case 'double':
      return pick(at, [
        () => `(${value(inner, pick(at, NUMBERS))} / ${value(inner, pick(at, ['integer', 'double'] as const))})`,
        () => `(${value(inner, 'double')} * ${pick(at, ['2', '0.5', '-1'])})`,
        () => collection(inner)(pick(at, ['integer', 'decimal'] as const), 'average'),
        () => `${array(inner, pick(at, ['integer', 'decimal', 'double'] as const))}.average()`,
        () => `(average V.amount over V from xEvent where ${condition({ ...named(inner, 'V', events(at)), depth: 4 })})`,
      ])();
    case 'boolean':
      return `(${condition({ ...inner, depth: Math.max(3, inner.depth) })})`;
    default:
      return pick(at, [
        () => collection(inner)(type, pick(at, ['min', 'max'])),
        () => (type === 'date' ? 'today' : 'now'),
        () => `if(${condition(inner)}, ${value(inner, type)}, ${value(inner, type)})`,
        () => (type === 'date' ? `orders.topN(price, 2).head().on` : `xEvent.${pick(at, ['topN', 'bottomN'])}(amount, ${1 + draw(2)}).head().timestamp`),
      ])();
  }
}

/** `source.max(member)` and its like, where a source has a member of the type. */
function collection(at: Place): (type: Scalar, fn: string) => string {
  return (type, fn) => {
    const over = source(at);
    const members = over.members.filter(({ field }) => field.type.replace(/\(.*/, '') === type);
    if (fn === 'count') return `${over.text}.count()`;
    if (members.length === 0) return constant(at, fn === 'average' ? 'double' : type);
    return `${at.draw(2) === 0 ? over.text : `${over.text}[${condition({ ...deeper(unnamed(at, over.members)), depth: 4 })}]`}.${fn}(${members[at.draw(members.length)]?.text ?? ''})`;
  };
}

interface Source {
  readonly text: string;
  readonly members: readonly Named[];
}

function events(at: Place): readonly Named[] {
  const own = Object.entries(at.world.eventFields).map(([text, field]) => ({ text, field }));
  return [...own, { text: 'timestamp', field: { type: 'timestamp' } }, { text: 'eventType', field: { type: 'string' } }];
}

/** An array of events or objects. */
function source(at: Place): Source {
  const arrays = at.names.filter(({ field }) => field.type === 'array' && field.items?.type === 'object');
  const choice = at.draw(arrays.length + 2);
  const found = arrays[choice];
  if (found === undefined) return { text: 'xEvent', members: events(at) };
  return { text: found.text, members: Object.entries(found.field.items?.fields ?? {}).map(([text, field]) => ({ text, field })) };
}

function filtered(at: Place): string {
  const over = source(at);
  const inner = condition({ ...deeper(unnamed(at, over.members)), depth: Math.max(3, at.depth) });
  return pick(at, [
    () => `${over.text}[${inner}]`,
    () => `${over.text}.filter(${inner})`,
    () => `${over.text}.filter(x => ${condition({ ...deeper(named(at, 'x', over.members)), depth: 4 })})`,
    () => `(select S from ${over.text} where ${condition({ ...deeper(named(at, 'S', over.members)), depth: 4 })})`,
  ])();
}

/** An array of scalars. */
function array(at: Place, items: Item): string {
  const fields = at.names.filter(({ field }) => field.type === 'array' && field.items?.type.replace(/\(.*/, '') === items);
  const found = fields[at.draw(fields.length + 1)];
  if (found === undefined) return list(at, items);
  const name = `x${at.variables}`;
  return pick(at, [
    () => found.text,
    () => `${found.text}.distinct()`,
    () => `${found.text}.intersection(${list(at, likeItem(at, items))})`,
    () => `${found.text}.filter(x => x.isNotNull())`,
    () => `${found.text}.filter(${name} => ${condition({ ...scalarItem(at, name, items), depth: 4 })})`,
    () => `${found.text}.${pick(at, ['topN', 'bottomN'])}(x => x, ${at.draw(3)})`,
    () => (items === 'string' ? 'xEvent.map(kind)' : items === 'decimal' ? 'xEvent.map(amount)' : items === 'date' ? 'orders.on' : found.text),
    () => (items === 'string' ? 'identityMap.values()' : items === 'integer' ? 'map.counts.values()' : found.text),
  ])();
}

/** The type of items that may stand on the other side. */
function likeItem(at: Place, items: Item): Item {
  return items === 'integer' || items === 'decimal' || items === 'double' ? pick(at, ['integer', 'decimal', 'double', items, items] as const) : items;
}

function scalarItem(at: Place, name: string, type: Item): Place {
  return { ...at, variables: at.variables + 1, names: [...at.names, ...Array.from({ length: 4 }, () => ({ text: name, field: { type } }))] };
}

/** `in` and its like stand between their operands, or are written as methods. */
function infix(at: Place, left: string, operator: string, right: string): string {
  return at.draw(5) === 0 ? `(${left}).${operator}(${right})` : `${left} ${operator} ${right}`;
}

/** Nothing but nulls would have no type, and a comparison with its head is refused. */
function list(at: Place, type: Scalar): string {
  const item = (): string => (at.depth < 4 && at.draw(5) === 0 ? value({ ...at, depth: 4 }, type) : constant(at, type));
  return `[${Array.from({ length: 1 + at.draw(3) }, (_, index) => (index > 0 && at.draw(6) === 0 ? 'null' : item())).join(', ')}]`;
}

function window(at: Place): string {
  const unit = pick(at, UNITS);
  return pick(at, [
    () => `${pick(at, ['<', '<=', '>', '>=', '=', '!='])} ${at.draw(40)} ${unit} ${pick(at, ['before', 'after', 'from'])} ${time(at)}`,
    () => `${pick(at, ['before', 'after', 'from'])} ${time(at)}`,
    () => `${pick(at, ['', 'on '])}${time(at)}`,
    () => `between ${time(at)} and ${time(at)}`,
  ])();
}

function time(at: Place): string {
  const fields = at.names.filter(({ field }) => field.type === 'date' || field.type === 'timestamp');
  const found = fields[at.draw(fields.length * 2 + 4)];
  if (found !== undefined) return found.text;
  return pick(at, [
    () => 'now',
    () => 'today',
    () => 'yesterday',
    () => 'tomorrow',
    () =>
      `${pick(at, ['this', 'last', 'next'])} ${pick(at, ['day', 'week', 'month', 'year', 'decade', 'century', 'millennium', 'hour', 'minute', 'second', 'millisecond'])}`,
    () => constant(at, 'date'),
  ])();
}

/** A usual pattern or a drawn one that can be read, on its own and as a group. */
function pattern(at: Place): string {
  if (at.draw(2) === 0) return pick(at, PATTERNS);
  const drawn = drawPattern(at.draw, false, 2);
  return [drawn, `(${drawn})`].some((one) => 'message' in readPattern(one)) ? pick(at, PATTERNS) : drawn;
}

function constant(at: Place, type: Scalar): string {
  switch (type) {
    case 'string':
      return text(at, pick(at, TEXTS));
    case 'integer':
      return pick(at, ['0', '1', '2', '3', '(-1)', '7', '100', '9007199254740993', 'currentDayOfMonth()']);
    case 'decimal':
      return pick(at, ['0.0', '1.5', '2.00', '99.99', '(-0.01)', '0.1', '1', '99.9949', '1.505']);
    case 'double':
      return pick(at, ['0.5', '1e0', '2', '3.75', '1e10']);
    case 'boolean':
      return pick(at, ['true', 'false']);
    case 'date': {
      const [year, month, day] = pick(at, DAYS).split('-').map(Number);
      return `date(${year}, ${month}, ${day})`;
    }
    case 'timestamp':
      return 'now';
  }
}

function anything(at: Place): string {
  const found = at.names[at.draw(at.names.length)];
  if (found === undefined || at.draw(5) === 0) return value(at, pick(at, ['string', 'integer', 'decimal', 'date'] as const));
  return at.draw(6) === 0 && at.names.some(({ text: name }) => name === 'home') ? pick(at, ['home.city', folderOf(at)]) : found.text;
}

/** Attributes that are only a folder of others can be asked for being null. */
function folderOf(at: Place): string {
  const name = at.names.find(({ text: one }) => /(?:^|[.])q[.]\w+$/.test(one))?.text;
  return name?.replace(/[.]\w+$/, '') ?? 'home.city';
}

function text(_at: Place, content: string): string {
  return JSON.stringify(content);
}

/** Types that may stand on the other side of a comparison. */
function alike(at: Place, type: Scalar): Scalar {
  if (NUMBERS.includes(type)) return pick(at, NUMBERS);
  return type === 'date' || type === 'timestamp' ? pick(at, ['date', 'timestamp'] as const) : type;
}

function named(at: Place, name: string, members: readonly Named[]): Place {
  return { ...at, variables: at.variables + 1, names: [...at.names, ...members.map(({ text: member, field }) => ({ text: `${name}.${member}`, field }))] };
}

/** Inside a filter the item's members stand alone, and `^` leads outside. */
function unnamed(at: Place, members: readonly Named[]): Place {
  const outer = at.names.map(({ text: name, field }) => ({
    text: /^(?:[VSLxGP]\d*\b|\$)/.test(name) ? name : name.startsWith('^') ? `^${name}` : `^.${name}`,
    field,
  }));
  return { ...at, names: [...members, ...members, ...outer] };
}

function deeper(at: Place): Place {
  return { ...at, depth: at.depth + 1 };
}

function pick<T>(at: Place, choices: readonly T[]): T {
  return choices[at.draw(choices.length)] as T;
}
