import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../model/app-error.ts';
import type { DestinationCard } from '../model/destination-card.ts';
import type { Diagnostic } from '../model/diagnostic.ts';
import { nearest } from '../support/nearest.ts';
import { BUILT_IN_CARDS } from './generated/built-in-cards.ts';
import { parseCard } from './parse-card.ts';

/** A type of destination, and where it comes from. */
export interface CatalogueEntry {
  readonly type: string;
  readonly origin: 'built-in' | 'project' | 'package';
  readonly card: DestinationCard;
  /** The card's file, relative to the project (to the package of reconcile when built in). */
  readonly path: string;
  /** Absolute path of the connector's module; absent when files alone do it, and when built in. */
  readonly connectorPath?: string;
}

export interface Catalogue {
  /** Every type, sorted. */
  readonly types: readonly string[];
  /** The card is parsed when it is first asked for. */
  find(type: string): CatalogueEntry | undefined;
  /** What is wrong with cards of the project and of its packages; their types are then missing. */
  readonly diagnostics: readonly Diagnostic[];
  /** The first of it, by type. */
  readonly broken: ReadonlyMap<string, Diagnostic>;
}

export interface CatalogueOptions {
  /** The user's project. Absent: only what is built in. */
  readonly projectDirectory?: string;
}

const PACKAGE_PREFIX = 'reconcile-destination-';

/**
 * The built-in cards, those of `destinations/TYPE/destination.yaml` in the project, and those of packages named `reconcile-destination-TYPE`
 * (or `@scope/reconcile-destination-TYPE`) in the project's `node_modules`. Cheap: built-in cards are not parsed before they are used.
 */
export function loadCatalogue({ projectDirectory }: CatalogueOptions): Catalogue {
  const entries = new Map<string, CatalogueEntry>();
  const diagnostics: Diagnostic[] = [];
  const broken = new Map<string, Diagnostic>();
  const refuse = ({ type }: FoundCard, ...wrong: readonly Diagnostic[]): void => {
    diagnostics.push(...wrong);
    const [first] = wrong;
    if (first !== undefined && !entries.has(type) && !Object.hasOwn(BUILT_IN_CARDS, type)) broken.set(type, first);
  };
  for (const found of projectDirectory === undefined ? [] : findCards(projectDirectory)) {
    const bytes = readCard(join(projectDirectory ?? '', found.path));
    if (typeof bytes === 'string') {
      refuse(found, describe(found.path, 'RC1350', `the card cannot be read: ${bytes}`, 'a card is a file that this user may read'));
      continue;
    }
    if (bytes === undefined) {
      // A folder of the project without a card is no mistake; a package of that name without one is.
      if (found.origin === 'package')
        refuse(found, describe(found.path, 'RC1350', `the package has no card`, 'it must hold destination.yaml beside its package.json'));
      continue;
    }
    const { card, diagnostics: wrong } = parseCard({ path: found.path, bytes, type: found.type });
    refuse(found, ...wrong);
    if (card === undefined) continue;
    const there = Object.hasOwn(BUILT_IN_CARDS, found.type) ? 'ships with reconcile' : entries.get(found.type)?.path;
    if (there !== undefined) {
      const hint = found.origin === 'package' ? 'a package never replaces another type: uninstall it, or the other' : 'give it another name';
      refuse(found, describe(found.path, 'RC1351', `the type \`${found.type}\` is there already (${there})`, hint));
      continue;
    }
    const connectorPath = card.connector === undefined ? undefined : join(projectDirectory ?? '', found.path, '..', card.connector);
    const missing = connectorPath === undefined ? undefined : judgeModule(connectorPath, found.origin);
    if (missing !== undefined) {
      const line =
        new TextDecoder()
          .decode(bytes)
          .split('\n')
          .findIndex((text) => text.startsWith('connector:')) + 1;
      refuse(found, {
        ...describe(found.path, 'RC1360', `the connector \`${card.connector ?? ''}\` ${missing.why}`, missing.hint),
        line: Math.max(1, line),
      });
      continue;
    }
    entries.set(found.type, { type: found.type, origin: found.origin, card, path: found.path, ...(connectorPath === undefined ? {} : { connectorPath }) });
  }
  const types = [...Object.keys(BUILT_IN_CARDS), ...entries.keys()].sort();
  return {
    types,
    diagnostics,
    broken,
    find(type) {
      const known = entries.get(type);
      if (known !== undefined || !Object.hasOwn(BUILT_IN_CARDS, type)) return known;
      const card = JSON.parse(BUILT_IN_CARDS[type] ?? '') as DestinationCard;
      const entry: CatalogueEntry = { type, origin: 'built-in', card, path: `destinations/${type}/destination.yaml` };
      entries.set(type, entry);
      return entry;
    },
  };
}

