import { describe, expect, test } from 'vitest';
import type { Plan } from '../../../src/model/plan.ts';
import { checkGuards } from '../../../src/plan/guards.ts';
import type { DesiredInput } from '../../../src/plan/plan-input.ts';
import { planToJson } from '../../../src/plan/plan-json.ts';
import type { PlanView } from '../../../src/plan/plan-view.ts';
import { MAX_MARKDOWN_CHARACTERS, renderPlanMarkdown } from '../../../src/plan/render-markdown.ts';
import { renderPlanText, type Paint } from '../../../src/plan/render-text.ts';
import { desired, edit, plan, recorded, SHOP, without } from './support.ts';

const plain: Paint = { bold: (s) => s, dim: (s) => s, red: (s) => s, green: (s) => s, yellow: (s) => s };
const mark = (text: string): string => `⟦${text}⟧`;
const loud: Paint = { bold: mark, dim: mark, red: mark, green: mark, yellow: mark };
const NOW = Date.UTC(2026, 10, 23, 9, 14);
const HOUR = 3_600_000;

function view(made: Plan, extra: Partial<PlanView> = {}, resources = 7): PlanView {
  return {
    plan: made,
    impact: [],
    guard: checkGuards(made.changes, resources, undefined),
    notCompared: [],
    nextSlots: [],
    sourcesReadAt: undefined,
    now: NOW,
    savedAs: undefined,
    command: 'reconcile',
    ...extra,
  };
}

const state = recorded(SHOP, { commit: '3f9c2a1'.padEnd(40, '0') });
const wanted: readonly DesiredInput[] = [
  ...edit(
    edit(without(SHOP, 'Alert/ops'), 'Segment', 'buyers', (spec: object) => ({ ...spec, pql: 'income > 1 and\nincome < 9\n' })),
    'Activation',
    'letter',
    (spec: { mapping: object[] }) => ({ ...spec, missed: 'all', mapping: [...spec.mapping, { source: 'person.name' }] }),
  ),
  desired('Destination', 'crm', { type: 'local-directory' }, 70),
];
const made: Plan = (() => {
  const bare = plan(wanted, state);
  return {
    ...bare,
    digest: '7b1e'.padEnd(62, '0') + 'c4',
    changes: bare.changes.map((change) =>
      change.name === 'letter' ? Object.assign(change, { notes: ['files have one more column (person_name) from the next slot on'] }) : change,
    ),
  };
})();
const full = view(made, {
  sourcesReadAt: NOW,
  savedAs: 'plan.bin',
  nextSlots: [{ activation: 'letter', slots: [12, 18, 24, 30].map((hour) => Date.UTC(2026, 10, 23) + hour * HOUR) }],
  notCompared: [{ key: 'Destination/crm', path: '/spec/storage/password', reason: 'the environment variable `P` is not set' }],
  impact: [
    {
      activation: 'letter',
      segment: 'buyers',
      members: 41_207,
      added: 12,
      removed: 9846,
      excluded: { 'no firstName': 310 },
      delivered: 51_041,
      files: ['outbox_buyers_20261123_120000.csv'],
      nextSlots: ['2026-11-23T12:00:00Z'],
      held: {
        message: '-19 % is more than guards.maxRemovedPercent 10: the run at 12:00 will be held (exit 3)',
        accept: 'reconcile run letter --slot 2026-11-23T12:00Z --allow-removed=9846',
      },
    },
  ],
});

