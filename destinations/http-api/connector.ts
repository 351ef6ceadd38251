import { checkHeader } from '../../src/destination/check-header.ts';
import type { Connector, ConnectorContext, DeliveredBatch, Receipt, RefusedRow } from '../../src/destination/connector.ts';
import { AppError } from '../../src/model/app-error.ts';
import type { ConnectionSpec, DestinationSpec } from '../../src/model/generated/kinds.ts';
import { checkEndpoint } from './check-endpoint.ts';
import type { BodyShape } from './encode-batch.ts';
import { sendFile } from './send-file.ts';
import type { Endpoint } from './send-request.ts';

interface HttpDetails {
  readonly method?: string;
  readonly body?: BodyShape;
  readonly maxRows?: number;
  readonly maxBytes?: number;
  readonly maxRejectedRows?: number;
  readonly retries?: number;
  readonly timeoutSeconds?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** So many refused rows are found one by one and named; more of them mean that the batch's form is wrong, not its rows. */
const MAX_FOUND = 100;
const MAX_NAMED = 10;

class TooManyRejected extends Error {}

/** Rows as batches of JSON to an endpoint. The exported files are JSON lines; their bytes go out as they are. */
export default async function createConnector(context: ConnectorContext): Promise<Connector> {
  const spec = context.spec as unknown as DestinationSpec;
  const details = (spec.details ?? {}) as HttpDetails;
  const { connection } = spec;
  if (connection === undefined)
    throw new AppError({
      code: 'RC1354',
      message: `destination \`${context.name}\` has no \`connection\``,
      hint: 'reconcile destinations http-api prints an example',
    });

  const openEndpoint = async (): Promise<Endpoint> => {
    const login = await authorize(connection, context);
    for (const [name, value] of Object.entries(details.headers ?? {})) checkHeader(name, value, '`details.headers`');
    for (const [name, value] of Object.entries(login)) checkHeader(name, value, '`connection.auth`');
    return {
      url: connection.url,
      method: details.method ?? 'POST',
      headers: { ...details.headers, ...login },
      timeoutMs: (details.timeoutSeconds ?? 30) * 1000,
      retries: details.retries ?? 5,
    };
  };

  const send = async (batch: DeliveredBatch, signal: AbortSignal | undefined): Promise<Receipt> => {
    const endpoint = await openEndpoint();
    const maxRejected = details.maxRejectedRows ?? 0;
    const rejected: RefusedRow[] = [];
    let accepted = 0;
    const tell = (stopped: boolean): Receipt => {
      const named = rejected.slice(0, MAX_NAMED).map(({ path, row }) => `${path} row ${row}`);
      const more = rejected.length > named.length ? ` and ${rejected.length - named.length} more` : '';
      const message = `the endpoint refused ${rejected.length} ${rejected.length === 1 ? 'row' : 'rows'} (${named.join(', ')}${more})${stopped ? '; sending stopped there' : ''}`;
      if (rejected.length === 0) return { status: 'imported', rows: accepted };
      const status = rejected.length > maxRejected || stopped ? 'import-failed' : 'imported';
      return { status, rows: accepted, rejected: rejected.length, refused: rejected, message };
    };
    try {
      for (const file of batch.files) {
        if (file.open === undefined) throw new Error(`\`${file.path}\` cannot be opened`);
        await sendFile(await file.open(), {
          endpoint,
          clock: context.clock,
          sleep: context.sleep,
          log: context.log,
          signal,
          limits: { maxRows: details.maxRows ?? 1000, maxBytes: details.maxBytes ?? 1_048_576 },
          shape: details.body ?? 'array',
          runId: batch.runId,
          segment: batch.segment,
          path: file.path,
          onAccepted: (rows) => (accepted += rows),
          onRejected: (row) => {
            rejected.push(row);
            if (rejected.length > Math.max(maxRejected, MAX_FOUND)) throw new TooManyRejected();
          },
        });
      }
    } catch (error) {
      if (error instanceof TooManyRejected) return tell(true);
      throw error;
    }
    return tell(false);
  };

  return {
    namesRefused: true,
    check: async () => [await checkEndpoint(await openEndpoint())],
    prepare: () => Promise.resolve({}),
    deliver: (batch, _token, signal) => send(batch, signal),
    // Nobody can be asked. Sending again is safe: the same rows carry the same Idempotency-Key.
    settle: (_batch, receipt) =>
      Promise.resolve(
        receipt.status === 'imported' || receipt.status === 'import-failed'
          ? receipt
          : { status: 'unknown', message: 'an endpoint cannot be asked what it has' },
      ),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function authorize({ auth }: ConnectionSpec, { secret }: ConnectorContext): Promise<Readonly<Record<string, string>>> {
  if (auth?.type === 'bearer') return { Authorization: `Bearer ${await secret(auth.token)}` };
  if (auth?.type === 'header') return { [auth.name]: await secret(auth.value) };
  if (auth?.type === 'user') return { Authorization: `Basic ${Buffer.from(`${auth.username}:${await secret(auth.password)}`).toString('base64')}` };
  return {};
}
