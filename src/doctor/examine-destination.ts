import type { CheckFinding, Connector } from '../destination/connector.ts';
import type { ExportDeps } from '../export/deps.ts';
import { encryptionOf, signingText } from '../export/encryption.ts';
import type { DestinationCard } from '../model/destination-card.ts';
import type { DestinationSpec, StorageSpec } from '../model/generated/kinds.ts';
import { DAY_MS, type Instant } from '../model/instant.ts';
import { probeStorage } from '../storage/probe.ts';
import { look, type DoctorFinding } from './finding.ts';
import { readCertificateEnd } from './read-certificate.ts';
import { readKeyEnd } from './read-key-end.ts';

export interface DestinationRequest extends Pick<ExportDeps, 'storage' | 'connector' | 'secret'> {
  readonly name: string;
  readonly spec: DestinationSpec;
  readonly card: DestinationCard | undefined;
  /** The columns of every activation onto it. */
  readonly columns: readonly string[];
  readonly clock: () => Instant;
}

const SOON_MS = 30 * DAY_MS;

/** Each connection of a destination, tried for real. What is written is removed again. */
export async function examineDestination(request: DestinationRequest): Promise<readonly DoctorFinding[]> {
  const { name, spec, card } = request;
  const area = `destination ${name}`;
  const storage = spec.storage ?? card?.storage.default;
  const urls = [...new Set([spec.connection?.url, storage !== undefined && 'endpoint' in storage ? storage.endpoint : undefined])].filter(
    (url) => url?.startsWith('https:') === true,
  );
  const found = await Promise.all([
    storage === undefined ? [] : look(area, `storage ${storage.type}`, () => examineStorage(request, storage)),
    look(area, 'connection', () => examineConnector(request)),
    ...urls.map((url) => look(area, 'certificate', () => examineCertificate(url ?? '', request.clock()))),
    ...(spec.encryption === undefined ? [] : [look(area, 'encryption', () => examineKeys(request))]),
  ]);
  return found.flat();
}

async function examineStorage({ storage: open, clock }: DestinationRequest, spec: StorageSpec): Promise<readonly CheckFinding[]> {
  // The tokens at the end of a path stand for a segment: the folder above them is tried.
  const bare = Object.fromEntries(
    Object.entries(spec).map(([key, value]) => [key, typeof value === 'string' && (key === 'path' || key === 'prefix') ? stripTokens(value) : value]),
  ) as StorageSpec;
  await using storage = await open(bare);
  return await probeStorage(storage, { clock });
}

function stripTokens(path: string): string {
  const stripped = path.replace(/\/?%SEGMENT_(?:NAME|ID)%.*$/, '');
  return stripped === '' ? '.' : stripped;
}

async function examineConnector({ connector: open, name, spec, columns }: DestinationRequest): Promise<readonly CheckFinding[]> {
  const connector: Connector | undefined = await open(name, spec);
  if (connector === undefined) return [];
  await using opened = connector;
  return await opened.check(columns);
}

async function examineCertificate(url: string, now: Instant): Promise<readonly CheckFinding[]> {
  const subject = `certificate of ${new URL(url).host}`;
  const end = await readCertificateEnd(url);
  // That it cannot be reached or does not hold, the connection itself has told.
  if (end === undefined) return [];
  return [judgeEnd(subject, end, now, 'RC9531', 'renew it')];
}

async function examineKeys({ secret, clock, spec }: DestinationRequest): Promise<readonly CheckFinding[]> {
  const { encryption } = spec;
  // What a run would do first, with the same words for what is wrong.
  await encryptionOf(spec, { secret, clock });
  const refs = encryption?.pgpPublicKey ?? [];
  const list = Array.isArray(refs) ? refs : [refs];
  const now = clock();
  const armored = await Promise.all(list.map((ref) => secret(ref)));
  const signing = await signingText(encryption?.signWith, secret);
  const judge = async (text: string, does: string, next: string): Promise<readonly CheckFinding[]> =>
    (await readKeyEnd(text)).map(({ id, end }) =>
      end === undefined
        ? { code: 'RC9530', level: 'ok', subject: `OpenPGP key ${id}`, message: `it can ${does}, and does not expire` }
        : judgeEnd(`OpenPGP key ${id}`, end, now, 'RC9532', next),
    );
  const found = await Promise.all([
    ...armored.map((text) => judge(text, 'encrypt', 'ask the receiver for the next one in time')),
    ...(signing === undefined ? [] : [judge(signing.privateKey, 'sign', 'make the next one in time and give the receiver its public half')]),
  ]);
  return found.flat();
}

function judgeEnd(subject: string, end: Instant, now: Instant, code: string, hint: string): CheckFinding {
  const day = new Date(end).toISOString().slice(0, 10);
  if (end <= now) return { code, level: 'error', subject, message: `it ended on ${day}`, hint };
  if (end - now < SOON_MS) return { code, level: 'warning', subject, message: `it ends on ${day}`, hint };
  return { code: 'RC9530', level: 'ok', subject, message: `valid until ${day}` };
}
