import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { StorageSpec } from '../../src/model/generated/kinds.ts';
import { createStorage } from '../../src/storage/create-storage.ts';
import { createMemoryJournal } from '../../src/storage/upload-journal.ts';
import { reconcile, type Ended } from './reconcile.ts';
import { SMALL_DELIVERY_APPLIED, SMALL_DELIVERY_NOW, SMALL_DELIVERY_SLOT, smallDelivery } from './small-delivery.ts';
import { bytesOf } from './spool-file.ts';
import { createTempProject } from './temp-project.ts';

export type Env = Readonly<Record<string, string>>;

/** Nothing of the machine the tests run on may log in, nor be asked. */
const NOBODY: Env = {
  HOME: '/nonexistent',
  AWS_ACCESS_KEY_ID: '',
  AWS_SECRET_ACCESS_KEY: '',
  AWS_SESSION_TOKEN: '',
  AWS_PROFILE: '',
  AWS_CONFIG_FILE: '/nonexistent/config',
  AWS_SHARED_CREDENTIALS_FILE: '/nonexistent/credentials',
  AWS_WEB_IDENTITY_TOKEN_FILE: '',
  AWS_ROLE_ARN: '',
  AWS_CONTAINER_CREDENTIALS_FULL_URI: '',
  AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '',
  AWS_EC2_METADATA_DISABLED: 'true',
  AZURE_TENANT_ID: '',
  AZURE_CLIENT_ID: '',
  AZURE_CLIENT_SECRET: '',
  IDENTITY_ENDPOINT: '',
  IDENTITY_HEADER: '',
  MSI_ENDPOINT: '',
  GOOGLE_APPLICATION_CREDENTIALS: '',
  METADATA_SERVER_DETECTION: 'none',
  GCE_METADATA_HOST: '',
  GCE_METADATA_IP: '',
  AZURE_FEDERATED_TOKEN_FILE: '',
  AWS_EC2_METADATA_SERVICE_ENDPOINT: '',
};

export interface Delivery {
  readonly type: string;
  readonly spec: StorageSpec;
  readonly env?: Env;
  readonly files?: Readonly<Record<string, string>>;
  /** Reads what was delivered, past the login: another spec of the same place, its secrets by `{env}` from `secrets`. */
  readonly direct: StorageSpec;
  readonly secrets?: Env;
  /** Ask `doctor` first, or at the same time. */
  readonly doctor?: boolean | 'beside';
}

export interface Delivered {
  readonly code: number | null;
  /** All that the command printed. */
  readonly said: string;
  /** Whether the file is there as on the local disk; undefined when nothing is. */
  readonly equal: boolean | undefined;
  /** How long the delivery took. */
  readonly tookMs: number;
  /** What `doctor` ended with and said, where it was asked. */
  readonly doctor?: { readonly code: number | null; readonly said: string; readonly tookMs: number };
}

/** One delivery by the real command, logged in only by what `env` says. */
export async function deliver({ type, spec, env, files, direct, secrets = {}, doctor = false }: Delivery): Promise<Delivered> {
  using project = createTempProject({ ...smallDelivery(type, spec), ...files });
  const at = Object.fromEntries(Object.entries({ ...NOBODY, ...env }).map(([name, value]) => [name, value.replace('PROJECT', project.directory)]));
  const command = (now: string, ...args: readonly string[]) => reconcile(['-C', project.directory, '--now', now, ...args], { env: at });
  expect(await command(SMALL_DELIVERY_APPLIED, 'apply', '--auto-approve')).toMatchObject({ code: 0 });
  expect(await command(SMALL_DELIVERY_NOW, 'run', 'local', '--slot', SMALL_DELIVERY_SLOT)).toMatchObject({ code: 0 });

  const ask = (): ReturnType<typeof timed> => timed(() => command(SMALL_DELIVERY_NOW, 'doctor', 'far'));
  const run = (): ReturnType<typeof timed> => timed(() => command(SMALL_DELIVERY_NOW, 'run', 'remote', '--slot', SMALL_DELIVERY_SLOT));
  // What waits for a login waits in both.
  const [asked, { tookMs, ...ended }] = doctor === 'beside' ? await Promise.all([ask(), run()]) : [doctor ? await ask() : undefined, await run()];

  const secret = async (ref: object): Promise<string> => ('env' in ref ? (secrets[String(ref.env)] ?? '') : '');
  await using storage = await createStorage(direct, { root: project.directory, secret, journal: createMemoryJournal() });
  const found = await storage.stat('everyone_all.csv');
  const local = await readFile(join(project.directory, 'out', 'everyone_all.csv'));
  const equal = found && (await bytesOf(await storage.read('everyone_all.csv'))).equals(local);
  return {
    code: ended.code,
    said: ended.stdout + ended.stderr,
    equal,
    tookMs,
    ...(asked && { doctor: { code: asked.code, said: asked.stdout + asked.stderr, tookMs: asked.tookMs } }),
  };
}

async function timed(work: () => Promise<Ended>): Promise<Ended & { readonly tookMs: number }> {
  const before = performance.now();
  return { ...(await work()), tookMs: performance.now() - before };
}

/** What a managed identity hands out; azurite looks at issuer, audience and times. */
export function azureToken(endsMs: number): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = { aud: 'https://storage.azure.com', iss: 'https://sts.windows.net/tests/', iat: now - 7200, nbf: now - 7200, exp: now + endsMs / 1000 };
  return [{ alg: 'RS256', typ: 'JWT' }, claims, 'signature'].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
}
