import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import pc from 'picocolors';
import { escapePointer } from '../../manifest/variables.ts';
import { AppError } from '../../model/app-error.ts';
import { whyRefused } from '../../model/system-refusal.ts';
import type { Diagnostic } from '../../model/diagnostic.ts';
import { ExitCode } from '../../model/exit-code.ts';
import type { SegmentSpec } from '../../model/generated/kinds.ts';
import type { Resource } from '../../model/resource.ts';
import { runSegmentTests, type SegmentTestResult } from '../../segment/run-tests.ts';
import { printable } from '../../support/printable.ts';
import { typeSegments } from '../../validate/type-segments.ts';
import { requireValidProject, type ValidProject } from '../../validate/validate-project.ts';
import type { CommandContext } from '../context.ts';
import { findDeclared } from '../find-declared.ts';
import { renderDiagnostics } from '../render-diagnostics.ts';
import { describeLacking } from '../render-explained.ts';
import { renderJunit } from '../render-junit.ts';

export function configure(command: Command): void {
  command.argument('[segments...]', 'Segments to test; all by default').option('--junit <file>', 'write the results as JUnit XML, for CI');
  command.addHelpText(
    'after',
    `
Runs the tests that stand in the Segments' manifests. Offline: no data is opened. A test without \`now\` takes --now, else the present.

Examples:
  reconcile test
  reconcile test german-recent-buyers
  reconcile test --junit reports/segments.xml`,
  );
}

export async function run(context: CommandContext, [names]: readonly unknown[], options: Readonly<Record<string, unknown>>): Promise<ExitCode> {
  const { directory, environment, variables, json, color } = context.options;
  const project = requireValidProject({ directory, environment, variables });
  const segments = chooseSegments(project.index.all('Segment'), names as readonly string[]);
  const typed = typeSegments(project.index);
  const now = context.options.now ?? context.clock();
  const results = segments.flatMap((segment) => {
    const found = typed.get(segment.metadata.name);
    if (found === undefined) throw new TypeError(`the segment ${segment.metadata.name} was not typed`);
    return runSegmentTests(found, now).map((result): PlacedResult => ({
      ...result,
      diagnostics: diagnose(project, segment, result),
      ...placeOf(project, segment, result),
    }));
  });
  const junit = options['junit'] as string | undefined;
  if (junit !== undefined) writeJunit(resolve(directory, junit), project.project.metadata.name, results);
  const bad = results.filter(({ status }) => status !== 'passed');
  if (json) context.out(JSON.stringify(toJson(results)));
  else report(context, results, { color, directory });
  return bad.length === 0 ? ExitCode.done : ExitCode.failed;
}

interface PlacedResult extends SegmentTestResult {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly diagnostics: readonly Diagnostic[];
}

function chooseSegments(all: readonly Resource<SegmentSpec>[], names: readonly string[]): readonly Resource<SegmentSpec>[] {
  if (names.length === 0) return all;
  return [...new Set(names)].map((name) => findDeclared(all, 'Segment', name));
}

function placeOf({ locator }: ValidProject, segment: Resource<SegmentSpec>, { index }: SegmentTestResult): Pick<PlacedResult, 'file' | 'line' | 'column'> {
  const { file, line, column } = locator.place(segment, `/spec/tests/${index}/name`);
  return { file, line, column };
}

const MOST_CHARACTERS = 80;

