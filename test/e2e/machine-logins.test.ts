/** Logins that the machine hands out: metadata servers of EC2 and Google, and tokens of a workload that are changed for others. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { StorageSpec } from '../../src/model/generated/kinds.ts';
import { startEntraId, TENANT } from '../support/entra-id.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { deliver, type Delivered, type Delivery, type Env } from '../support/login-delivery.ts';
import { makeCertificate, startLoginServer, type Certificate, type LoginAnswer, type LoginServer } from '../support/login-server.ts';
import { startMuteServer } from '../support/mute-server.ts';
import { AZURITE, startAzurite, type AzureServer } from '../support/servers/azurite.ts';
import { FAKE_GCS, startFakeGcs, type GcsServer } from '../support/servers/gcs.ts';
import { describeWithServer, freePort } from '../support/servers/real-server.ts';
import { startVersitygw, VERSITYGW, type S3Server } from '../support/servers/versitygw.ts';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'reconcile-machine-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Delivered, with a doctor that is content, and not a word of a secret. */
function expectEntered(ended: Delivered): void {
  expect(ended, ended.said).toMatchObject({ code: 0, equal: true });
  expect(ended.doctor?.code, ended.doctor?.said).toBe(0);
  expect(`${ended.said} ${ended.doctor?.said}`).not.toContain('canary');
}

/** Nothing landed; doctor and the run both say these words, soon. */
function expectTold(ended: Delivered, ...words: readonly string[]): void {
  expect(ended, ended.said).toMatchObject({ code: 1, equal: undefined, doctor: { code: 1 } });
  for (const word of words) {
    expect(ended.said).toContain(word);
    expect(ended.doctor?.said).toContain(word);
  }
  expect(`${ended.said} ${ended.doctor?.said}`).not.toContain('canary');
  expect(ended.tookMs).toBeLessThan(60_000);
}

/** As https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html says: nothing without a token, which a PUT with a lifetime gives. */
const ec2Metadata = (keys: (asked: number) => object): Promise<LoginServer> => {
  let asked = 0;
  return startLoginServer(({ method, path, headers }): LoginAnswer => {
    if (method === 'PUT' && path === '/latest/api/token') {
      const seconds = Number(headers['x-aws-ec2-metadata-token-ttl-seconds']);
      return seconds >= 1 && seconds <= 21_600 ? { body: 'metadata-token-canary', type: 'text/plain' } : { status: 400, body: '' };
    }
    if (headers['x-aws-ec2-metadata-token'] !== 'metadata-token-canary') return { status: 401, body: '' };
    if (path === '/latest/meta-data/iam/security-credentials/') return { body: 'letters-role', type: 'text/plain' };
    if (path !== '/latest/meta-data/iam/security-credentials/letters-role') return { status: 404, body: '' };
    return { body: JSON.stringify({ Code: 'Success', Type: 'AWS-HMAC', LastUpdated: new Date().toISOString(), Token: '', ...keys((asked += 1)) }) };
  });
};
const endsIn = (minutes: number): { readonly Expiration: string } => ({ Expiration: new Date(Date.now() + minutes * 60_000).toISOString() });
const nothing = (): LoginAnswer => ({ status: 404, body: '{}' });
const machine = (url: string): Env => ({ METADATA_SERVER_DETECTION: '', GCE_METADATA_HOST: new URL(url).host });

