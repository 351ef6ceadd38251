import * as fc from 'fast-check';
import jsonpatch from 'fast-json-patch';
import { describe, expect, test } from 'vitest';
import type { PatchOperation } from '../../../src/model/plan.ts';
import { diffResource } from '../../../src/plan/diff-resource.ts';

const body = (spec: unknown): { metadata: { name: string }; spec: unknown } => ({ metadata: { name: 'x' }, spec });
const apply = (base: unknown, patch: readonly PatchOperation[]): unknown =>
  jsonpatch.applyPatch(structuredClone(base), structuredClone(patch) as jsonpatch.Operation[], true).newDocument;

/** Lists of the forms that manifests have: scalars, named things, mappings, and whatever else. */
const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'a/b', 'x~y', 'person.name');
const scalar = fc.oneof(fc.string({ maxLength: 6 }), fc.integer(), fc.boolean(), fc.constant(null));
const item = fc.oneof(
  name,
  fc.record({ name, schedule: fc.record({ every: fc.constantFrom('6h', '24h') }, { requiredKeys: [] }) }, { requiredKeys: ['name'] }),
  fc.record({ source: name, target: name, mandatory: fc.boolean() }, { requiredKeys: ['source'] }),
  fc.record({ type: name, to: fc.array(name, { maxLength: 3 }) }),
  scalar,
  fc.array(scalar, { maxLength: 3 }),
);
const spec = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, scalar, fc.array(item, { maxLength: 7 }), fc.dictionary(name, tie('value'), { maxKeys: 4 })),
})).value;

describe('diffResource', () => {
  test('applied to the base, the patch gives exactly the target', () => {
    fc.assert(
      fc.property(spec, spec, (before, after) => {
        const { patch } = diffResource(body(before), body(after));

        expect(apply(body(before), patch)).toEqual(body(after));
      }),
      { numRuns: 2000 },
    );
  });

  test('equal bodies give nothing, whatever the order of their keys', () => {
    fc.assert(
      fc.property(spec, (one) => {
        const turned = JSON.parse(JSON.stringify(one), (_, value: unknown) =>
          value !== null && typeof value === 'object' && !Array.isArray(value) ? Object.fromEntries(Object.entries(value).toReversed()) : value,
        ) as unknown;
        expect(diffResource(body(one), body(turned)).patch).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  test('one item put in front of many is one operation', () => {
    const many = Array.from({ length: 2000 }, (_, index) => ({ source: `field.${index}` }));

    const { patch, fields } = diffResource(body({ mapping: many }), body({ mapping: [{ source: 'income' }, ...many] }));

    expect(patch).toEqual([{ op: 'add', path: '/spec/mapping/0', value: { source: 'income' } }]);
    expect(fields.map(({ label, change }) => `${label} ${change}`)).toEqual(['spec.mapping[target=income] added']);
  });

  test('the first of 20,000 values removed is one operation', () => {
    const values = Array.from({ length: 20_000 }, (_, index) => `id-${index}`);

    const { patch } = diffResource(body({ values }), body({ values: values.slice(1) }));

    expect(patch).toEqual([{ op: 'remove', path: '/spec/values/0' }]);
  });

  test('the first item moved to the end is one move, not one per item', () => {
    const list = ['a', 'b', 'c', 'd', 'e', 'f'];

    const { patch } = diffResource(body({ list }), body({ list: ['b', 'c', 'd', 'e', 'f', 'a'] }));

    expect(patch).toEqual([{ op: 'move', from: '/spec/list/0', path: '/spec/list/5' }]);
  });

  test('a changed item is changed in its place and named by its key', () => {
    const before = { mapping: [{ source: 'a.b' }, { source: 'income', target: 'inc' }] };
    const after = { mapping: [{ source: 'a.b' }, { source: 'income', target: 'inc', mandatory: true }] };

    const { patch, fields } = diffResource(body(before), body(after));

    expect(patch).toEqual([{ op: 'add', path: '/spec/mapping/1/mandatory', value: true }]);
    expect(fields[0]?.label).toBe('spec.mapping[target=inc].mandatory');
  });

  test('a segment that gets overrides stays the same item', () => {
    const { patch } = diffResource(body({ segments: ['a', 'b'] }), body({ segments: ['a', { name: 'b', export: 'full' }] }));

    expect(patch).toEqual([{ op: 'replace', path: '/spec/segments/1', value: { name: 'b', export: 'full' } }]);
  });

  test('a list that shares nothing is replaced at once; so is one that changes in thousands of places', () => {
    const old = Array.from({ length: 3000 }, (_, index) => `o${index}`);
    const mixed = old.map((value, index) => (index % 2 === 0 ? value : `n${index}`));

    expect(diffResource(body({ l: ['a', 'b'] }), body({ l: ['c'] })).patch).toEqual([{ op: 'replace', path: '/spec/l', value: ['c'] }]);
    expect(diffResource(body({ l: old }), body({ l: mixed })).patch).toHaveLength(1);
  });

  test('keys with slashes and tildes are escaped; dots in keys do not read as paths', () => {
    const { patch, fields } = diffResource(body({ fields: {} }), body({ fields: { 'a/b~c.d': 1 } }));

    expect(patch).toEqual([{ op: 'add', path: '/spec/fields/a~1b~0c.d', value: 1 }]);
    expect(fields[0]?.label).toBe('spec.fields[a/b~c.d]');
  });
});