describe('the text of a plan', () => {
  test('says what, where, why, whom, what is dangerous and what to type', () => {
    expect(renderPlanText(full, { paint: plain, width: 100, verbose: false })).toMatchInlineSnapshot(`
      "Plan: 1 to create, 2 to update, 1 to delete, 4 unchanged           sources read 2026-11-23 09:14 UTC

      To delete

        - Alert/ops                                                                  manifests/all.yaml:60
            because    no manifest declares it any more (applied 2026-11-02, 3f9c2a1)

        ~ Segment/buyers                                                             manifests/all.yaml:20
            spec.pql
                income > 1 and
              - income < 5
              + income < 9
            because    edited since it was applied (2026-11-02, 3f9c2a1)

        ~ Activation/letter                                                          manifests/all.yaml:50
            spec.mapping[target=person_name]   added  {source: person.name}
            spec.missed                        added  all
            because    edited since it was applied (2026-11-02, 3f9c2a1)
            ! files have one more column (person_name) from the next slot on

        + Destination/crm                                                            manifests/all.yaml:70

      In people
        ACTIVATION  SEGMENT  MEMBERS   IN     OUT  EXCLUDED          NEXT FILE
        letter      buyers    41,207  +12  -9,846  310 no firstName  outbox_buyers_20261123_120000.csv
                    ! -19 % is more than guards.maxRemovedPercent 10: the run at 12:00 will be held (exit 3)
                      accept this once:  reconcile run letter --slot 2026-11-23T12:00Z --allow-removed=9846

      ! Destination/crm /spec/storage/password: secret not compared, the environment variable \`P\` is not set

      Next slots  letter  12:00, 18:00, 24 Nov 00:00, 06:00 UTC
      Apply exactly this:  reconcile apply plan.bin       (digest 7b1e…c4)
      "
    `);
  });

  test('colours repeat what words say: without them the same words stand there', () => {
    const painted = renderPlanText(full, { paint: loud, width: 100, verbose: false });

    expect(painted).toContain('⟦');
    expect(painted.replaceAll(/[⟦⟧]/g, '')).toBe(renderPlanText(full, { paint: plain, width: 100, verbose: false }));
  });

  test('an empty plan says so in a line', () => {
    expect(renderPlanText(view(plan(SHOP, recorded(SHOP))), { paint: plain, width: 100, verbose: false })).toBe(
      'No changes: 7 of 7 resources are applied as declared\n',
    );
  });

  test('thousands of creates are counted, all of them shown with --verbose', () => {
    const many = plan(
      Array.from({ length: 5000 }, (_, index) => desired('Segment', `s${index}`, { attributes: 'c', pql: 'true' })),
      { lineage: undefined, resources: new Map() },
    );

    const short = renderPlanText(view(many), { paint: plain, width: 100, verbose: false });
    expect(short.split('\n').length).toBeLessThan(120);
    expect(short).toContain('… and 4,900 more to create');
    expect(renderPlanText(view(many), { paint: plain, width: 100, verbose: true })).toContain('Segment/s4999');
  });

  test('a guard is named with its number and the exact override', () => {
    const all = recorded(Array.from({ length: 40 }, (_, index) => desired('Segment', `s${index}`, { attributes: 'c', pql: 'true' })));

    const text = renderPlanText(view(plan([], all), {}, 40), { paint: plain, width: 100, verbose: false });

    expect(text).toContain('! 40 deletions are more than guards.maxDeletes 25: apply will be held (exit 3)');
    expect(text).toContain('accept this once:  reconcile apply --allow-deletes=40');
    expect(text.indexOf('To delete')).toBeLessThan(text.indexOf('Segment/s0'));
  });

  test('PQL with texts in it is shown as it was written, however short', () => {
    const edited = plan(
      edit(SHOP, 'Segment', 'buyers', (spec: object) => ({ ...spec, pql: 'city = "Köln"' })),
      recorded(SHOP),
    );
    const text = renderPlanText(view(edited), { paint: plain, width: 100, verbose: false });

    expect(text).toContain('\n        + city = "Köln"\n');
    expect(text).not.toContain('\\"');
  });

  test('a user’s text cannot act on the terminal', () => {
    const evil = plan(
      edit(SHOP, 'Segment', 'buyers', (spec: object) => ({ ...spec, pql: 'a \u001b[2Jb \u202e c\nsecond' })),
      recorded(SHOP),
    );

    // eslint-disable-next-line no-control-regex
    expect(renderPlanText(view(evil), { paint: plain, width: 100, verbose: false })).not.toMatch(/[\u001b\u202e]/);
  });
});

