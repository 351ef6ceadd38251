const COMMENT = String.raw`\/\/[^\n]*|\/\*[^]*?\*\/`;
const TEXT = String.raw`"(?:[^"\\]|\\[^])*"`;
const GAP = String.raw`(?:\s|${COMMENT})*`;
/** Comments and texts are passed over whole, as the tokens of PQL have it, so that what stands inside them is no call. */
const IN_SEGMENT = new RegExp(`${COMMENT}|${TEXT}|\\binSegment${GAP}\\(${GAP}(${TEXT})`, 'g');

/**
 * The segments that PQL names. It is valid: whoever reads manifests has parsed it. Not parsed here once more, since a plan asks
 * this of thousands.
 */
export function segmentReferences(pql: string): readonly string[] {
  // A name holds nothing that could be escaped.
  return [...pql.matchAll(IN_SEGMENT)].flatMap(([, name]) => (name === undefined ? [] : [name.slice(1, -1)]));
}
