import { explainSchemaError, type PointedProblem } from '../manifest/explain-schema-error.ts';
import { validateDestinationCard } from '../manifest/generated/validators.js';
import { createLineIndex } from '../manifest/line-index.ts';
import { createFileLocator } from '../manifest/locate.ts';
import { decodeManifest } from '../manifest/manifest-file.ts';
import { parseYaml } from '../manifest/parse-yaml.ts';
import type { DestinationCard } from '../model/destination-card.ts';
import type { Diagnostic } from '../model/diagnostic.ts';
import { checkCard } from './check-card.ts';

export interface CardFile {
  /** As it is shown to the user, relative to the project. */
  readonly path: string;
  readonly bytes: Uint8Array;
  /** What the card's `type` must be: its folder's name, or the package's after `reconcile-destination-`. */
  readonly type: string;
}

export interface ParsedCard {
  /** Undefined when anything is wrong: half a card would let through what it was to refuse. */
  readonly card: DestinationCard | undefined;
  readonly diagnostics: readonly Diagnostic[];
}

/** Reads a card from YAML, with the place of everything that is wrong. Pure. */
export function parseCard(file: CardFile): ParsedCard {
  const { text, problem } = decodeManifest(file.bytes);
  if (problem !== undefined)
    return refuse([{ code: 'RC1002', severity: 'error', message: problem.message, hint: problem.hint, file: file.path, line: 1, column: 1 }]);
  const lines = createLineIndex(text);
  const { documents, problems } = parseYaml(text, lines);
  if (problems.length > 0) {
    return refuse(problems.map((one) => place(file, one, { ...lines.place(one.start), length: lines.length(one.start, one.end) })));
  }
  const [document, second] = documents;
  if (document === undefined) return refuse([place(file, { code: 'RC1350', message: 'the card is empty', hint: 'it begins with `kind: DestinationCard`' })]);
  if (second !== undefined) {
    return refuse([place(file, { code: 'RC1350', message: 'the file holds more than one card', hint: 'one folder, one card' }, second.place)]);
  }
  const card = document.value as DestinationCard;
  const found = checkSchemaOf(document.value);
  if (found.length === 0) found.push(...checkCard(card, file.type));
  if (found.length === 0) return { card, diagnostics: [] };
  const locator = createFileLocator(text);
  return refuse(found.map((one) => place(file, one, locator.token(document.index, one.pointer, one.part))));
}

function checkSchemaOf(value: unknown): PointedProblem[] {
  if (validateDestinationCard(value)) return [];
  const problems = new Map<string, PointedProblem>();
  for (const error of validateDestinationCard.errors ?? []) {
    const problem = explainSchemaError(error, value);
    if (problem !== undefined) problems.set(`${problem.part} ${problem.pointer} ${problem.message}`, problem);
  }
  return [...problems.values()];
}

function refuse(diagnostics: readonly Diagnostic[]): ParsedCard {
  return { card: undefined, diagnostics };
}

type Text = Pick<Diagnostic, 'code' | 'message' | 'label' | 'hint'>;
type Place = Pick<Diagnostic, 'line' | 'column' | 'length'>;

function place(file: CardFile, { code, message, label, hint }: Text, at: Place = { line: 1, column: 1 }): Diagnostic {
  const extra = { ...(label === undefined ? {} : { label }), ...(hint === undefined ? {} : { hint }) };
  return { code, severity: 'error', message: message.replace('the manifest', 'the card'), file: file.path, ...at, ...extra };
}