describeWithServer('the metadata of EC2', VERSITYGW, () => {
  let server: S3Server;
  let prefixes = 0;
  beforeAll(async () => {
    server = await startVersitygw({ accounts: true });
    await server.addAccount('second-key-tests', 'second-secret-canary');
  });
  afterAll(() => server[Symbol.asyncDispose]());
  const delivery = (metadata: string, endpoint = server.endpoint): Delivery => {
    const spec: StorageSpec = {
      type: 's3',
      bucket: server.bucket,
      prefix: `machine-${(prefixes += 1)}`,
      region: server.region,
      endpoint: server.endpoint,
      forcePathStyle: true,
    };
    return {
      type: 'amazon-s3',
      spec: { ...spec, endpoint },
      direct: { ...spec, accessKeyId: { env: 'ID' }, secretAccessKey: { env: 'KEY' } },
      env: { AWS_EC2_METADATA_DISABLED: '', AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata },
      secrets: { ID: server.accessKeyId, KEY: server.secretAccessKey },
      doctor: true,
    };
  };
  const first = (): object => ({ AccessKeyId: server.accessKeyId, SecretAccessKey: server.secretAccessKey });

  it('gives the keys of the role, for as long as they hold', async () => {
    await using given = await ec2Metadata(() => ({ ...first(), ...endsIn(360) }));

    expectEntered(await deliver(delivery(given.url)));

    const kinds = given.requests.map(({ method, path }) => `${method} ${path.split('/').at(-1)}`);
    // Once by doctor and once by the run.
    expect(kinds).toEqual(['PUT token', 'GET ', 'GET letters-role', 'PUT token', 'GET ', 'GET letters-role']);
  }, 120_000);

  it('is asked again when they are about to end, and what it then gives is used', async () => {
    // The first pair ends within minutes: the SDK may use it or not, but has to ask again.
    let renewed = 0;
    await using given = await ec2Metadata((asked) => {
      if (asked === 1) return { ...first(), ...endsIn(2) };
      renewed += 1;
      return { AccessKeyId: 'second-key-tests', SecretAccessKey: 'second-secret-canary', ...endsIn(360) };
    });
    await using proxy = await startFaultProxy(server.port);

    const ended = await deliver({ ...delivery(given.url, proxy.url), doctor: false });

    expect(ended, ended.said).toMatchObject({ code: 0, equal: true });
    expect(ended.said).not.toContain('canary');
    const pairs = proxy.heads.map((head) => /Credential=([^/]+)/.exec(head)?.[1]);
    expect(pairs.at(-1)).toBe('second-key-tests');
    expect(pairs.slice(pairs.indexOf('second-key-tests'))).not.toContain(server.accessKeyId);
    expect(renewed).toBe(1);
  }, 120_000);

  it('whose keys the store refuses', async () => {
    await using given = await ec2Metadata(() => ({ AccessKeyId: server.accessKeyId, SecretAccessKey: 'wrong-canary', ...endsIn(360) }));

    expectTold(await deliver(delivery(given.url)), 'secret access key is wrong');
  }, 120_000);

  it('that is not there, does not answer, or has no role: what to do is told, soon', async () => {
    await using mute = await startMuteServer();
    await using bare = await startLoginServer(({ method }) => (method === 'PUT' ? { body: 'metadata-token-canary' } : { status: 404, body: '' }));
    const urls = [`http://127.0.0.1:${await freePort()}`, mute.url, bare.url];
    for (const ended of await Promise.all(urls.map((url) => deliver(delivery(url))))) {
      expectTold(ended, 'no credentials were found', 'storage.accessKeyId', 'its metadata server');
    }
  }, 240_000);
});

