import { posix } from 'node:path';
import { checkFolderPath } from '../activation/folder-path.ts';
import type { AzureBlobStorageSpec, S3StorageSpec, SftpStorageSpec, StorageSpec } from '../model/generated/kinds.ts';
import type { PointedProblem } from '../manifest/explain-schema-error.ts';
import { checkObjectPrefix } from '../storage/object-prefix.ts';

const BY_REFERENCE = 'give what logs in by reference, in keys of their own such as `sasToken`; `reconcile schema Destination` lists them';
/** It becomes part of a host's name. */
const REGION = /^[A-Za-z0-9-]{1,63}$/;

/** Which keys of a storage go together; what the schema cannot say. */
export function checkStorage(storage: StorageSpec): readonly PointedProblem[] {
  return [...checkFolder(storage), ...checkAddresses(storage), ...checkKeys(storage)];
}

function checkKeys(storage: StorageSpec): readonly PointedProblem[] {
  switch (storage.type) {
    case 'sftp':
      return checkSftp(storage);
    case 's3':
      return checkS3(storage);
    case 'azure-blob':
      return checkAzureBlob(storage);
    default:
      return [];
  }
}

function checkFolder(storage: StorageSpec): readonly PointedProblem[] {
  const key = storage.type === 'local' || storage.type === 'sftp' ? 'path' : 'prefix';
  const folder = (storage as { readonly path?: string; readonly prefix?: string })[key];
  if (folder === undefined) return [];
  const wrong =
    checkFolderPath(folder) ??
    (key === 'prefix' ? checkObjectPrefix(folder) : checkServerPath(folder)) ??
    (storage.type === 'local' ? (checkHomeFolder(folder) ?? checkOwnFolder(folder)) : undefined);
  return wrong === undefined ? [] : [refuse(`/spec/storage/${key}`, 'value', wrong.message, wrong.hint)];
}

/** A NUL ends the path for a server and is an exception of the library here; a line feed would part it in two for Campaign, which gets paths line by line. */
function checkServerPath(path: string): { readonly message: string; readonly hint: string } | undefined {
  return /\p{Cc}/u.test(path) ? { message: 'the path holds a control character', hint: 'remove it; in YAML, `\\` within double quotes begins one' } : undefined;
}

/** A shell puts the home folder there; here it would be a folder of that name in the project. */
function checkHomeFolder(path: string): { readonly message: string; readonly hint: string } | undefined {
  if (!/^~(?:\/|$)/.test(path)) return undefined;
  return { message: '`~` does not stand for a home folder here', hint: `write the whole path; a folder of the project named \`~\` is \`./${path}\`` };
}

/** Nobody else may read there, and `gc` takes what it does not know for leftovers. */
function checkOwnFolder(path: string): { readonly message: string; readonly hint: string } | undefined {
  if (posix.normalize(path).split('/')[0] !== '.reconcile') return undefined;
  return {
    message: '`.reconcile` holds the state and its leftovers: nobody could fetch files there, and they would be cleaned up',
    hint: 'choose another folder, such as `out`',
  };
}

/** The addresses that a storage names: the libraries end in exceptions of their own at one that is none. */
function checkAddresses(storage: StorageSpec): readonly PointedProblem[] {
  const { endpoint, url } = storage as { readonly endpoint?: string; readonly url?: string };
  return [
    ...(endpoint === undefined ? [] : checkAddress('/spec/storage/endpoint', endpoint)),
    ...(url === undefined ? [] : checkAddress('/spec/storage/url', url)),
  ];
}

function checkAddress(pointer: string, text: string): readonly PointedProblem[] {
  if (!URL.canParse(text)) return [refuse(pointer, 'value', `\`${text}\` is not an address`, 'such as https://storage.example.com')];
  const { username, password, search, hash, hostname, pathname } = new URL(text);
  // Neither is repeated: they hold a secret.
  if (username !== '' || password !== '') return [{ ...refuse(pointer, 'value', 'the address holds a user or password', BY_REFERENCE), code: 'RC1403' }];
  if (search !== '') return [{ ...refuse(pointer, 'value', 'the address holds what follows a `?`, as signed addresses do', BY_REFERENCE), code: 'RC1403' }];
  if (hash !== '') return [refuse(pointer, 'value', 'the address holds a `#`', 'it ends before that')];
  if (pathname !== '/' && /\.blob\./.test(hostname))
    return [
      refuse(
        pointer,
        'value',
        `\`${text}\` is the address of a container`,
        'give that of the account, which ends with the host; the container has its own key',
      ),
    ];
  return [];
}

