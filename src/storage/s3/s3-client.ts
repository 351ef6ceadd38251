import type { S3Client } from '@aws-sdk/client-s3';
import { createSecretMask } from '../../support/secret-mask.ts';

export interface S3Access {
  readonly region?: string;
  readonly endpoint?: string;
  readonly forcePathStyle: boolean;
  /** Absent: the default chain (environment, shared files, container, machine). */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string };
}

const CONNECT_MS = 10_000;
const SOCKET_MS = 60_000;
const SOCKETS = 32;
/** Where only an endpoint is given, servers other than Amazon's mostly call their one region this. */
const ENDPOINT_REGION = 'us-east-1';

export interface S3Connection {
  readonly client: S3Client;
  /** The store's clock minus ours, from the last answer. */
  clockSkewMs(): number | undefined;
}

/** The SDK's client without its own retry (ours resumes uploads, its does not) and without checksums of its own: we compute them once, over parts. */
export async function connectS3(access: S3Access): Promise<S3Connection> {
  const { S3Client } = await import('@aws-sdk/client-s3');
  const region = access.region ?? (access.endpoint === undefined ? undefined : ENDPOINT_REGION);
  const client = new S3Client({
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    forcePathStyle: access.forcePathStyle,
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      socketTimeout: SOCKET_MS,
      httpAgent: { keepAlive: true, maxSockets: SOCKETS },
      httpsAgent: { keepAlive: true, maxSockets: SOCKETS },
    },
    ...(region !== undefined && { region }),
    ...(access.endpoint !== undefined && { endpoint: access.endpoint }),
    ...(access.credentials && { credentials: access.credentials }),
  });
  keepSecrets(client, Object.values(access.credentials ?? {}));
  let skewMs: number | undefined;
  client.middlewareStack.add(
    (next) => async (args) => {
      // Over TLS the part's own checksum protects the bytes; hashing them a second time for the signature costs as much as sending them.
      const request = args.request as { protocol?: string; headers: Record<string, string>; body?: unknown };
      if (request.protocol === 'https:' && Buffer.isBuffer(request.body)) request.headers['x-amz-content-sha256'] = 'UNSIGNED-PAYLOAD';
      return next(args);
    },
    { step: 'build', name: 'unsignedPayloadOverTls', priority: 'low' },
  );
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const date = Date.parse((result.response as { headers?: Record<string, string> }).headers?.['date'] ?? '');
      if (!Number.isNaN(date)) skewMs = date - Date.now();
      return result;
    },
    { step: 'deserialize', name: 'watchClock', priority: 'low' },
  );
  return { client, clockSkewMs: () => skewMs };
}

/** A server may repeat what it was sent in what it refuses it with: headers with the key's id, which is a secret of the manifest, and the signature. */
function keepSecrets(client: S3Client, secrets: readonly string[]): void {
  const mask = createSecretMask(secrets);
  const clean = (text: string): string => mask.clean(text).replaceAll(/\b(Credential|Signature)=[^\s,/"]+/g, '$1=***');
  client.middlewareStack.add(
    (next) => async (args) => {
      try {
        return await next(args);
      } catch (error) {
        if (error instanceof Error) error.message = clean(error.message);
        throw error;
      }
    },
    { step: 'initialize', name: 'keepSecrets', priority: 'high' },
  );
}