/** What is wrong with a test, at its place: the fixture's own mistakes, or `member` with what decided. */
function diagnose({ locator }: ValidProject, segment: Resource<SegmentSpec>, result: SegmentTestResult): readonly Diagnostic[] {
  const base = `/spec/tests/${result.index}`;
  if (result.status === 'broken') {
    return result.problems.map(({ path, message, hint }) => ({
      code: 'RC1221',
      severity: 'error',
      message,
      ...locator.place(
        segment,
        [base, ...path.map((part) => escapePointer(String(part)))].join('/'),
        path.length > 1 && message.startsWith('unknown') ? 'key' : 'value',
      ),
      ...(hint === undefined ? {} : { hint }),
    }));
  }
  if (result.status === 'passed') return [];
  const reasons = result.why.slice(0, 5).map((part): Diagnostic => {
    return {
      code: 'RC1220',
      severity: 'error',
      message: `\`${shorten(part.text)}\` is ${part.truth === undefined ? 'unknown' : String(part.truth)}`,
      ...locator.textPlace(segment, '/spec/pql', part.start, part.end),
      ...hintOf(part),
    };
  });
  const verdict: Diagnostic = {
    code: 'RC1220',
    severity: 'error',
    message: `\`${result.name}\` expected ${result.wanted ? 'a member' : 'no member'} of \`${result.segment}\``,
    ...locator.place(segment, `${base}/member`),
    label: result.wanted ? 'is not a member, because of what follows' : 'is a member, because of what follows',
  };
  return [verdict, ...reasons];
}

function hintOf({ children, lacking }: SegmentTestResult['why'][number]): { readonly hint?: string } {
  const known = children.map(({ text, value, items }) => `${shorten(text)}: ${items === undefined ? value : `true of ${items.held} in ${items.asked}`}`);
  if (lacking !== undefined) known.unshift(describeLacking(lacking));
  return known.length === 0 ? {} : { hint: known.slice(0, 4).join('\n') };
}

/** One line of a text of any length. */
function shorten(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > MOST_CHARACTERS ? `${line.slice(0, MOST_CHARACTERS)}…` : line;
}

function report({ out, say }: CommandContext, results: readonly PlacedResult[], render: { readonly color: boolean; readonly directory: string }): void {
  const colors = pc.createColors(render.color);
  const bad = results.filter(({ status }) => status !== 'passed');
  for (const [segment, list] of Map.groupBy(results, (result) => result.segment)) {
    out(segment);
    for (const { name, status } of list)
      out(`  ${status === 'passed' ? colors.green('ok') : colors.red(status === 'failed' ? 'FAILED' : 'BROKEN')}  ${printable(name)}`);
  }
  if (bad.length > 0)
    say(
      `\n${renderDiagnostics(
        bad.flatMap(({ diagnostics }) => diagnostics),
        render,
      )}`,
    );
  if (results.length === 0) out('no tests: write some under `tests` of a Segment');
  else out(`${results.length - bad.length} of ${results.length} ${results.length === 1 ? 'test' : 'tests'} passed`);
}

function writeJunit(path: string, title: string, results: readonly PlacedResult[]): void {
  const text = renderJunit(
    title,
    results.map(({ segment, name, status, diagnostics, file, line }) => ({
      suite: segment,
      name,
      file,
      line,
      failure:
        status === 'passed'
          ? undefined
          : {
              kind: status === 'failed' ? 'failure' : 'error',
              message: diagnostics[0]?.message ?? status,
              text: diagnostics.map((one) => `${one.file ?? ''}:${one.line ?? 0}:${one.column ?? 0} ${one.message}`).join('\n'),
            },
    })),
  );
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new AppError({
      code: 'RC9010',
      message: `\`${path}\` cannot be written: ${whyRefused(error)}`,
      hint: 'name a file in a folder that exists',
      cause: error,
    });
  }
}

function toJson(results: readonly PlacedResult[]): object {
  const failed = results.filter(({ status }) => status !== 'passed');
  return {
    ok: failed.length === 0,
    summary: { tests: results.length, passed: results.length - failed.length, failed: failed.length },
    tests: results.map(({ segment, name, status, wanted, found, file, line, column }) => ({
      segment,
      name,
      status,
      wanted,
      found: found ?? null,
      file,
      line,
      column,
    })),
    diagnostics: failed.flatMap(({ diagnostics }) => diagnostics),
  };
}