function checkSftp(storage: SftpStorageSpec): readonly PointedProblem[] {
  const ways = (['privateKey', 'password'] as const).filter((key) => storage[key] !== undefined).map(String);
  if (storage.agent === true) ways.push('agent');
  const problems: PointedProblem[] = [...checkHost(storage.host)];
  if (ways.length === 0)
    problems.push(refuse('/spec/storage', 'key', 'the sftp storage does not say how to log in', 'give privateKey, password or `agent: true`'));
  for (const way of ways.slice(1))
    problems.push(refuse(`/spec/storage/${way}`, 'key', `\`${way}\` stands beside \`${ways[0] ?? ''}\`: it is not clear which logs in`, 'keep one of them'));
  if (storage.passphrase !== undefined && storage.privateKey === undefined)
    problems.push(refuse('/spec/storage/passphrase', 'key', '`passphrase` opens a privateKey, and there is none', 'remove it, or give the key'));
  return problems;
}

/** A name or an address alone. Neither is repeated: a user’s password may stand in it. */
function checkHost(host: string): readonly PointedProblem[] {
  const pointer = '/spec/storage/host';
  if (host.includes('@'))
    return [{ ...refuse(pointer, 'value', 'the host holds a user or password', 'they have keys of their own: `username`, `password`'), code: 'RC1403' }];
  if (isIPv6(host) || !/[\s:/]/.test(host)) return [];
  return [
    refuse(
      pointer,
      'value',
      'a host is a name or an address alone',
      'such as sftp.example.com; the port and the folder have keys of their own: `port`, `path`',
    ),
  ];
}

/** Colons belong to an address of this kind, which may stand in brackets as in URLs. */
function isIPv6(host: string): boolean {
  const bare = /^\[(.*)\]$/.exec(host)?.[1] ?? host;
  return URL.canParse(`ssh://[${bare.replace(/%[\w.-]+$/, '')}]/`);
}

function checkS3(storage: S3StorageSpec): readonly PointedProblem[] {
  const problems: PointedProblem[] = [];
  if (storage.region !== undefined && !REGION.test(storage.region))
    problems.push(refuse('/spec/storage/region', 'value', `\`${storage.region}\` is not a region`, 'such as eu-west-1'));
  const pair = ['accessKeyId', 'secretAccessKey'] as const;
  for (const [one, other] of [pair, [pair[1], pair[0]] as const]) {
    if (storage[one] !== undefined && storage[other] === undefined)
      problems.push(refuse(`/spec/storage/${one}`, 'key', `\`${one}\` needs \`${other}\``, 'give both, or neither for the default chain of credentials'));
  }
  if (storage.sessionToken !== undefined && storage.accessKeyId === undefined)
    problems.push(refuse('/spec/storage/sessionToken', 'key', '`sessionToken` needs `accessKeyId` and `secretAccessKey`', 'give all three'));
  if (storage.kmsKeyId !== undefined && storage.serverSideEncryption !== 'aws:kms')
    problems.push(refuse('/spec/storage/kmsKeyId', 'key', '`kmsKeyId` needs `serverSideEncryption: aws:kms`', 'add it, or remove the key'));
  return problems;
}

function checkAzureBlob(storage: AzureBlobStorageSpec): readonly PointedProblem[] {
  const { connectionString, url, sasToken, accountKey } = storage;
  const problems: PointedProblem[] = [];
  if (connectionString === undefined && url === undefined)
    problems.push(refuse('/spec/storage', 'key', 'the azure-blob storage does not say where it is', 'give connectionString, or url'));
  if (connectionString !== undefined) {
    for (const key of ['url', 'sasToken', 'accountKey'] as const) {
      if (storage[key] !== undefined)
        problems.push(
          refuse(`/spec/storage/${key}`, 'key', `\`${key}\` stands beside \`connectionString\`, which says it as well`, 'keep one of the two ways'),
        );
    }
  } else if (sasToken !== undefined && accountKey !== undefined) {
    problems.push(
      refuse('/spec/storage/accountKey', 'key', '`accountKey` stands beside `sasToken`: it is not clear which opens the container', 'keep one of them'),
    );
  }
  return problems;
}

function refuse(pointer: string, part: 'key' | 'value', message: string, hint: string): PointedProblem {
  return { code: 'RC1307', pointer, part, message, hint };
}
