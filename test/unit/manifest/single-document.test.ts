import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { isolateDocument } from '../../../src/manifest/single-document.ts';

const line = fc.constantFrom(
  'a: 1',
  'b: [x, "---"]',
  'c: |',
  '  --- inside',
  '  text',
  '# --- a comment',
  '---',
  '--- # marked',
  '--- {d: 2}',
  '',
  '   ',
  '----',
  "'e': 'f'",
  '- g',
  '---x: 1',
);
const text = fc.tuple(fc.array(line, { maxLength: 14 }), fc.constantFrom('\n', '\r\n')).map(([lines, end]) => lines.join(end));

test('a document alone is what it is among the others, at the same offsets', () => {
  fc.assert(
    fc.property(text, (whole) => {
      const documents = parseAllDocuments(whole, { logLevel: 'silent' });
      if (!Array.isArray(documents) || documents.some(({ errors }) => errors.length > 0)) return;
      for (const [index, document] of documents.entries()) {
        const alone = isolateDocument(whole, index);
        const [found] = parseAllDocuments(alone ?? '', { logLevel: 'silent' }) as typeof documents;
        expect(found?.toJS() ?? null).toEqual(document.toJS() ?? null);
        expect(found?.contents?.range?.slice(0, 2)).toEqual(document.contents?.range?.slice(0, 2));
      }
    }),
    { numRuns: 2000 },
  );
});

test.each(['%YAML 1.2\n---\na: 1\n', 'a: 1\n...\nb: 2\n'])('a file with directives or ends of documents is left whole: %j', (whole) => {
  expect(isolateDocument(whole, 0)).toBeUndefined();
});
