import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { renderDiagnostics } from '../../../src/cli/render-diagnostics.ts';
import type { Diagnostic } from '../../../src/model/diagnostic.ts';

const directory = mkdtempSync(join(tmpdir(), 'render-'));
afterAll(() => rmSync(directory, { recursive: true }));

function render(source: string, place: { readonly column: number; readonly length?: number; readonly label?: string; readonly code?: string }): string[] {
  writeFileSync(join(directory, 'a.yaml'), source);
  const diagnostic: Diagnostic = {
    code: 'RC1207',
    severity: 'error',
    message: 'unknown attribute `x`',
    file: 'a.yaml',
    line: 1,
    hint: 'did you mean `y`?',
    ...place,
  };
  return renderDiagnostics([diagnostic], { color: false, directory }).split('\n');
}

test('the screen of a mistake', () => {
  expect(render('    homeAddres.countryCode = "DE" and\n', { column: 5, length: 22, label: 'no such field' })).toEqual([
    'error RC1207  unknown attribute `x`',
    '  --> a.yaml:1:5',
    '   |',
    ' 1 |     homeAddres.countryCode = "DE" and',
    '   |     ^^^^^^^^^^^^^^^^^^^^^^ no such field',
    '   |',
    '   = did you mean `y`?',
    '',
  ]);
});

test.each([
  ['tabs', '\t\tname: x', 9, 15],
  ['wide characters', 'a: [恵美, x]', 9, 11],
  ['characters beyond the first plane', 'a: [😀, x]', 8, 9],
  ['combining characters', 'a: [e\u0301e\u0301, x]', 11, 9],
  ['CRLF', 'a: x\r\n', 4, 4],
])('the caret stands under the token with %s', (_, source, column, width) => {
  const [, , , shown = '', carets = ''] = render(source, { column });

  expect(shown).not.toContain('\r');
  expect(carets.indexOf('^') - '   | '.length + 1).toBe(width);
});

test('a long line is cut around the token', () => {
  const [, , , shown = '', carets = ''] = render(`pql: ${'a or '.repeat(3000)}bad${' or b'.repeat(3000)}`, { column: 15_006, length: 3 });

  expect(shown.length).toBeLessThan(200);
  expect(shown.slice(carets.indexOf('^'), carets.lastIndexOf('^') + 1)).toBe('bad');
});

test('what would act on the terminal does not', () => {
  const text = render('a: \u001b[31mred \u202e evil', { column: 4 }).join('\n');

  expect(text).not.toContain('\u001b');
  expect(text).not.toContain('\u202e');
});

test('a literal secret is not repeated', () => {
  const text = render('password: hunter2 # c', { column: 11, length: 7, code: 'RC1403' }).join('\n');

  expect(text).not.toContain('hunter2');
  expect(text).toContain('password: ••••••• # c');
});

test('a place in a file that is gone, and no place at all', () => {
  const texts = renderDiagnostics(
    [
      { code: 'RC1001', severity: 'error', message: 'gone', file: 'nope.yaml', line: 3, column: 1 },
      { code: 'RC1311', severity: 'warning', message: 'careful' },
    ],
    { color: false, directory },
  );

  expect(texts).toBe('error RC1001  gone\n  --> nope.yaml:3:1\n\nwarning RC1311  careful\n');
});

test('colour repeats what the words say', () => {
  const plain = renderDiagnostics([{ code: 'RC1', severity: 'error', message: 'm' }], { color: false, directory });
  const colored = renderDiagnostics([{ code: 'RC1', severity: 'error', message: 'm' }], { color: true, directory });

  // oxlint-disable-next-line no-control-regex
  expect(colored.replaceAll(/\u001b\[\d+m/g, '')).toBe(plain);
  expect(colored).not.toBe(plain);
});