/** Why a module cannot be a connector; it is not loaded. */
function judgeModule(path: string, origin: FoundCard['origin']): { readonly why: string; readonly hint: string } | undefined {
  if (!existsSync(path)) return { why: 'is not there', hint: '`connector` names a module beside the card' };
  if (origin === 'package' && /\.[cm]?ts$/.test(path))
    return { why: 'is TypeScript', hint: 'Node.js runs none inside node_modules: the package must ship JavaScript' };
  return undefined;
}

/** What to tell about a type that the catalogue does not have, to whoever wrote it. */
export function explainUnknownType(
  catalogue: Pick<Catalogue, 'types' | 'broken'>,
  type: string,
): { readonly code: string; readonly message: string; readonly hint: string } {
  const wrong = explainBroken(catalogue, type);
  if (wrong !== undefined) return wrong;
  const near = nearest(type, catalogue.types);
  return {
    code: 'RC1359',
    message: `unknown destination type \`${type}\``,
    hint: near === undefined ? `one of ${catalogue.types.join(', ')}` : `did you mean \`${near}\`?   (reconcile destinations lists them)`,
  };
}

/**
 * The type of a Destination that is applied: its card was there once. Without it nobody knows what its files must be and whether somebody must be told,
 * so that nothing may leave. Throws RC1359.
 */
export function requireType(catalogue: Pick<Catalogue, 'find' | 'broken'>, type: string): CatalogueEntry {
  const entry = catalogue.find(type);
  if (entry !== undefined) return entry;
  throw new AppError(
    explainBroken(catalogue, type) ?? {
      code: 'RC1359',
      message: `the card of the destination type \`${type}\` is not here any more, and without it nobody knows what its files must be`,
      hint: `bring back destinations/${type}/destination.yaml, or install the package ${PACKAGE_PREFIX}${type} in this project`,
    },
  );
}

function explainBroken({ broken }: Pick<Catalogue, 'broken'>, type: string): ReturnType<typeof explainUnknownType> | undefined {
  const wrong = broken.get(type);
  if (wrong === undefined) return undefined;
  return {
    code: 'RC1359',
    message: `the card of the destination type \`${type}\` does not hold: ${wrong.message}`,
    hint: `correct ${wrong.file}:${wrong.line}   (reconcile validate shows the place)`,
  };
}

interface FoundCard {
  readonly type: string;
  readonly origin: 'project' | 'package';
  readonly path: string;
}

function findCards(projectDirectory: string): readonly FoundCard[] {
  const own = listFolder(join(projectDirectory, 'destinations')).map((type): FoundCard => ({
    type,
    origin: 'project',
    path: `destinations/${type}/destination.yaml`,
  }));
  const packages = listFolder(join(projectDirectory, 'node_modules'))
    .flatMap((name) => (name.startsWith('@') ? listFolder(join(projectDirectory, 'node_modules', name)).map((inner) => `${name}/${inner}`) : [name]))
    .map((name) => ({ name, type: name.slice(name.lastIndexOf('/') + 1) }))
    .filter(({ type }) => type.startsWith(PACKAGE_PREFIX))
    .map(({ name, type }): FoundCard => ({ type: type.slice(PACKAGE_PREFIX.length), origin: 'package', path: `node_modules/${name}/destination.yaml` }));
  return [...own, ...packages];
}

function listFolder(path: string): readonly string[] {
  try {
    return readdirSync(path).sort();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw error;
  }
}

/** Its bytes; undefined when there is none; a text says why it cannot be read. */
function readCard(path: string): Uint8Array | string | undefined {
  try {
    const { size } = statSync(path);
    // As for a manifest: more is no card, and would be held whole.
    return size > MAX_BYTES ? `it has ${size} bytes, at most ${MAX_BYTES} go` : readFileSync(path);
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    return READ_ERRORS[code] ?? code;
  }
}

const MAX_BYTES = 1024 * 1024;
const READ_ERRORS: Readonly<Record<string, string>> = { EISDIR: 'it is a folder', EACCES: 'access is denied', ELOOP: 'its links lead in a circle' };

function describe(file: string, code: string, message: string, hint: string): Diagnostic {
  return { code, severity: 'error', message, hint, file, line: 1, column: 1 };
}