describeWithServer('the machine and workloads of Google', FAKE_GCS, () => {
  let server: GcsServer;
  let certificate: Certificate;
  beforeAll(async () => {
    certificate = await makeCertificate(folder, ['storage.googleapis.com', 'sts.googleapis.com', 'iamcredentials.googleapis.com']);
    server = await startFakeGcs('https://storage.googleapis.com');
  });
  afterAll(() => server[Symbol.asyncDispose]());
  const delivery = (prefix: string, front: string, env: Env, files: Readonly<Record<string, string>> = {}, more: object = {}): Delivery => ({
    type: 'google-cloud-storage',
    spec: { type: 'gcs', bucket: server.bucket, prefix, ...more },
    direct: { type: 'gcs', bucket: server.bucket, prefix, endpoint: server.endpoint },
    env: { NODE_EXTRA_CA_CERTS: certificate.certFile, HTTPS_PROXY: front, NO_PROXY: '127.0.0.1', NODE_USE_ENV_PROXY: '1', ...env },
    files,
    doctor: true,
  });
  const letIn = 'Bearer access-canary';
  /** Google's store, before the emulator: lets in who shows the token; its other services answer as `other` says. */
  const google = (other: (host: string, path: string, body: string, authorization: unknown) => LoginAnswer): Promise<LoginServer> =>
    startLoginServer(({ host, path, headers, body }) => {
      if (!host.startsWith('storage.')) return other(host, path, body, headers['authorization']);
      return headers['authorization'] === letIn ? { passTo: server.port } : { status: 401, body: '{"error":{"message":"Invalid Credentials"}}' };
    }, certificate);

  it('takes the service account of the machine, from its metadata server', async () => {
    await using front = await google(nothing);
    await using metadata = await startLoginServer(({ path, headers }) => {
      if (headers['metadata-flavor'] !== 'Google') return { status: 403, body: 'no flavor' };
      return path.includes('/service-accounts/default/token')
        ? { body: JSON.stringify({ access_token: 'access-canary', expires_in: 3599, token_type: 'Bearer' }), headers: { 'Metadata-Flavor': 'Google' } }
        : { body: 'tests', type: 'text/plain', headers: { 'Metadata-Flavor': 'Google' } };
    });

    expectEntered(await deliver(delivery('machine', front.url, machine(metadata.url))));

    expect(metadata.requests.map(({ path }) => path)).toContainEqual(expect.stringMatching(/service-accounts\/default\/token\?scopes=.*devstorage/));
  }, 120_000);

  it('tells, soon, a metadata server that is down or mute, and one whose machine has no account', async () => {
    await using front = await google(nothing);
    await using mute = await startMuteServer();
    await using bare = await startLoginServer(({ path }) =>
      path.includes('/service-accounts/')
        ? { status: 404, body: 'not found', type: 'text/plain' }
        : { body: 'tests', type: 'text/plain', headers: { 'Metadata-Flavor': 'Google' } },
    );
    const urls = { down: `http://127.0.0.1:${await freePort()}`, mute: mute.url, bare: bare.url };
    const [down, silent, without] = await Promise.all(
      (['down', 'mute', 'bare'] as const).map((prefix) => deliver(delivery(prefix, front.url, machine(urls[prefix])))),
    );
    for (const ended of [down, silent]) expectTold(ended ?? expect.unreachable(), 'no credentials were found', 'metadata server');
    expectTold(without ?? expect.unreachable(), 'cannot log in to Google Cloud', 'service account');
  }, 400_000);

  const audience = '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/tests/providers/cluster';
  const account = 'https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/letters@tests.iam.gserviceaccount.com:generateAccessToken';
  const federated = (more: object = {}): string =>
    JSON.stringify({
      type: 'external_account',
      audience,
      subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      token_url: 'https://sts.googleapis.com/v1/token',
      credential_source: { file: join(folder, 'subject-token') },
      ...more,
    });
  /** Changes the workload's own token for one of Google's, and that for the service account's. */
  const exchange = (right: string): Promise<LoginServer> =>
    google((host, path, body, authorization) => {
      if (host.startsWith('sts.')) {
        const asked = new URLSearchParams(body);
        if (asked.get('subject_token') !== right || asked.get('audience') !== audience)
          return {
            status: 400,
            body: JSON.stringify({ error: 'invalid_grant', error_description: 'The given credential is rejected by the attribute condition.' }),
          };
        return {
          body: JSON.stringify({
            access_token: 'federated-canary',
            issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
            token_type: 'Bearer',
            expires_in: 3600,
          }),
        };
      }
      const mayAct = path.endsWith('/letters@tests.iam.gserviceaccount.com:generateAccessToken') && authorization === 'Bearer federated-canary';
      return mayAct
        ? { body: JSON.stringify({ accessToken: 'access-canary', expireTime: new Date(Date.now() + 3_600_000).toISOString() }) }
        : { status: 403, body: '{}' };
    });

  it.each(['default credential', 'storage.credentials'])(
    'changes the token of a workload for that of a service account: as %s',
    async (way) => {
      await writeFile(join(folder, 'subject-token'), 'subject-canary');
      await using front = await exchange('subject-canary');
      const files = { 'federated.json': federated({ service_account_impersonation_url: account }) };
      const given =
        way === 'storage.credentials'
          ? delivery('named', front.url, {}, files, { credentials: { file: 'federated.json' } })
          : delivery('default', front.url, { GOOGLE_APPLICATION_CREDENTIALS: 'PROJECT/federated.json' }, files);

      expectEntered(await deliver(given));

      const asked = new URLSearchParams(front.requests.find(({ host }) => host.startsWith('sts.'))?.body);
      expect(Object.fromEntries(asked)).toMatchObject({
        audience,
        subject_token: 'subject-canary',
        subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
      });
    },
    120_000,
  );

  it('tells a workload’s token that is refused, one that is not there, and a service that is down', async () => {
    await writeFile(join(folder, 'subject-token'), 'other-canary');
    const env = { GOOGLE_APPLICATION_CREDENTIALS: 'PROJECT/federated.json' };
    await using front = await exchange('subject-canary');
    const files = { 'federated.json': federated() };
    const gone = { 'federated.json': federated({ credential_source: { file: join(folder, 'gone') } }) };
    const nobody = { 'federated.json': federated({ token_url: `https://127.0.0.1:${await freePort()}/token` }) };
    const down = deliver({ ...delivery('down', front.url, env, nobody), doctor: 'beside' });
    const absent = deliver(delivery('gone', front.url, env, gone));
    expectTold(await deliver(delivery('refused', front.url, env, files)), 'the credentials were refused', 'attribute condition');
    expectTold(await absent, 'cannot log in to Google Cloud', 'credential_source');
    expectTold(await down, 'cannot log in to Google Cloud', 'refused');
  }, 400_000);
});

