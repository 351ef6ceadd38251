import type { Instant } from '../model/instant.ts';
import { parseInstant } from '../model/instant.ts';
import type { SegmentTestSpec } from '../model/generated/kinds.ts';
import { isMember } from './evaluate/evaluate.ts';
import { explainTree, type ExplainedNode } from './evaluate/explain-tree.ts';
import { readFixture, type FixtureProblem } from './evaluate/read-fixture.ts';
import type { ProfileSchema } from './profile-schema.ts';
import type { Typed } from './typed.ts';

export interface TestedSegment {
  readonly name: string;
  readonly typed: Typed;
  readonly pql: string;
  readonly schema: ProfileSchema;
  readonly tests: readonly SegmentTestSpec[];
  /** Typed trees of what `inSegment` names. */
  readonly segments: ReadonlyMap<string, Typed>;
}

export interface SegmentTestResult {
  readonly segment: string;
  /** Position in the segment's `tests`. */
  readonly index: number;
  readonly name: string;
  /** `broken`: the fixture itself is wrong, so that nothing was tested. */
  readonly status: 'passed' | 'failed' | 'broken';
  readonly wanted: boolean;
  /** Undefined when broken. */
  readonly found: boolean | undefined;
  readonly problems: readonly FixtureProblem[];
  /** Why, when failed: the parts that decided, the most telling first. */
  readonly why: readonly ExplainedNode[];
}

/** Runs a segment's own tests with nothing but the evaluator. `now` is for tests that fix none of their own. */
export function runSegmentTests(segment: TestedSegment, now: Instant): readonly SegmentTestResult[] {
  return segment.tests.map((test, index) => runTest(segment, test, index, now));
}

function runTest(segment: TestedSegment, test: SegmentTestSpec, index: number, defaultNow: Instant): SegmentTestResult {
  const base = { segment: segment.name, index, name: test.name, wanted: test.member };
  const { profile, problems } = readFixture(test.profile ?? {}, test.events ?? [], segment.schema);
  if (problems.length > 0) return { ...base, status: 'broken', found: undefined, problems, why: [] };
  const now = test.now === undefined ? defaultNow : (parseInstant(test.now) ?? defaultNow);
  const options = { now, segments: segment.segments };
  try {
    const found = isMember(segment.typed, profile, options);
    if (found === test.member) return { ...base, status: 'passed', found, problems, why: [] };
    return { ...base, status: 'failed', found, problems, why: decisive(explainTree(segment.typed, segment.pql, profile, options), found) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { ...base, status: 'broken', found: undefined, problems: [{ path: [], message: error.message }], why: [] };
  }
}

/** The smallest parts that made a tree true, or kept it from being true: through `and`, `or`, `not` and `let`. */
function decisive(node: ExplainedNode, found: boolean): readonly ExplainedNode[] {
  const conditions = node.children.filter((child) => child.items === undefined && child.isCondition);
  const [first] = conditions;
  const last = conditions.at(-1);
  if (node.kind === 'not' && first !== undefined) return decisive(first, !found);
  if (node.kind === 'let' && last !== undefined) return decisive(last, found);
  if (node.kind !== 'and' && node.kind !== 'or') return [node];
  const telling = conditions.filter((child) => (child.truth === true) === found);
  return telling.length === 0 ? [node] : telling.flatMap((child) => decisive(child, found));
}
