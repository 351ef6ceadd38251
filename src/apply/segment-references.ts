/** `inSegment("name")` in a segment's text. Inside a string of the text it would match as well: one reference too many, which only orders. */
const IN_SEGMENT = /\binSegment\s*\(\s*(?:"([^"\\]*)"|'([^'\\]*)')\s*\)/g;

/** The segments that a segment's PQL names. The PQL is valid: whoever reads manifests has parsed it. */
export function segmentReferences(pql: string): readonly string[] {
  return [...pql.matchAll(IN_SEGMENT)].map(([, double, single]) => double ?? single ?? '');
}