describeWithServer('the workload identity of Azure', AZURITE, () => {
  let server: AzureServer;
  let certificate: Certificate;
  beforeAll(async () => {
    certificate = await makeCertificate(folder, ['127.0.0.1', 'login.microsoftonline.com']);
    setDefaultCACertificates([...getCACertificates('default'), await readFile(certificate.certFile, 'utf8')]);
    server = await startAzurite({ certificate });
  });
  afterAll(() => server[Symbol.asyncDispose]());
  const delivery = (prefix: string, env: Env): Delivery => {
    const spec: StorageSpec = { type: 'azure-blob', container: server.container, prefix, url: server.url };
    const login = { NODE_EXTRA_CA_CERTS: certificate.certFile, NO_PROXY: '127.0.0.1', AZURE_TENANT_ID: TENANT, AZURE_CLIENT_ID: 'letters' };
    const direct: StorageSpec = { ...spec, accountKey: { env: 'KEY' } };
    // As the webhook of workload identity sets them in a pod.
    const pod = { AZURE_AUTHORITY_HOST: 'https://login.microsoftonline.com/', AZURE_FEDERATED_TOKEN_FILE: join(folder, 'federated-token') };
    return { type: 'azure-blob', spec, direct, env: { ...login, ...pod, ...env }, secrets: { KEY: server.key }, doctor: true };
  };
  const entra = (): Promise<LoginServer> =>
    startEntraId(certificate, {
      proof: 'client_assertion',
      value: 'assertion-canary',
      refusal: 'AADSTS700213: No matching federated identity record found.',
    });

  it('changes the token of the pod for one of Entra ID', async () => {
    await writeFile(join(folder, 'federated-token'), 'assertion-canary');
    await using front = await entra();

    expectEntered(await deliver(delivery('pod', { HTTPS_PROXY: front.url })));

    const asked = new URLSearchParams(front.requests.find(({ body }) => body !== '')?.body);
    expect(Object.fromEntries(asked)).toMatchObject({
      client_id: 'letters',
      client_assertion: 'assertion-canary',
      scope: 'https://storage.azure.com/.default',
    });
  }, 120_000);

  it('tells a token that is refused, one that is not there, and Entra ID that cannot be reached', async () => {
    await writeFile(join(folder, 'federated-token'), 'other-canary');
    await using front = await entra();
    const down = deliver({ ...delivery('down', { HTTPS_PROXY: `http://127.0.0.1:${await freePort()}` }), doctor: 'beside' });
    expectTold(
      await deliver(delivery('refused', { HTTPS_PROXY: front.url })),
      'was refused (AADSTS700213: No matching federated identity record found.)',
      'AZURE_FEDERATED_TOKEN_FILE',
    );

    const gone = { HTTPS_PROXY: front.url, AZURE_FEDERATED_TOKEN_FILE: join(folder, 'no-token') };
    expectTold(await deliver(delivery('gone', gone)), 'the default credential cannot read its token', 'AZURE_FEDERATED_TOKEN_FILE');

    expectTold(await down, 'cannot be reached', 'login.microsoftonline.com');
  }, 400_000);

  it('tells an identity of the machine that is down', async () => {
    const none = { AZURE_TENANT_ID: '', AZURE_CLIENT_ID: '', AZURE_FEDERATED_TOKEN_FILE: '', IDENTITY_HEADER: 'header-canary' };
    const endpoint = `http://127.0.0.1:${await freePort()}/token`;
    const given = { ...delivery('machine', { ...none, IDENTITY_ENDPOINT: endpoint }), doctor: 'beside' } as const;
    expectTold(await deliver(given), 'default credential', 'identity');
  }, 400_000);
});