describe('the Markdown of a plan', () => {
  test('has marker, dangers, deletions, people and details', () => {
    expect(renderPlanMarkdown(full, 'acme')).toMatchInlineSnapshot(`
      "<!-- reconcile plan: acme -->
      ### acme: **1 delete** · 1 create · 2 update

      1 to create, 2 to update, 1 to delete, 4 unchanged.
      **People:** +12 in, -9,846 out.
      Sources read 2026-11-23 09:14 UTC.

      - :warning: letter / buyers: -19 % is more than guards.maxRemovedPercent 10: the run at 12:00 will be held (exit 3). To accept this once: \`reconcile run letter --slot 2026-11-23T12:00Z --allow-removed=9846\`
      - Destination/crm /spec/storage/password: secret not compared, the environment variable \`P\` is not set

      #### To delete

      - **Alert/ops** (manifests/all.yaml:60)

      #### In people

      | activation | segment | members | in | out | excluded | next file |
      |---|---|--:|--:|--:|---|---|
      | letter | buyers | 41,207 | +12 | -9,846 | 310 no firstName | outbox_buyers_20261123_120000.csv |

      **Next slots**

      - letter: 12:00, 18:00, 24 Nov 00:00, 06:00 UTC

      #### Changes

      <details><summary><code>~</code> <b>Segment/buyers</b> (manifests/all.yaml:20)</summary>

      \`\`\`diff
      ! spec.pql
          income > 1 and
      -   income < 5
      +   income < 9
      \`\`\`

      because edited since it was applied (2026-11-02, 3f9c2a1)<br>

      </details>
      <details><summary><code>+</code> <b>Destination/crm</b> (manifests/all.yaml:70)</summary>

      \`\`\`diff
      + {
      +   "type": "local-directory"
      + }
      \`\`\`

      </details>
      <details><summary><code>~</code> <b>Activation/letter</b> (manifests/all.yaml:50)</summary>

      \`\`\`diff
      + spec.mapping[target=person_name]  added  {source: person.name}
      + spec.missed  added  all
      \`\`\`

      because edited since it was applied (2026-11-02, 3f9c2a1)<br>

      :warning: files have one more column (person_name) from the next slot on<br>

      </details>

      Apply exactly this: \`reconcile apply plan.bin\`

      <sub>digest 7b1e0000000000000000000000000000000000000000000000000000000000c4</sub>
      "
    `);
  });

  test('stays within 60,000 characters, names what it left out, and closes what it opens', () => {
    const long = `income > 1 ${'and income < 2 '.repeat(200)}`;
    const many = plan(
      Array.from({ length: 3000 }, (_, index) => desired('Segment', `s${index}`, { attributes: 'c', pql: long })),
      recorded(Array.from({ length: 2000 }, (_, index) => desired('Segment', `gone-${index}`, { attributes: 'c', pql: 'true' }))),
    );

    const text = renderPlanMarkdown(view(many, {}, 2000), 'acme');

    expect(text.length).toBeLessThanOrEqual(MAX_MARKDOWN_CHARACTERS);
    expect(text).toMatch(/… and \d+ more to delete/);
    expect(text.match(/<details>/g)?.length ?? 0).toBe(text.match(/<\/details>/g)?.length ?? 0);
    expect(text).toContain('--allow-deletes=2000');
    expect(text).toContain(many.digest);
  });

  test('nothing in a manifest breaks out of its fence, mentions anybody or becomes HTML', () => {
    const evil = plan(
      edit(SHOP, 'Segment', 'buyers', (spec: object) => ({ ...spec, pql: '```\n</details><script>x</script>\n````\n@team' })),
      recorded(SHOP),
    );

    const text = renderPlanMarkdown(
      view(evil, { impact: [{ activation: 'a|b', segment: 's', members: 1, added: 1, removed: 0, files: ['x|<b>@all.csv'], nextSlots: [] }] }),
      'acme',
    );

    const fence = /^(`{5,})diff$/m.exec(text)?.[1] ?? '';
    expect(fence).toBe('`````');
    expect(text.split(`\n${fence}`)).toHaveLength(3);
    expect(text).toContain('a\\|b');
    expect(text).not.toContain('<b>@all');
  });
});

test('the JSON has the contract’s keys', () => {
  const json = planToJson(made, full.impact, []);

  expect(Object.keys(json)).toEqual(['formatVersion', 'digest', 'summary', 'changes', 'impact', 'diagnostics']);
  expect(json.summary).toEqual({ create: 1, update: 2, delete: 1, unchanged: 4 });
  for (const change of json.changes) expect(Object.keys(change)).toEqual(expect.arrayContaining(['action', 'kind', 'name', 'source', 'patch', 'because']));
  expect(Object.keys(json.impact[0] ?? {})).toEqual(expect.arrayContaining(['activation', 'segment', 'members', 'added', 'removed', 'files', 'nextSlots']));
  expect(JSON.stringify(json)).not.toContain('"before"');
});
