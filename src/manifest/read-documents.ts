import type { Diagnostic } from '../model/diagnostic.ts';
import { KINDS, type Kind } from '../model/resource.ts';
import { digestOf } from '../support/digest.ts';
import { nearest } from '../support/nearest.ts';
import { checkSchema } from './check-schema.ts';
import type { PointedProblem } from './explain-schema-error.ts';
import { createLineIndex } from './line-index.ts';
import { createFileLocator, type FileLocator } from './locate.ts';
import { decodeManifest, type ManifestFile } from './manifest-file.ts';
import { parseYaml, type PlainDocument, type YamlProblem } from './parse-yaml.ts';
import { expandValue, mayHoldVariables, NO_VARIABLES, type VariableProblem, type Variables } from './variables.ts';

/** What a file holds, kept between runs by the file's digest. Only of files without problems. */
export type CachedFile =
  /** The schema held and no variable can change that. */
  | { readonly settled: readonly SettledDocument[] }
  /** As written: what it means depends on variables. */
  | { readonly open: readonly PlainDocument[] };

/** Specs are most of what a project is and seldom looked at again: they stay JSON texts until somebody does. */
export interface SettledDocument extends Omit<ReadDocument, 'spec'> {
  readonly spec: () => string;
}

/** Keeps parsed files between runs. `get` answers only for the same program version. */
export interface ParseCache {
  get(sha256: string): CachedFile | undefined;
  set(sha256: string, file: CachedFile): void;
}

/** A document whose schema holds, variables expanded. */
export interface ReadDocument {
  readonly kind: Kind;
  readonly index: number;
  readonly line: number;
  readonly column: number;
  readonly metadata: { readonly name: string };
  readonly spec: unknown;
  /** `digestOf({metadata, spec})`. */
  readonly digest: string;
}

export interface ReadFile {
  readonly documents: readonly ReadDocument[];
  readonly diagnostics: readonly Diagnostic[];
  /** Names that documents with problems seem to declare: a reference to one of them is not to be called unknown. */
  readonly brokenNames: readonly string[];
}

