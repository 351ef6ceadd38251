import type { SegmentSpec } from '../model/generated/kinds.ts';
import type { Resource } from '../model/resource.ts';
import type { SegmentCall } from './check-segments.ts';
import type { Reporter } from './reporter.ts';

/** A call and who makes it. */
export interface SegmentReference extends SegmentCall {
  readonly from: Resource<SegmentSpec>;
}

/** Each circle is told once, at the reference that closes it. */
export function checkCycles(references: readonly SegmentReference[], report: Reporter): void {
  const outgoing = new Map<string, SegmentReference[]>();
  for (const reference of references) {
    const name = reference.from.metadata.name;
    outgoing.set(name, [...(outgoing.get(name) ?? []), reference]);
  }
  const done = new Set<string>();
  for (const start of outgoing.keys()) {
    // Without recursion: chains of segments may be long.
    const path: { readonly name: string; next: number }[] = done.has(start) ? [] : [{ name: start, next: 0 }];
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const reference = outgoing.get(top.name)?.[top.next];
      top.next += 1;
      if (reference === undefined) {
        done.add(top.name);
        path.pop();
        continue;
      }
      const at = path.findIndex(({ name }) => name === reference.to);
      if (at >= 0) {
        const circle = [...path.slice(at).map(({ name }) => name), reference.to];
        report.inText(reference.from, '/spec/pql', reference.start, reference.end, {
          code: 'RC1309',
          message: circle.length === 2 ? `the segment \`${reference.to}\` names itself` : `segments name each other in a circle: ${circle.join(' -> ')}`,
          hint: 'take one of the references out',
        });
      } else if (!done.has(reference.to)) path.push({ name: reference.to, next: 0 });
    }
  }
}
