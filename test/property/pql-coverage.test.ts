import { expect, test } from 'vitest';
import { toUnit, UNITS } from '../../src/segment/ast.ts';
import { parsePql } from '../../src/segment/parse/parse-pql.ts';
import { drawCondition } from '../support/pql/draw-expression.ts';
import { randomDraw } from '../support/pql/random-draw.ts';
import { drawWorld } from '../support/pql/world.ts';

const CASES = 3000;
const METHODS =
  'startsWith doesNotStartWith endsWith doesNotEndWith contains doesNotContain equals notEqualTo matches regexGroup isNull isNotNull like in notIn intersects intersection subsetOf supersetOf includes distinct groupBy filter map topN bottomN head get keys values count sum average min max getMonth getYear getDayOfMonth';
const FUNCTIONS = 'date if inSegment currentMonth currentYear currentDayOfMonth';

/** Every construct that the property test has to draw. */
const WANTED: readonly string[] = [
  ...METHODS.split(' ').map((name) => `.${name}()`),
  ...FUNCTIONS.split(' ').map((name) => `${name}()`),
  ...['=', '!=', '<', '<=', '>', '>='].flatMap((operator) => [`compare ${operator}`, `distance ${operator}`]),
  ...['+', '-', '*', '/', '%'].map((operator) => `arithmetic ${operator}`),
  ...['before', 'after', 'from'].map((direction) => `distance ${direction}`),
  ...['before', 'after', 'from'].map((direction) => `side ${direction}`),
  ...['now', 'today', 'yesterday', 'tomorrow'].map((which) => `moment ${which}`),
  ...UNITS.flatMap((unit) => [`distance ${unit}`, `period ${unit}`]),
  ...['this', 'last', 'next'].map((which) => `period ${which}`),
  ...['and', 'or'].map((operator) => `logic ${operator}`),
  ...['sum', 'count', 'average', 'min', 'max'].map((fn) => `aggregate ${fn}`),
  'string',
  'number',
  'boolean',
  'null',
  'array',
  'member',
  'parameter',
  'outer 1',
  'outer 2',
  'lambda',
  'filter',
  'not',
  'negate',
  'in',
  'notIn',
  'like',
  'let',
  'select',
  'chain',
  'exists',
  'exists several',
  'forall',
  'forall several',
  'occurs on',
  'occurs between',
  'projection',
  'chain what',
  'chain when',
  'chain where',
  'chain count',
  'chain several',
];

/** What an expression is made of, as WANTED names it. */
function constructsOf(text: string): ReadonlySet<string> {
  const found = new Set<string>();
  const look = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(look);
    if (value === null || typeof value !== 'object') return;
    const node = value as Readonly<Record<string, never>>;
    for (const name of namesOf(node)) found.add(name);
    Object.values(node).forEach(look);
  };
  look(parsePql(text).expression);
  if (/\b(?:orders|xEvent)\.(?!count|sum|average|min|max|map|filter|groupBy|topN|bottomN|distinct|head|isN)\w+\.\w+\(/.test(text)) found.add('projection');
  return found;
}

function namesOf(node: Readonly<Record<string, never>>): readonly string[] {
  const { kind, form, operator, direction, which, fn, quantifier, levels } = node as Readonly<Record<string, string | undefined>>;
  const { name, object, negated, bindings, steps } = node as {
    name?: string;
    object?: unknown;
    negated?: boolean;
    bindings?: unknown[];
    steps?: Readonly<Record<string, unknown>>[];
  };
  const unit = toUnit(String(node['unit']));
  if (form === 'distance') return [`distance ${operator ?? ''}`, `distance ${direction ?? ''}`, `distance ${unit ?? ''}`];
  if (form !== undefined) return [form === 'side' ? `side ${direction ?? ''}` : `occurs ${form}`];
  switch (kind) {
    case 'call':
      return [object === undefined ? `${name ?? ''}()` : `.${name ?? ''}()`];
    case 'period':
      return [`period ${which ?? ''}`, `period ${unit ?? ''}`];
    case 'moment':
      return [`moment ${which ?? ''}`];
    case 'compare':
    case 'arithmetic':
    case 'logic':
      return [`${kind} ${operator ?? ''}`];
    case 'aggregate':
      return [`aggregate ${fn ?? ''}`];
    case 'outer':
      return [`outer ${levels ?? ''}`];
    case 'in':
      return [negated === true ? 'notIn' : 'in'];
    case 'quantifier':
      return [quantifier ?? '', ...((bindings?.length ?? 0) > 1 ? [`${quantifier ?? ''} several`] : [])];
    case 'chain':
      return [
        'chain',
        ...((steps?.length ?? 0) > 1 ? ['chain several'] : []),
        ...(steps ?? []).flatMap((step) => [
          ...['what', 'when', 'where'].filter((part) => step[part] !== undefined).map((part) => `chain ${part}`),
          ...(step['count'] === 1 ? [] : ['chain count']),
        ]),
      ];
    default:
      return kind === undefined ? [] : [kind];
  }
}

test(`${CASES} drawn expressions hold every construct of the language`, () => {
  const counts = new Map(WANTED.map((name) => [name, 0]));
  for (let seed = 1; seed <= 6; seed += 1) {
    const draw = randomDraw(seed);
    const world = drawWorld(draw, 1);
    for (let index = 0; index < CASES / 6; index += 1)
      for (const name of constructsOf(drawCondition(draw, world, ['s-one', 's-two']))) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  if (process.env['PQL_COVERAGE'] !== undefined)
    console.log(
      [...counts]
        .toSorted((a, b) => a[1] - b[1])
        .map(([name, count]) => `${count} ${name}`)
        .join('\n'),
    );
  expect([...counts].filter(([, count]) => count === 0).map(([name]) => name)).toEqual([]);
});