/** One file to documents of known kinds, or to diagnostics that say everything that is wrong with it. */
export function readDocuments(file: ManifestFile, variables: Variables, cache: ParseCache): ReadFile {
  const known = cache.get(file.sha256);
  if (known !== undefined && 'settled' in known) return { documents: known.settled.map(fromSettled), diagnostics: [], brokenNames: [] };
  const { text, problem } = decodeManifest(file.bytes);
  if (problem !== undefined) {
    const before = new TextDecoder('utf-8').decode(file.bytes.subarray(0, problem.at));
    const place = createLineIndex(before).place(before.length);
    return {
      documents: [],
      diagnostics: [{ code: 'RC1002', severity: 'error', message: problem.message, hint: problem.hint, file: file.path, ...place }],
      brokenNames: [],
    };
  }
  const lines = createLineIndex(text);
  // Asked again: a file that changed before its bytes were read goes by another digest now.
  const cached = cache.get(file.sha256);
  const { documents: plain, problems } = cached !== undefined && 'open' in cached ? { documents: cached.open, problems: [] } : parseYaml(text, lines);
  const diagnostics = problems.map((one) => asDiagnostic(one, file.path, lines));
  const documents: ReadDocument[] = [];
  const hasVariables = mayHoldVariables(text);
  let locator: FileLocator | undefined;
  for (const document of plain) {
    const found: PointedProblem[] = [];
    const refuse = (pointed: PointedProblem): void => void found.push(pointed);
    const unset = new Set<string>();
    const value = !hasVariables
      ? document.value
      : expandValue(document.value, variables, '', (pointer, problem) => {
          locator ??= createFileLocator(text);
          const place = locator.textRange(document.index, pointer, problem.start, problem.end, NO_VARIABLES);
          diagnostics.push({ severity: 'error', file: file.path, ...place, ...explainVariable(problem, variables) });
          unset.add(pointer);
        });
    const kind = checkHead(value, refuse);
    // A value that a missing variable should have given is complained of once.
    if (kind !== undefined) found.push(...checkSchema(kind, value).filter(({ pointer }) => !unset.has(pointer)));
    for (const pointed of found) {
      locator ??= createFileLocator(text);
      diagnostics.push(
        pointDiagnostic(
          quoteAsWritten(pointed, (pointer) => locator?.written(document.index, pointer)),
          file.path,
          locator.token(document.index, pointed.pointer, pointed.part),
        ),
      );
    }
    if (found.length === 0 && unset.size === 0 && kind !== undefined) documents.push(asDocument({ ...document, value }));
  }
  if (diagnostics.length === 0 && cached === undefined) cache.set(file.sha256, hasVariables ? { open: plain } : { settled: documents.map(toSettled) });
  const brokenNames = diagnostics.length === 0 ? [] : [...text.matchAll(/\bname:\s*["']?([a-z0-9-]+)/g)].map(([, name = '']) => name);
  return { documents, diagnostics, brokenNames };
}

function asDocument({ value, index, place }: PlainDocument): ReadDocument {
  const { kind, metadata, spec } = value as { kind: Kind; metadata: { name: string }; spec: unknown };
  return { kind, metadata, spec, index, ...place, digest: digestOf({ metadata, spec }) };
}

function toSettled(document: ReadDocument): SettledDocument {
  const text = JSON.stringify(document.spec);
  return { ...document, spec: () => text };
}

function fromSettled({ kind, metadata, index, line, column, digest, spec }: SettledDocument): ReadDocument {
  let parsed: unknown;
  return {
    kind,
    metadata,
    index,
    line,
    column,
    digest,
    get spec() {
      return (parsed ??= JSON.parse(spec()));
    },
  };
}

/** A diagnostic for a problem at a JSON pointer, once its place is known. */
function pointDiagnostic(
  problem: PointedProblem,
  file: string,
  place: { readonly line: number; readonly column: number; readonly length: number },
): Diagnostic {
  const { code, message, label, hint } = problem;
  return { code, severity: 'error', message, file, ...place, ...(label === undefined ? {} : { label }), ...(hint === undefined ? {} : { hint }) };
}

/** The advice to quote a number, with the number as it is written. */
export function quoteAsWritten<Problem extends { readonly pointer: string; readonly hint?: string; readonly quote?: boolean }>(
  { quote, ...problem }: Problem,
  written: (pointer: string) => string | undefined,
): Omit<Problem, 'quote'> {
  const text = quote === true ? written(problem.pointer) : undefined;
  return text === undefined ? problem : { ...problem, hint: `put it in quotes: "${text}"` };
}

function asDiagnostic(problem: YamlProblem, file: string, lines: ReturnType<typeof createLineIndex>): Diagnostic {
  const { code, message, label, hint, start, end } = problem;
  const place = { ...lines.place(start), length: lines.length(start, end) };
  return { code, severity: 'error', message, file, ...place, ...(label === undefined ? {} : { label }), ...(hint === undefined ? {} : { hint }) };
}

function explainVariable({ kind, name }: VariableProblem, variables: Variables): Pick<Diagnostic, 'code' | 'message' | 'hint'> {
  if (kind === 'syntax')
    return { code: 'RC1404', message: `\`\${var.${name}}\` names no variable`, hint: 'a name is letters, digits, _ and -: ${var.country}' };
  if (kind === 'not-scalar') {
    return {
      code: 'RC1404',
      message: `variable \`${name}\` is a map or a list and cannot stand inside a text`,
      hint: `let \${var.${name}} be the whole value`,
    };
  }
  const near = nearest(name, variables.values.keys());
  const { file = 'environments/NAME.yaml (chosen with --env NAME)' } = variables;
  return {
    code: 'RC1401',
    message: `variable \`${name}\` is not set`,
    hint: near === undefined ? `set it in ${file} or with --var ${name}=VALUE` : `did you mean \`${near}\`?   (${variables.file ?? '--var'})`,
  };
}

/** The kind, when `apiVersion` and `kind` are known; else what is wrong with them. */
function checkHead(value: unknown, refuse: (problem: PointedProblem) => void): Kind | undefined {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    refuse({ code: 'RC1104', pointer: '', part: 'value', message: 'a manifest must be a map', hint: 'it begins with `apiVersion: reconcile/v1`' });
    return undefined;
  }
  const { apiVersion, kind } = value as Record<string, unknown>;
  if (apiVersion === undefined) {
    refuse({
      code: 'RC1102',
      pointer: '',
      part: 'key',
      message: 'the manifest has no `apiVersion`',
      hint: 'add `apiVersion: reconcile/v1`; is it a manifest at all?',
    });
  } else if (apiVersion !== 'reconcile/v1') {
    refuse({
      code: 'RC1103',
      pointer: '/apiVersion',
      part: 'value',
      message: typeof apiVersion === 'object' ? '`apiVersion` must be a text' : `apiVersion \`${String(apiVersion as string)}\` is not known`,
      hint: 'this version reads `reconcile/v1`',
    });
  }
  if (kind === undefined) {
    refuse({ code: 'RC1102', pointer: '', part: 'key', message: 'the manifest has no `kind`', hint: `one of ${KINDS.join(', ')}` });
    return undefined;
  }
  if (typeof kind === 'string' && (KINDS as readonly string[]).includes(kind)) return apiVersion === 'reconcile/v1' ? (kind as Kind) : undefined;
  const near = typeof kind === 'string' ? nearest(kind, KINDS) : undefined;
  refuse({
    code: 'RC1107',
    pointer: '/kind',
    part: 'value',
    message: typeof kind === 'object' ? '`kind` must be a text' : `unknown kind \`${String(kind as string)}\``,
    hint: near === undefined ? `one of ${KINDS.join(', ')}` : `did you mean \`${near}\`?`,
  });
  return undefined;
}
