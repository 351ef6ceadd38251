/** What a rule says about a part of an Activation's manifest. Pointers start at the document's root (`/spec/…`). */
export interface ActivationFinding {
  readonly code: string;
  readonly severity: 'error' | 'warning';
  readonly pointer: string;
  /** The key at the pointer instead of its value. */
  readonly part: 'key' | 'value';
  readonly message: string;
  readonly hint?: string;
  /** Where in the text at the pointer, as UTF-16 offsets; undefined for all of it. */
  readonly range?: { readonly start: number; readonly end: number };
}

export type Report = (
  finding: Omit<ActivationFinding, 'severity' | 'part' | 'hint'> & {
    readonly severity?: ActivationFinding['severity'];
    readonly part?: ActivationFinding['part'];
    readonly hint?: string | undefined;
  },
) => void;

export function createReport(): { readonly findings: readonly ActivationFinding[]; readonly report: Report } {
  const findings: ActivationFinding[] = [];
  const seen = new Set<string>();
  const report: Report = ({ severity = 'error', part = 'value', hint, ...rest }) => {
    // What the activation says for all its segments is told once, not once per segment.
    const key = `${rest.pointer}\n${rest.message}`;
    if (seen.has(key)) return;
    seen.add(key);
    findings.push({ ...rest, severity, part, ...(hint === undefined ? {} : { hint }) });
  };
  return { findings, report };
}

/** One segment of a list of names, `/` and `~` escaped as RFC 6901 wants it. */
export function pointerTo(...keys: readonly (string | number)[]): string {
  return keys.map((key) => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
