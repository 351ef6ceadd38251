import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

interface Rule {
  readonly match?: string;
  readonly begin?: string;
  readonly end?: string;
  readonly include?: string;
  readonly patterns?: readonly Rule[];
}

interface Grammar {
  readonly patterns: readonly Rule[];
  readonly repository: Readonly<Record<string, Rule>>;
}

const grammar = JSON.parse(readFileSync(new URL('../../../schemas/pql.tmLanguage.json', import.meta.url), 'utf8')) as Grammar;

function rulesOf(rule: Rule): readonly Rule[] {
  return [rule, ...(rule.patterns ?? []).flatMap(rulesOf)];
}

/** Case-insensitive patterns in Oniguruma begin with (?i), which JavaScript takes as a flag. */
function toJavaScript(pattern: string): RegExp {
  return pattern.startsWith('(?i)') ? new RegExp(pattern.slice(4), 'i') : new RegExp(pattern);
}

const all = [...grammar.patterns, ...Object.values(grammar.repository)].flatMap(rulesOf);

test('every pattern can be read and every include leads somewhere', () => {
  for (const { match, begin, end } of all)
    for (const pattern of [match, begin, end]) if (pattern !== undefined) expect(() => toJavaScript(pattern)).not.toThrow();
  for (const { include } of all) if (include !== undefined) expect(Object.keys(grammar.repository)).toContain(include.slice(1));
});

test('each keyword of the language has a colour', () => {
  const patterns = all.flatMap(({ match }) => (match === undefined ? [] : [toJavaScript(match)]));
  const keywords =
    'and or not in notIn like exists forall from where let select over occurs between true false null now today yesterday tomorrow this last next before after on if chain'.split(
      ' ',
    );
  const plain = toJavaScript('\\b[A-Za-z_]\\w*\\b').source;
  for (const keyword of keywords)
    expect(
      patterns.some((pattern) => pattern.source !== plain && pattern.exec(keyword)?.[0] === keyword),
      keyword,
    ).toBe(true);
});
