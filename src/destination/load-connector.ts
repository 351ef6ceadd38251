import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { AppError } from '../model/app-error.ts';
import type { SecretRef } from '../model/resource.ts';
import { createSecretMask } from '../support/secret-mask.ts';
import type { CatalogueEntry } from './catalogue.ts';
import { containConnector } from './contain-connector.ts';
import type { Connector, ConnectorContext } from './connector.ts';
import { guardConnector, runGuarded, wordsOf, type GuardOptions } from './guard-connector.ts';

/** A module that waits for something at its top level has not been loaded; most take milliseconds. */
const LOAD_MS = 60_000;
const METHODS = ['check', 'prepare', 'deliver', 'settle'] as const;

/**
 * The connector of a project or a package. Such a module cannot have our class of errors: what it throws with `name: 'AppError'` becomes one, so
 * that a user is told what to do instead of being shown a stack. Throws RC1360 when there is no connector in it. `stop` ends the calls that have no signal of
 * their own.
 */
export async function loadConnector(entry: CatalogueEntry, context: ConnectorContext, stop?: AbortSignal): Promise<Connector> {
  const { path, connectorPath = '' } = entry;
  const { clean, cleanWhole, ...ours } = rememberSecrets(context);
  const broken = (message: string, hint: string): AppError => new AppError({ code: 'RC1360', message: `the connector of \`${path}\` ${message}`, hint });
  const folder = dirname(connectorPath);
  const guard = { path, folder, clean, cleanWhole, stop };
  containConnector(folder);
  const loaded = await runGuarded({
    method: 'import',
    work: () => importFrom(connectorPath),
    read: (answer) => answer as Imported,
    deadlineMs: LOAD_MS,
    ...guard,
  });
  if ('thrown' in loaded) {
    const { thrown } = loaded;
    const isMissing = (thrown as NodeJS.ErrnoException | null | undefined)?.code === 'ERR_MODULE_NOT_FOUND';
    throw broken(
      `cannot be loaded: ${clean(wordsOf(thrown))}`,
      isMissing ? 'install what it needs: npm install in this project' : 'this is a fault of the connector: tell whoever wrote it',
    );
  }
  let { create } = loaded;
  // TypeScript compiled to CommonJS: Node.js takes all that it exports for the default.
  const exported = (create as { readonly default?: unknown } | null | undefined)?.default;
  if (typeof create !== 'function' && typeof exported === 'function') create = exported;
  if (typeof create !== 'function') throw broken('has no default export', '`export default async function createConnector(context) { … }`');
  const made = await runGuarded({
    method: 'createConnector',
    work: () => (create as (given: ConnectorContext) => unknown)({ ...context, ...ours }),
    read: (answer) => readConnector(answer, guard),
    ...guard,
  });
  if (Array.isArray(made)) throw broken(`has no ${made.map((name) => `\`${name}\``).join(', ')}`, 'docs/write-a-destination.md tells what a connector does');
  return made as Connector;
}

/** The connector, held to the port; or the methods that it lacks. */
function readConnector(answer: unknown, guard: GuardOptions): Connector | readonly string[] {
  const there = (answer ?? {}) as Readonly<Record<string, unknown>>;
  const missing = METHODS.filter((name) => typeof there[name] !== 'function');
  return missing.length > 0 ? missing : guardConnector(answer as Connector, guard);
}

type Imported = { readonly create: unknown } | { readonly thrown: unknown };

/** What a module throws while it is loaded tells of the module, not of a method. */
async function importFrom(path: string): Promise<Imported> {
  try {
    const { default: create } = (await import(pathToFileURL(path).href)) as { readonly default?: unknown };
    return { create };
  } catch (thrown) {
    return { thrown };
  }
}

/** What the connector is told, so that it can be taken out of whatever it says. */
function rememberSecrets({ secret, log }: ConnectorContext): Pick<ConnectorContext, 'secret' | 'log'> & Pick<GuardOptions, 'clean' | 'cleanWhole'> {
  const { learn, clean: cleanWhole } = createSecretMask();
  // Cut only then: half a secret is none that could be found.
  const clean = (text: string): string => shorten(cleanWhole(text));
  return {
    clean,
    cleanWhole,
    async secret(ref: SecretRef) {
      // What stands there instead may be a secret: it is not repeated.
      if (!isReference(ref)) throw new TypeError('`secret` was asked for without {env: NAME} or {file: PATH}');
      const value = await secret(ref);
      learn(value);
      return value;
    },
    log: (level, message, fields = {}) =>
      log(level, clean(String(message)), Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, asPlain(value, clean)]))),
  };
}

/** Enough for what people read; some put whole answers of megabytes into an error, which would stand in the state and be printed by every command. */
const MAX_CHARACTERS = 2000;

function shorten(text: string): string {
  const { length } = text;
  return length <= MAX_CHARACTERS ? text : `${text.slice(0, MAX_CHARACTERS).toWellFormed()}… (${length} characters)`;
}

function isReference(ref: unknown): boolean {
  const { env, file } = (ref !== null && typeof ref === 'object' ? ref : {}) as { readonly env?: unknown; readonly file?: unknown };
  return typeof (env ?? file) === 'string';
}

function asPlain(value: unknown, clean: (text: string) => string): string | number | boolean | null {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value;
  return clean(typeof value === 'string' ? value : inspect(value, { depth: 3, breakLength: Infinity }));
}
