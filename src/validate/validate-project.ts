import { loadCatalogue } from '../destination/catalogue.ts';
import { AppError } from '../model/app-error.ts';
import type { Diagnostic } from '../model/diagnostic.ts';
import { ExitCode } from '../model/exit-code.ts';
import type { ProjectSpec } from '../model/generated/kinds.ts';
import { resourceKey, type Resource, type ResourceKey } from '../model/resource.ts';
import { checkActivations } from './check-activations.ts';
import { checkAttributes } from './check-attributes.ts';
import { checkDestinations } from './check-destinations.ts';
import { checkEnforced } from './check-enforced.ts';
import { checkCycles } from './check-cycles.ts';
import { checkOnce } from './check-once.ts';
import type { ResourceFacts } from './check-resource.ts';
import { loadProject, type LoadedProject, type ProjectOptions } from './load-project.ts';
import { digestCards, summarizeOutcome } from './outcome.ts';
import { openProjectCache, type ProjectCache } from './project-cache.ts';
import { createReporter } from './reporter.ts';
import { indexResources, type ResourceIndex } from './resource-index.ts';

export interface ValidatedProject extends LoadedProject {
  /** True when no diagnostic is an error. */
  readonly ok: boolean;
  readonly index: ResourceIndex;
  /** The manifest files, and what else something is told of: an environment, a destination's card. */
  readonly fileCount: number;
  /** What a resource refers to, and may be what that refers to; undefined when something is wrong or odd about it. */
  refersTo(key: ResourceKey): readonly ResourceKey[] | undefined;
}

/** A project without errors. */
export interface ValidProject extends ValidatedProject {
  readonly ok: true;
  readonly project: Resource<ProjectSpec>;
}

/**
 * Everything that can be known of a project without opening its data or reading a secret: schema, references, PQL, rules. Every error at once,
 * sorted by place. Throws `AppError` only as `loadProject` does.
 */
export function validateProject(options: ProjectOptions, cache: ProjectCache = openProjectCache(options.directory)): ValidatedProject {
  const loaded = loadProject(options, cache);
  const { resources, brokenNames, locator } = loaded;
  const index = indexResources(resources);
  const report = createReporter(locator);
  const catalogue = loadCatalogue({ projectDirectory: options.directory });
  const cards = digestCards(catalogue);
  const checks = checkOnce(resources, cache.checks, cards, { index, catalogue, brokenNames, locator, report });
  const factsOf = ({ kind, metadata }: Resource): ResourceFacts => checks.get(resourceKey(kind, metadata.name))?.facts ?? {};
  checkAttributes(index, report);
  checkEnforced(index, report);
  checkDestinations(index, catalogue, report);
  checkActivations(options.directory, index, catalogue, factsOf, report);
  checkCycles(
    index.all('Segment').flatMap((from) => (factsOf(from).calls ?? []).map((call) => ({ ...call, from }))),
    report,
  );
  const diagnostics = sortDiagnostics([...loaded.diagnostics, ...catalogue.diagnostics, ...report.diagnostics]);
  const ok = diagnostics.every(({ severity }) => severity !== 'error');
  const fileCount = new Set([...loaded.files, ...placesOf(diagnostics)]).size;
  const outcome = ok ? summarizeOutcome({ ...loaded, fileCount }, diagnostics, cards) : undefined;
  cache.keep({ outcome, resourceCount: resources.length, checkedCount: checks.checkedCount, checks: () => checks.store() });
  const refersTo = (key: ResourceKey): readonly ResourceKey[] | undefined => checks.get(key)?.lookedAt?.();
  return { ...loaded, diagnostics, fileCount, index, ok, refersTo };
}

/** As `validateProject`; throws `AppError` (exit 8) with every diagnostic when there is an error. */
export function requireValidProject(options: ProjectOptions, cache?: ProjectCache): ValidProject {
  const validated = validateProject(options, cache);
  const { project, ok, diagnostics } = validated;
  if (!ok || project === undefined) {
    throw new AppError({ code: 'RC1000', message: summarizeDiagnostics(diagnostics, validated.fileCount), diagnostics, exit: ExitCode.invalidManifests });
  }
  return { ...validated, ok, project };
}

/** `3 errors, 1 warning in 2 of 14 files`; empty for none. */
export function summarizeDiagnostics(diagnostics: readonly Diagnostic[], fileCount: number): string {
  if (diagnostics.length === 0) return '';
  const count = (severity: Diagnostic['severity']): string[] => {
    const found = diagnostics.filter((one) => one.severity === severity).length;
    return found === 0 ? [] : [`${found} ${severity}${found === 1 ? '' : 's'}`];
  };
  const places = new Set(placesOf(diagnostics)).size;
  return `${[...count('error'), ...count('warning')].join(', ')}${places === 0 ? '' : ` in ${places} of ${fileCount} ${fileCount === 1 ? 'file' : 'files'}`}`;
}

function placesOf(diagnostics: readonly Diagnostic[]): readonly string[] {
  return diagnostics.flatMap(({ file }) => (file === undefined ? [] : [file]));
}

function sortDiagnostics(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return diagnostics.toSorted(
    (a, b) => compare(a.file ?? '', b.file ?? '') || (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0) || compare(a.code, b.code),
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
