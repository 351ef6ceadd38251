import { readFileSync } from 'node:fs';
import { beforeAll, expect, test } from 'vitest';
import oniguruma from 'vscode-oniguruma';
import textmate, { type IGrammar } from 'vscode-textmate';
import { LANGUAGE_ROWS } from '../../support/pql/language-rows.ts';

const GRAMMAR = new URL('../../../schemas/pql.tmLanguage.json', import.meta.url);
const ONIGURUMA = new URL('../../../node_modules/vscode-oniguruma/release/onig.wasm', import.meta.url);

let grammar: IGrammar;
beforeAll(async () => {
  await oniguruma.loadWASM(readFileSync(ONIGURUMA));
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (patterns) => new oniguruma.OnigScanner(patterns),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: (scope) => Promise.resolve(scope === 'source.pql' ? textmate.parseRawGrammar(readFileSync(GRAMMAR, 'utf8'), 'pql.json') : null),
  });
  const loaded = await registry.loadGrammar('source.pql');
  if (loaded === null) throw new Error('the grammar is not found');
  grammar = loaded;
});

/** The words of a text as an editor colours them: `word kind.of.word`. */
function coloured(text: string): readonly string[] {
  let state = textmate.INITIAL;
  return text.split('\n').flatMap((line) => {
    const { tokens, ruleStack } = grammar.tokenizeLine(line, state);
    state = ruleStack;
    return tokens.map(({ startIndex, endIndex, scopes }) => `${line.slice(startIndex, endIndex)} ${(scopes.at(-1) ?? '').replace(/\.pql$/, '')}`);
  });
}

test.each([
  ['and or not in notIn like occurs', 'keyword.operator.logical'],
  ['exists forall from where let select over between before after on if chain', 'keyword.control'],
  ['true false null', 'constant.language'],
  ['now today yesterday tomorrow this last next', 'constant.language.moment'],
  ['milliseconds second days centuries millennium', 'keyword.other.unit'],
  ['xEvent identityMap $1', 'variable.language'],
  ['homeAddress andy notInside order', 'variable.other'],
  ['3 3.14 1e3', 'constant.numeric'],
])('%s', (words, kind) => {
  for (const word of words.split(' '))
    for (const text of new Set([word, /[$x]|identity|homeA|^[0-9]/.test(word) ? word : word.toUpperCase()]))
      expect(coloured(text)).toEqual([`${text} ${kind}`]);
});

test('functions, members, steps, texts and comments are told apart', () => {
  expect(coloured('CHAIN(xEvent, timestamp, [A: WHAT(a.in = "b\\"c") WHEN(< 3 days before now)])').filter((token) => !token.endsWith(' source'))).toEqual([
    'CHAIN keyword.control',
    'xEvent variable.language',
    'timestamp variable.other',
    'A variable.other',
    'WHAT keyword.control.step',
    'a variable.other',
    '. punctuation.accessor',
    'in variable.other.member',
    '= keyword.operator',
    '" string.quoted.double',
    'b string.quoted.double',
    '\\" constant.character.escape',
    'c string.quoted.double',
    '" string.quoted.double',
    'WHEN keyword.control.step',
    '< keyword.operator',
    '3 constant.numeric',
    'days keyword.other.unit',
    'before keyword.control',
    'now constant.language.moment',
  ]);
  expect(coloured('d.getMonth() = currentMonth()')).toEqual(
    expect.arrayContaining(['getMonth entity.name.function.member', 'currentMonth entity.name.function']),
  );
  expect(coloured('sum X.total over X from xEvent')).toEqual(expect.arrayContaining(['sum entity.name.function', 'total variable.other.member']));
  expect(coloured('a /* b\nc */ d // e')).toEqual(expect.arrayContaining(['c  comment.block', 'd variable.other', '// e comment.line.double-slash']));
});

test('in no expression of the language a word is left without a colour', () => {
  for (const text of Object.values(LANGUAGE_ROWS).flatMap((cases) => Object.keys(cases)))
    expect(coloured(text).filter((token) => token.endsWith(' source') && /[A-Za-z0-9"]/.test(token.replace(/ source$/, '')))).toEqual([]);
});
