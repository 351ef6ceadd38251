import type { Diagnostic } from '../model/diagnostic.ts';
import { nearest } from '../support/nearest.ts';
import { createLineIndex } from './line-index.ts';
import { createFileLocator } from './locate.ts';
import { decodeManifest, type ManifestFile } from './manifest-file.ts';
import { parseYaml } from './parse-yaml.ts';
import { escapePointer, type Variables } from './variables.ts';

const NAME = /^[A-Za-z_][A-Za-z0-9_-]*$/;

/**
 * Values for `${var.NAME}`: those of the environment's file, then those of `--var`, which win.
 * `overrides` are texts as typed; each is a YAML scalar. Throws nothing: what is wrong is a diagnostic.
 */
export function readVariables(
  file: ManifestFile | undefined,
  overrides: Readonly<Record<string, string>>,
): { readonly variables: Variables; readonly diagnostics: readonly Diagnostic[] } {
  const values = new Map<string, unknown>();
  const diagnostics: Diagnostic[] = file === undefined ? [] : readEnvironment(file, values);
  for (const [name, text] of Object.entries(overrides)) {
    const { documents, problems } = parseYaml(text);
    const value = documents[0]?.value ?? null;
    const near = NAME.test(name) ? undefined : (nearest(name.replaceAll(/[^A-Za-z0-9_-]/g, '_'), values.keys()) ?? '');
    if (near !== undefined) {
      diagnostics.push({
        code: 'RC9002',
        severity: 'error',
        message: `--var: \`${name}\` cannot be a variable’s name`,
        hint: `a name is letters, digits, _ and -${near === '' ? '' : `; did you mean \`${near}\`?`}`,
      });
    } else if (problems.length > 0 || documents.length > 1 || (value !== null && typeof value === 'object')) {
      diagnostics.push({
        code: 'RC9002',
        severity: 'error',
        message: `--var ${name}: the value must be a YAML scalar`,
        hint: `quote it twice to keep it a text: --var '${name}="…"'`,
      });
    } else {
      values.set(name, value);
    }
  }
  return { variables: { values, file: file?.path }, diagnostics };
}

function readEnvironment(file: ManifestFile, values: Map<string, unknown>): Diagnostic[] {
  const { text, problem } = decodeManifest(file.bytes);
  if (problem !== undefined) return [{ code: 'RC1002', severity: 'error', message: problem.message, hint: problem.hint, file: file.path, line: 1, column: 1 }];
  const lines = createLineIndex(text);
  const { documents, problems } = parseYaml(text, lines);
  const diagnostics: Diagnostic[] = problems.map(({ start, end, code, message, hint }) => ({
    code,
    severity: 'error',
    message,
    file: file.path,
    ...lines.place(start),
    length: lines.length(start, end),
    ...(hint === undefined ? {} : { hint }),
  }));
  const value = documents[0]?.value;
  if (problems.length > 0 || value === undefined || value === null) return diagnostics;
  if (typeof value !== 'object' || Array.isArray(value) || documents.length > 1) {
    return [
      {
        code: 'RC1406',
        severity: 'error',
        message: 'an environment is one flat map of names to values',
        file: file.path,
        ...(documents.at(-1)?.place ?? { line: 1, column: 1 }),
      },
    ];
  }
  const locator = createFileLocator(text);
  for (const [name, one] of Object.entries(value)) {
    const place = locator.token(documents[0]?.index ?? 0, `/${escapePointer(name)}`, 'key');
    const refuse = (message: string, hint: string): void =>
      void diagnostics.push({ code: 'RC1406', severity: 'error', message, hint, file: file.path, ...place });
    if (!NAME.test(name)) refuse(`\`${name}\` cannot be a variable’s name`, 'a name is letters, digits, _ and -');
    else if (one !== null && typeof one === 'object' && !Array.isArray(one))
      refuse(
        `variable \`${name}\` is a map; an environment is flat`,
        `write its values under names of their own, such as ${name}_${Object.keys(one)[0] ?? 'x'}`,
      );
    else values.set(name, one);
  }
  return diagnostics;
}
