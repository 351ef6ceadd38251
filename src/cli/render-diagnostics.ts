import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import pc from 'picocolors';
import type { Diagnostic } from '../model/diagnostic.ts';
import { printable } from '../support/printable.ts';
import { renderFrame } from './render-frame.ts';

export interface RenderOptions {
  readonly color: boolean;
  /** Absolute path of what the diagnostics' files are relative to. */
  readonly directory: string;
}

/**
 * Diagnostics as people read them: what, where with the source line and a caret under the very token, and what to do. Colour only repeats what
 * the words say. Diagnostics are parted by an empty line; empty for none.
 */
export function renderDiagnostics(diagnostics: readonly Diagnostic[], options: RenderOptions): string {
  const colors = pc.createColors(options.color);
  const readLines = createLineReader(options.directory, diagnostics);
  return diagnostics.map((diagnostic) => `${renderOne(diagnostic, colors, readLines)}\n`).join('\n');
}

type Colors = ReturnType<typeof pc.createColors>;
type ReadLines = (file: string) => readonly string[] | undefined;

function renderOne(diagnostic: Diagnostic, colors: Colors, readLines: ReadLines): string {
  const paint = diagnostic.severity === 'error' ? colors.red : colors.yellow;
  const head = `${colors.bold(paint(`${diagnostic.severity} ${diagnostic.code}`))}  ${colors.bold(printable(diagnostic.message))}`;
  const { file, line, column = 1 } = diagnostic;
  const hints = (diagnostic.hint ?? '').split('\n').filter((text) => text !== '');
  const source = diagnostic.source ?? (file === undefined || line === undefined ? undefined : readLines(file)?.[line - 1]);
  const gutter = ' '.repeat(source === undefined ? 2 : Math.max(2, String(line).length));
  const place = file === undefined ? [] : [`  ${colors.dim('-->')} ${printable(file)}${line === undefined ? '' : `:${line}:${column}`}`];
  const frame =
    source === undefined
      ? []
      : renderFrame({ line: line ?? 1, source, column, length: diagnostic.length ?? 1, label: diagnostic.label }, gutter.length, {
          dim: colors.dim,
          mark: (text) => colors.bold(paint(text)),
        });
  const rule = frame.length > 0 && hints.length > 0 ? [colors.dim(`${gutter} |`)] : [];
  const advice = [...rule, ...hints.map((hint) => `${gutter} ${colors.dim('=')} ${printable(hint)}`)];
  return [head, ...place, ...frame, ...advice].join('\n');
}

/** A literal that should have been a secret's reference. Its line is shown, the literal is not. */
const LITERAL_SECRET = 'RC1403';

function createLineReader(directory: string, diagnostics: readonly Diagnostic[]): ReadLines {
  const files = new Map<string, readonly string[] | undefined>();
  return (file) => {
    if (!files.has(file)) {
      const lines = readLinesOf(resolve(directory, file));
      for (const { code, file: place, line = 1, column = 1, length = Infinity } of diagnostics) {
        if (code !== LITERAL_SECRET || place !== file || lines?.[line - 1] === undefined) continue;
        lines[line - 1] = [...(lines[line - 1] ?? '')].map((character, at) => (at >= column - 1 && at < column - 1 + length ? '•' : character)).join('');
      }
      files.set(file, lines);
    }
    return files.get(file);
  };
}

function readLinesOf(path: string): string[] | undefined {
  try {
    return readFileSync(path, 'utf8')
      .replace(/^\uFEFF/, '')
      .split('\n');
  } catch {
    // The file may be gone since; the place alone still helps.
    return undefined;
  }
}
