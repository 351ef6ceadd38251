import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson } from '../../../src/support/canonical-json.ts';

test('reads back as the same value, and equal values give equal text whatever the order of their keys', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = canonicalJson(value);
      const turned = JSON.parse(JSON.stringify(value), (_, part: unknown) =>
        part !== null && typeof part === 'object' && !Array.isArray(part) ? Object.fromEntries(Object.entries(part).toReversed()) : part,
      ) as unknown;

      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      expect(canonicalJson(turned)).toBe(text);
    }),
  );
});

test.each([
  [{ b: 1, a: undefined, c: [undefined, null] }, '{"b":1,"c":[null,null]}'],
  [{ z: {}, a: [] }, '{"a":[],"z":{}}'],
  ['"\u2028', '"\\"\u2028"'],
])('%j is %s', (value, text) => {
  expect(canonicalJson(value)).toBe(text);
});
