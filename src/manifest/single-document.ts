/** Where a document begins that is not the first; only ever at the start of a line, whatever stands around it. */
const MARKER = /^---(?=[ \t\r\n]|$)/gm;
/** Ends of documents and directives are rare, and decide what a document is: such files are read whole. */
const UNUSUAL = /^(?:\.\.\.(?:[ \t\r\n]|$)|%)/m;

/**
 * The text up to the end of one document, those before it blanked with their line breaks kept: offsets stay what they are, and reading it costs what
 * that document costs. Undefined when it has to be read whole to know which document is which.
 */
export function isolateDocument(text: string, index: number): string | undefined {
  if (UNUSUAL.test(text)) return undefined;
  const starts = [...text.matchAll(MARKER)].map((match) => match.index);
  const head = text.slice(0, starts[0] ?? text.length);
  // What stands before the first marker is a document only when it says something.
  const hasHead = starts.length === 0 || /^\uFEFF?[^\S\r\n]*[^\s#\uFEFF]/m.test(head);
  const bounds = hasHead ? [0, ...starts] : starts;
  const from = bounds[index];
  if (from === undefined) return undefined;
  const to = bounds[index + 1] ?? text.length;
  return `${blank(text.slice(0, from))}${text.slice(from, to)}`;
}

function blank(text: string): string {
  return text.replaceAll(/[^\r\n]+/g, (line) => ' '.repeat(line.length));
}
