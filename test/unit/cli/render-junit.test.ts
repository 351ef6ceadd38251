import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { expect, test } from 'vitest';
import { renderJunit } from '../../../src/cli/render-junit.ts';

test('whatever a test is called, the report is XML that a parser reads back', () => {
  const names = ['<b>&amp;"\'', ']]>', '\u0000\u0001\u001b[31m', '\ud800', '😀 名前', '<!-- -->', 'a\nb'];
  const cases = names.map((name, index) => ({
    suite: 's & "t"',
    name,
    file: 'manifests/a<b.yaml',
    line: index + 1,
    failure: index % 2 === 0 ? undefined : { kind: 'failure' as const, message: `${name} failed`, text: `${name}\n<x>` },
  }));

  const text = renderJunit('my <project>', cases);

  expect(XMLValidator.validate(text)).toBe(true);
  const parsed = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '' }).parse(text) as {
    readonly testsuites: {
      readonly name: string;
      readonly tests: string;
      readonly failures: string;
      readonly testsuite: { readonly testcase: readonly { readonly name: string }[] };
    };
  };
  expect(parsed.testsuites).toMatchObject({ name: 'my <project>', tests: '7', failures: '3' });
  expect(parsed.testsuites.testsuite.testcase).toHaveLength(7);
  expect(parsed.testsuites.testsuite.testcase[0]?.name).toBe('<b>&amp;"\'');
  expect(parsed.testsuites.testsuite.testcase[4]?.name).toBe('😀 名前');
});
