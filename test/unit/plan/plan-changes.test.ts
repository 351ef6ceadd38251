import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applyPatch, type Operation } from 'fast-json-patch';
import type { Change, Plan } from '../../../src/model/plan.ts';
import type { DesiredInput } from '../../../src/plan/plan-input.ts';
import { checkGuards } from '../../../src/plan/guards.ts';
import { failedPreconditions } from '../../../src/plan/preconditions.ts';
import { desired, edit, EMPTY, plan, recorded, SHOP, without } from './support.ts';

const names = ({ changes }: Plan): string[] => changes.map(({ action, kind, name }) => `${action} ${kind}/${name}`);

const deletes = (count: number): Change[] =>
  plan([], recorded(Array.from({ length: count }, (_, index) => desired('Segment', `s${index}`, { attributes: 'customer', pql: 'true' })))).changes as Change[];

describe('planning', () => {
  test('creates come in the order of what they need, with one `add` at the empty path each', () => {
    const made = plan(SHOP, EMPTY);

    expect(names(made)).toEqual([
      'create Source/shop',
      'create Attributes/customer',
      'create Segment/buyers',
      'create Segment/all',
      'create Destination/outbox',
      'create Activation/letter',
      'create Alert/ops',
    ]);
    expect(made.summary).toEqual({ create: 7, update: 0, delete: 0, unchanged: 0 });
    const buyers = made.changes[2];
    expect(buyers?.patch).toEqual([
      { op: 'add', path: '', value: { metadata: { name: 'buyers' }, spec: { attributes: 'customer', pql: 'income > 1 and\nincome < 5\n' } } },
    ]);
    expect(buyers?.because).toEqual([{ rule: 'not-applied' }]);
  });

  test('what is applied as declared gives an empty plan', () => {
    const made = plan(SHOP, recorded(SHOP));

    expect(made.changes).toEqual([]);
    expect(made.summary.unchanged).toBe(7);
  });

  test('deletes come last and against the order, with when and where the resource was applied', () => {
    const made = plan(without(SHOP, 'Alert/ops', 'Activation/letter', 'Segment/all', 'Segment/buyers'), recorded(SHOP, { commit: 'a'.repeat(40) }));

    expect(names(made)).toEqual(['delete Alert/ops', 'delete Activation/letter', 'delete Segment/all', 'delete Segment/buyers']);
    expect(made.changes[0]).toMatchObject({
      source: { file: 'manifests/all.yaml', line: 60 },
      patch: [{ op: 'remove', path: '' }],
      because: [{ rule: 'not-declared', appliedAt: '2026-11-02T08:00:00Z', commit: 'a'.repeat(40) }],
    });
  });

  test('an update says which fields, and since when', () => {
    const made = plan(
      edit(SHOP, 'Segment', 'buyers', (spec: { pql: string }) => ({ ...spec, pql: 'income > 2' })),
      recorded(SHOP),
    );

    expect(made.changes).toHaveLength(1);
    expect(made.changes[0]).toMatchObject({
      action: 'update',
      patch: [{ op: 'replace', path: '/spec/pql', value: 'income > 2' }],
      because: [{ rule: 'edited', paths: ['/spec/pql'], appliedAt: '2026-11-02T08:00:00Z' }],
      base: { version: 1 },
    });
  });

  test('sets in another order and written-out defaults are no change; ordered lists are', () => {
    const same = edit(
      edit(SHOP, 'Alert', 'ops', (spec: { on: string[] }) => ({ ...spec, on: spec.on.toReversed() })),
      'Activation',
      'letter',
      (spec: { mapping: object[] }) => ({
        ...spec,
        missed: 'latest',
        suspend: false,
        guards: { maxRemovedPercent: 50 },
        mapping: spec.mapping.map((one) => ({ ...one, mandatory: false })),
      }),
    );
    const turned = edit(SHOP, 'Activation', 'letter', (spec: { mapping: object[] }) => ({ ...spec, mapping: spec.mapping.toReversed() }));

    expect(plan(same, recorded(SHOP)).changes).toEqual([]);
    expect(plan(turned, recorded(SHOP)).summary.update).toBe(1);
  });

  test('for any two sets of resources: patches lead to the wanted bodies, and applying leaves nothing to do', () => {
    const segment = fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd'), pql: fc.constantFrom('x', 'y', 'x\ny\n') });
    const set = fc
      .uniqueArray(segment, { selector: ({ name }) => name })
      .map((list) => list.map(({ name, pql }) => desired('Segment', name, { attributes: 'customer', pql })));
    fc.assert(
      fc.property(set, set, (before, after) => {
        const state = recorded(before);
        const made = plan(after, state);
        const result = new Map([...state.resources].map(([key, { metadata, spec }]) => [key as string, { metadata, spec }]));
        for (const change of made.changes) {
          const key = `${change.kind}/${change.name}`;
          if (change.action === 'delete') result.delete(key);
          else
            result.set(
              key,
              applyPatch(structuredClone(result.get(key) ?? null), structuredClone(change.patch) as Operation[]).newDocument as {
                metadata: { name: string };
                spec: unknown;
              },
            );
        }
        const wanted = new Map(after.map(({ kind, metadata, spec }) => [`${kind}/${metadata.name}`, { metadata, spec }]));
        expect(Object.fromEntries(result)).toEqual(Object.fromEntries(wanted));
        expect(plan(after, recorded(after)).changes).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  test('ten thousand segments in one chain of references are ordered without running out of stack', () => {
    const chain = Array.from({ length: 10_000 }, (_, index) =>
      desired('Segment', `s${String(9999 - index).padStart(5, '0')}`, {
        attributes: 'customer',
        pql: index === 0 ? 'true' : `inSegment("s${String(10_000 - index).padStart(5, '0')}")`,
      }),
    );

    const made = plan(chain, EMPTY);

    expect(made.changes[0]?.name).toBe('s09999');
    expect(made.changes.at(-1)?.name).toBe('s00000');
  });
});

describe('the digest', () => {
  const edited = edit(SHOP, 'Segment', 'buyers', (spec: { pql: string }) => ({ ...spec, pql: 'income > 2' }));

  test('is the same for the same files on the same state, in whatever order they are read', () => {
    expect(plan(edited, recorded(SHOP)).digest).toBe(plan(edited.toReversed(), recorded(SHOP.toReversed())).digest);
  });

  test('differs with the content, the state’s versions, the tool, the environment and the variables', () => {
    const base = plan(edited, recorded(SHOP)).digest;
    const others = [
      plan(
        edit(SHOP, 'Segment', 'buyers', (spec: object) => ({ ...spec, pql: 'income > 3' })),
        recorded(SHOP),
      ),
      plan(edited, recorded(SHOP, { version: 2 })),
      plan(edited, recorded(SHOP, {}, 'lineage-2')),
      plan(edited, recorded(SHOP), { toolVersion: '1.2.4' }),
      plan(edited, recorded(SHOP), { environment: 'prod' }),
      plan(edited, recorded(SHOP), { variables: 'w' }),
    ].map(({ digest }) => digest);

    expect(new Set([base, ...others]).size).toBe(7);
  });
});

describe('--select', () => {
  test('brings what is needed and nothing else', () => {
    expect(names(plan(SHOP, EMPTY, { select: ['Segment/all'] }))).toEqual([
      'create Source/shop',
      'create Attributes/customer',
      'create Segment/buyers',
      'create Segment/all',
    ]);
    expect(names(plan(SHOP, EMPTY, { select: ['Destination/outbox'] }))).toEqual(['create Destination/outbox']);
  });

  test('of a deletion brings the deletions of what refers to it', () => {
    const made = plan(without(SHOP, 'Alert/ops', 'Activation/letter', 'Segment/all', 'Segment/buyers'), recorded(SHOP), { select: ['Segment/all'] });

    expect(names(made)).toEqual(['delete Alert/ops', 'delete Activation/letter', 'delete Segment/all']);
  });

  test.each([
    ['Segment/buyer', 'did you mean `Segment/buyers`?'],
    ['buyers', 'write it as Segment/german-recent-buyers'],
  ])('%s is refused with exit 64', (select, hint) => {
    expect(() => plan(SHOP, EMPTY, { select: [select] })).toThrow(expect.objectContaining({ code: 'RC3020', exit: 64, hint }) as Error);
  });
});

describe('preconditions', () => {
  const edited = edit(SHOP, 'Segment', 'buyers', (spec: object) => ({ ...spec, pql: 'income > 2' }));
  const made = plan(edited, recorded(SHOP));

  test('name what is touched and what that reads, over any number of steps, and nothing else', () => {
    expect(made.preconditions.map((one) => (one.type === 'resource' ? one.key : one.type))).toEqual([
      'lineage',
      'Segment/buyers',
      'Attributes/customer',
      'Source/shop',
    ]);
    expect(failedPreconditions(made.preconditions, recorded(SHOP))).toEqual([]);
  });

  test('a resource that is neither touched nor read may move', () => {
    const moved = recorded(without(SHOP, 'Alert/ops', 'Destination/outbox'));

    expect(failedPreconditions(made.preconditions, moved)).toEqual([]);
  });

  test.each<[string, readonly DesiredInput[], Partial<{ version: number }>, RegExp]>([
    ['a touched resource is gone', without(SHOP, 'Segment/buyers'), {}, /Segment\/buyers has been deleted/],
    ['a version has risen, to the same content', SHOP, { version: 2 }, /Segment\/buyers has been changed \(version 1 then, 2 now\)/],
    [
      'what is read was deleted and declared anew, with other content',
      edit(SHOP, 'Source', 'shop', (spec: object) => ({ ...spec, datasets: {} })),
      {},
      /Source\/shop has been changed/,
    ],
  ])('%s', (_, state, extra, text) => {
    expect(failedPreconditions(made.preconditions, recorded(state, extra)).join('; ')).toMatch(text);
  });

  test('a plan of an empty state requires that it still is, and names what appeared', () => {
    const first = plan(SHOP, EMPTY);

    expect(failedPreconditions(first.preconditions, EMPTY)).toEqual([]);
    // Whatever was there meanwhile is gone again.
    expect(failedPreconditions(first.preconditions, recorded([]))).toEqual([]);
    const failed = failedPreconditions(first.preconditions, recorded(SHOP)).join('; ');
    expect(failed).toMatch(/empty then and is not now/);
    expect(failed).toMatch(/Source\/shop has been created/);
    expect(failed).toMatch(/2 more have moved/);
  });

  test('a deletion needs nothing of what it referred to', () => {
    const { preconditions } = plan(without(SHOP, 'Alert/ops', 'Activation/letter'), recorded(SHOP));

    expect(preconditions.map((one) => (one.type === 'resource' ? one.key : one.type))).toEqual(['lineage', 'Alert/ops', 'Activation/letter']);
  });

  test('another lineage is another state', () => {
    expect(failedPreconditions(made.preconditions, recorded(SHOP, {}, 'other'))).toEqual(['it is another state']);
  });
});

describe('guards', () => {
  test.each([
    [25, 200, undefined, 0],
    [26, 200, undefined, 1],
    [2, 10, undefined, 0],
    [3, 10, undefined, 1],
    [9, 9, undefined, 0],
    [1, 10, { maxDeletes: 0, maxDeletedPercent: 0 }, 2],
    [40, 100, { maxDeletes: 100 }, 1],
    [40, 100, { maxDeletes: 100, maxDeletedPercent: 40 }, 0],
  ])('%i deletions of %i with %j exceed %i limits', (count, of, guards, exceeded) => {
    expect(checkGuards(deletes(count), of, guards).exceeded).toHaveLength(exceeded);
  });

  test('say the measured number and the limit', () => {
    expect(checkGuards(deletes(300), 307, undefined).exceeded).toEqual([
      '300 deletions are more than guards.maxDeletes 25',
      '300 of 307 resources, 97.8 %, are more than guards.maxDeletedPercent 20',
    ]);
  });
});
