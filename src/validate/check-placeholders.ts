import { escapePointer } from '../manifest/variables.ts';
import type { Resource } from '../model/resource.ts';
import type { Reporter } from './reporter.ts';

/** `${NAME}`, a shell's `$NAME` at the beginning of a text or of a folder's name, and `{{ name }}`, as other tools write what they fill in. */
const PLACEHOLDER = /\$\{(?!var\.)([A-Za-z_][\w.-]*)\}|(?:(?<=^|\/)\$([A-Za-z_]\w*))|\{\{-?\s*\.?([A-Za-z_][\w.-]*)\s*-?\}\}/g;
/** Texts for people, and patterns, which have signs of their own. */
const FREE = new Set(['description', 'title', 'pattern']);

/** Nothing fills these in: a folder would be called `$HOME`, and a segment would look for people in `${COUNTRY}`. */
export function checkPlaceholders(resource: Resource, report: Reporter): void {
  const look = (value: unknown, pointer: string): void => {
    if (typeof value === 'string') {
      for (const { 0: found, 1: braced, 2: shell, 3: template, index } of value.matchAll(PLACEHOLDER)) {
        const name = (braced ?? shell ?? template ?? '').replace(/^(?:env|var|vars|values)\./i, '').replaceAll(/[^\w-]/g, '_');
        report.inText(resource, pointer, index, index + found.length, {
          severity: 'warning',
          code: 'RC1407',
          message: `\`${found}\` is taken as it stands`,
          hint: `a value of an environment is written "\${var.${name}}"; where a secret belongs, an environment variable is {env: NAME}`,
        });
      }
    } else if (value !== null && typeof value === 'object') {
      for (const [key, child] of Object.entries(value)) if (!FREE.has(key)) look(child, `${pointer}/${escapePointer(key)}`);
    }
  };
  look(resource.spec, '/spec');
}
