import type { PointedProblem } from '../manifest/explain-schema-error.ts';
import type { DestinationCard } from '../model/destination-card.ts';
import { durationMs } from '../support/duration.ts';
import type { DestinationSpec } from '../model/generated/kinds.ts';
import { checkDetails } from './check-details.ts';

/** What leaves a run, which ends after 12 hours, time for everything else. */
const MAX_WAIT_MS = 10 * 3_600_000;

/** Everything wrong with a Destination's spec by its type's card. Pointers start at the manifest's root (`/spec/…`). Pure. */
export function checkDestination(card: DestinationCard, spec: DestinationSpec): readonly PointedProblem[] {
  return [
    ...checkDetailsOf(card, spec),
    ...checkStorage(card, spec),
    ...checkConnection(card, spec),
    ...checkImport(card, spec),
    ...checkEncryption(card, spec),
  ];
}

function checkDetailsOf(card: DestinationCard, spec: DestinationSpec): readonly PointedProblem[] {
  const schema = card.details ?? { type: 'object', properties: {} };
  if (spec.details === undefined) {
    const [first] = schema.required ?? [];
    if (first === undefined) return [];
    const message = `a destination of type \`${card.type}\` needs \`details\` with ${schema.required?.map((key) => `\`${key}\``).join(' and ')}`;
    return [{ code: 'RC1102', pointer: '/spec', part: 'key', message, hint: seeExample(card) }];
  }
  return checkDetails(schema, spec.details, '/spec/details', 'spec.details');
}

function checkStorage(card: DestinationCard, spec: DestinationSpec): readonly PointedProblem[] {
  const kinds = card.storage.kinds.map((kind) => `\`${kind}\``).join(', ');
  if (spec.storage === undefined) {
    if (card.storage.default !== undefined) return [];
    return [{ code: 'RC1352', pointer: '/spec', part: 'key', message: `a destination of type \`${card.type}\` needs a \`storage\``, hint: `one of ${kinds}` }];
  }
  if ((card.storage.kinds as readonly string[]).includes(spec.storage.type)) return [];
  const message = `a destination of type \`${card.type}\` cannot use a storage of type \`${spec.storage.type}\``;
  return [{ code: 'RC1353', pointer: '/spec/storage/type', part: 'value', message, hint: `it takes ${kinds}` }];
}

function checkConnection(card: DestinationCard, spec: DestinationSpec): readonly PointedProblem[] {
  const { connection } = spec;
  const rules = card.connection;
  if (rules === undefined) {
    if (connection === undefined) return [];
    const message = `a destination of type \`${card.type}\` has no \`connection\`: it only receives files`;
    return [{ code: 'RC1354', pointer: '/spec/connection', part: 'key', message, hint: 'remove it; how to reach the files’ place stands in `storage`' }];
  }
  if (connection === undefined) {
    if (rules.required !== true && spec.import === undefined) return [];
    const message = spec.import === undefined ? `a destination of type \`${card.type}\` needs a \`connection\`` : '`import` needs a `connection`';
    return [{ code: 'RC1354', pointer: spec.import === undefined ? '/spec' : '/spec/import', part: 'key', message, hint: seeExample(card) }];
  }
  const problems: PointedProblem[] = [];
  checkUrl(connection.url, '/spec/connection/url', problems);
  const { auth } = connection;
  const ways = (rules.auth ?? []).map((way) => `\`${way}\``).join(', ');
  if (auth === undefined) {
    if (rules.authRequired === true) {
      problems.push({ code: 'RC1355', pointer: '/spec/connection', part: 'key', message: '`spec.connection` has no `auth`', hint: `one of ${ways}` });
    }
  } else if (!(rules.auth ?? []).includes(auth.type)) {
    const message = `a destination of type \`${card.type}\` cannot log in by \`${auth.type}\``;
    problems.push({
      code: 'RC1355',
      pointer: '/spec/connection/auth/type',
      part: 'value',
      message,
      hint: ways === '' ? 'it takes no `auth`' : `it takes ${ways}`,
    });
  } else if (auth.type === 'ims' && auth.tokenUrl !== undefined) {
    checkUrl(auth.tokenUrl, '/spec/connection/auth/tokenUrl', problems);
  }
  return problems;
}

/** Secrets travel with every request: in the clear only where they do not leave the machine. */
function checkUrl(text: string, pointer: string, problems: PointedProblem[]): void {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    problems.push({ code: 'RC1103', pointer, part: 'value', message: `\`${text}\` is not an address`, hint: 'such as https://api.example.com' });
    return;
  }
  if (url.username !== '' || url.password !== '') {
    // The address is not repeated: it holds a secret.
    problems.push({
      code: 'RC1403',
      pointer,
      part: 'value',
      message: 'the address holds a user or password',
      hint: 'give them in `connection.auth`, by reference',
    });
  } else if (url.protocol === 'http:' && !isLoopback(url.hostname)) {
    problems.push({
      code: 'RC1356',
      pointer,
      part: 'value',
      message: `\`${text}\` is not encrypted`,
      hint: 'https://…; plain http only reaches this machine (127.0.0.1, localhost)',
    });
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost') || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

function checkImport(card: DestinationCard, spec: DestinationSpec): readonly PointedProblem[] {
  if (spec.import === undefined) return [];
  if (card.import !== undefined) {
    const { wait } = spec.import;
    if ((durationMs(wait) ?? 0) <= MAX_WAIT_MS) return [];
    const hint = 'a run ends after 12 hours; an end that came later is looked up by `reconcile runs retry`';
    return [{ code: 'RC1106', pointer: '/spec/import/wait', part: 'value', message: `\`spec.import.wait\` must be at most 10h, got ${wait}`, hint }];
  }
  const message = `a destination of type \`${card.type}\` takes no \`import\`: nobody can be told`;
  return [{ code: 'RC1357', pointer: '/spec/import', part: 'key', message, hint: 'remove it' }];
}

function checkEncryption(card: DestinationCard, spec: DestinationSpec): readonly PointedProblem[] {
  if (spec.encryption === undefined || card.file?.encryption !== false) return [];
  const message = `a destination of type \`${card.type}\` takes no \`encryption\`: its rows are read before they leave`;
  return [{ code: 'RC1358', pointer: '/spec/encryption', part: 'key', message, hint: 'remove it' }];
}

function seeExample(card: DestinationCard): string {
  return `reconcile destinations ${card.type} prints an example`;
}
