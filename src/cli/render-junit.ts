export interface JunitCase {
  readonly suite: string;
  readonly name: string;
  /** Undefined when it passed. */
  readonly failure: { readonly kind: 'failure' | 'error'; readonly message: string; readonly text: string } | undefined;
  readonly file: string;
  readonly line: number;
}

/** Test results in the form that CI systems read (JUnit XML, as Jenkins, GitLab and GitHub actions take it). */
export function renderJunit(title: string, cases: readonly JunitCase[]): string {
  const suites = [...Map.groupBy(cases, ({ suite }) => suite)].map(([suite, list]) => {
    const body = list.map((one) => renderCase(suite, one)).join('');
    return `  <testsuite name="${escapeXml(suite)}" ${counts(list)}>\n${body}  </testsuite>\n`;
  });
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="${escapeXml(title)}" ${counts(cases)}>\n${suites.join('')}</testsuites>\n`;
}

function renderCase(suite: string, { name, failure, file, line }: JunitCase): string {
  const head = `    <testcase classname="${escapeXml(suite)}" name="${escapeXml(name)}" file="${escapeXml(file)}" line="${line}"`;
  if (failure === undefined) return `${head}/>\n`;
  return `${head}>\n      <${failure.kind} message="${escapeXml(failure.message)}">${escapeXml(failure.text)}</${failure.kind}>\n    </testcase>\n`;
}

function counts(cases: readonly JunitCase[]): string {
  const of = (kind: 'failure' | 'error'): number => cases.filter(({ failure }) => failure?.kind === kind).length;
  return `tests="${cases.length}" failures="${of('failure')}" errors="${of('error')}"`;
}

/** XML 1.0 cannot hold most control characters at all. */
function escapeXml(text: string): string {
  return text
    .replaceAll(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\n', '&#10;');
}
