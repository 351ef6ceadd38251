import { pathToFileURL } from 'node:url';
import { AppError } from '../model/app-error.ts';
import type { CatalogueEntry } from './catalogue.ts';
import type { Connector, ConnectorContext, CreateConnector } from './connector.ts';

/**
 * The connector of a project or a package. Such a module cannot have our class of errors: what it throws with `name: 'AppError'` becomes one, so
 * that a user is told what to do instead of being shown a stack.
 */
export async function loadConnector(entry: CatalogueEntry, context: ConnectorContext): Promise<Connector> {
  const { path, connectorPath = '' } = entry;
  const broken = (message: string, hint: string, cause?: unknown): AppError =>
    new AppError({ code: 'RC1360', message: `the connector of \`${path}\` ${message}`, hint, cause });
  let create: unknown;
  try {
    ({ default: create } = (await import(pathToFileURL(connectorPath).href)) as { readonly default?: unknown });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw broken(`cannot be loaded: ${reason}`, 'the card’s `connector` names a module beside it', error);
  }
  if (typeof create !== 'function') throw broken('has no default export', '`export default async function createConnector(context) { … }`');
  const connector = await translate(() => (create as CreateConnector)(context));
  const missing = METHODS.filter((name) => typeof (connector as unknown as Readonly<Record<string, unknown>>)[name] !== 'function');
  if (missing.length > 0) throw broken(`has no ${missing.map((name) => `\`${name}\``).join(', ')}`, 'docs/write-a-destination.md tells what a connector does');
  return guard(connector);
}

const METHODS = ['check', 'prepare', 'deliver', 'settle'] as const;

function guard(connector: Connector): Connector {
  const { setup, delivers } = connector;
  return {
    ...(delivers === undefined ? {} : { delivers }),
    check: (columns) => translate(() => connector.check(columns)),
    prepare: (batch) => translate(() => connector.prepare(batch)),
    deliver: (batch, token, signal) => translate(() => connector.deliver(batch, token, signal)),
    settle: (batch, receipt, waitMs, signal) => translate(() => connector.settle(batch, receipt, waitMs, signal)),
    ...(setup === undefined ? {} : { setup: (request) => translate(() => setup.call(connector, request)) }),
    async [Symbol.asyncDispose]() {
      await (connector as Partial<AsyncDisposable>)[Symbol.asyncDispose]?.();
    },
  };
}

async function translate<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { name, code, message, hint } = (error ?? {}) as {
      readonly name?: unknown;
      readonly code?: unknown;
      readonly message?: unknown;
      readonly hint?: unknown;
    };
    if (error instanceof AppError || name !== 'AppError') throw error;
    throw new AppError({
      code: typeof code === 'string' ? code : 'RC1361',
      message: typeof message === 'string' ? message : 'the connector failed and did not say why',
      ...(typeof hint === 'string' ? { hint } : {}),
    });
  }
}
