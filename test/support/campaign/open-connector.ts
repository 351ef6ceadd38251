import { inspect } from 'node:util';
import createConnector from '../../../destinations/adobe-campaign-managed-services/connector.ts';
import type { Connector, DeliveredBatch } from '../../../src/destination/connector.ts';
import { createVirtualTime, type VirtualTime } from '../virtual-time.ts';
import type { FakeCampaign } from './fake-campaign.ts';

/** Every secret that a test hands in holds this word, so that one search finds a leak. */
export const CANARY = 'CANARY';

export interface OpenedConnector {
  readonly connector: Connector;
  readonly time: VirtualTime;
  /** Everything that was logged, as text, hidden properties included. */
  readonly logged: string[];
}

export interface ConnectorSettings {
  readonly auth?: Readonly<Record<string, unknown>>;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly import?: Readonly<Record<string, unknown>> | null;
  readonly url?: string;
}

export const USER_AUTH = { type: 'user', username: 'reconcile', password: { env: 'PASSWORD' } } as const;

/** The real connector against a fake server, with time that jumps. `secrets` are the environment. */
export async function openConnector(
  fake: FakeCampaign,
  settings: ConnectorSettings = {},
  secrets: Readonly<Record<string, string>> = {},
): Promise<OpenedConnector> {
  const time = createVirtualTime();
  const logged: string[] = [];
  const values: Readonly<Record<string, string>> = { PASSWORD: 'secret', CLIENT_SECRET: 'client-secret-1', ...secrets };
  const connector = await createConnector({
    name: 'campaign-emea',
    spec: {
      type: 'adobe-campaign-managed-services',
      details: { instance: 'acme_mkt_prod1', targetMapping: 'mapRecipient', ...settings.details },
      connection: { url: settings.url ?? fake.url, auth: settings.auth ?? USER_AUTH },
      ...(settings.import === null ? {} : { import: settings.import ?? { workflow: 'WKFsegmentImport', wait: '30m' } }),
      storage: { type: 'sftp' },
    },
    secret: async (ref) => values['env' in ref ? ref.env : ref.file] ?? '',
    clock: time.clock,
    sleep: time.sleep,
    log: (...words) => void logged.push(inspect(words, { depth: 20, showHidden: true })),
  });
  return { connector, time, logged };
}

export function imsAuth(fake: FakeCampaign): Readonly<Record<string, unknown>> {
  return { type: 'ims', clientId: fake.state.ims.clientId, clientSecret: { env: 'CLIENT_SECRET' }, tokenUrl: fake.tokenUrl };
}

export function makeBatch(runId: string): DeliveredBatch {
  const file = { rows: 3, bytes: 42, sha256: '00' };
  return {
    runId,
    activation: 'emea-newsletter',
    segment: 'german-recent-buyers',
    rows: 6,
    files: [
      { ...file, path: 'a.csv', address: '/incoming/a & b.csv' },
      { ...file, path: 'a_2.csv', address: '/incoming/a_2.csv' },
    ],
    columns: ['email', 'firstName', 'segmentMembershipStatus'],
  };
}

/** What `work` throws, as text with everything that can be seen of it. */
export async function captureError(work: () => Promise<unknown>): Promise<{ readonly code: string; readonly message: string; readonly everything: string }> {
  try {
    await work();
  } catch (error) {
    const { code = '', message = '', hint = '' } = error as { code?: string; message?: string; hint?: string };
    return { code, message: `${message} | ${hint}`, everything: inspect(error, { depth: 20, showHidden: true }) };
  }
  throw new Error('nothing was thrown');
}
