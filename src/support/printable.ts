/** Keeps control and direction-changing characters of others (a user's file, a server's answer) from acting on the terminal; a tab is four spaces. */
export function printable(text: string): string {
  return text.replaceAll('\t', '    ').replaceAll(/[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, '\ufffd');
}

/** The same where one line is one thing: of a run, or of a log that others read by lines. */
export function printableLine(text: string): string {
  return printable(text.replaceAll(/\s*[\r\n]+\s*/g, ' '));
}
