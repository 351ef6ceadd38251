import type { DoctorFinding } from '../doctor/finding.ts';
import { createColors } from 'picocolors';
import { printable } from '../support/printable.ts';

const WORDS = { ok: 'ok     ', warning: 'warning', error: 'error  ' } as const;

/** Findings by area, worst told with what to do. */
export function renderFindings(findings: readonly DoctorFinding[], options: { readonly color: boolean }): string {
  const colors = createColors(options.color);
  const paint = { ok: colors.green, warning: colors.yellow, error: colors.red };
  const areas = [...new Set(findings.map(({ area }) => area))];
  const blocks = areas.map((area) => {
    const lines = findings
      .filter((finding) => finding.area === area)
      .map(({ level, code, subject, message, hint, places = [] }) => {
        const head = `  ${paint[level](WORDS[level])}  ${printable(subject)}: ${printable(message)}${level === 'ok' ? '' : colors.dim(`   ${code}`)}`;
        const more = [
          ...places.map((place) => `${colors.dim('-->')} ${printable(place)}`),
          ...(hint === undefined || level === 'ok' ? [] : [`${colors.dim('=')} ${printable(hint)}`]),
        ];
        return [head, ...more.map((line) => `           ${line}`)].join('\n');
      });
    return `${colors.bold(area)}\n${lines.join('\n')}`;
  });
  return `${blocks.join('\n\n')}\n`;
}

/** `1 error, 2 warnings`; empty for none. */
export function summarizeFindings(findings: readonly DoctorFinding[]): string {
  return (['error', 'warning'] as const)
    .map((level) => [findings.filter((finding) => finding.level === level).length, level] as const)
    .filter(([count]) => count > 0)
    .map(([count, level]) => `${count} ${level}${count === 1 ? '' : 's'}`)
    .join(', ');
}
