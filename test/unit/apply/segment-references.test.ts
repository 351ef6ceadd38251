import { expect, test } from 'vitest';
import { segmentReferences } from '../../../src/apply/segment-references.ts';

test.each<[string, readonly string[]]>([
  ['income > 1', []],
  ['inSegment("a") and not inSegment ( "b-2" )', ['a', 'b-2']],
  ['inSegment( // why\n "a" /* x */ )', ['a']],
  ['// inSegment("gone")\ntrue', []],
  ['/* inSegment("gone") */ inSegment("a")', ['a']],
  ['name = "inSegment(\\"gone\\")"', []],
  ['name = "// no comment" and inSegment("a")', ['a']],
  ['name = "\\\\" and inSegment("a")', ['a']],
  ['myinSegment("x")', []],
])('%s', (pql, names) => {
  expect(segmentReferences(pql)).toEqual(names);
});
