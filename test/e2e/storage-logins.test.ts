/** Logins that no secret of the manifest names: the default chain of each cloud and Google's service account, against what hands them out. */
import { generateKeyPairSync, verify } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { StorageSpec } from '../../src/model/generated/kinds.ts';
import { startEntraId, TENANT } from '../support/entra-id.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { azureToken, deliver, type Delivery, type Env } from '../support/login-delivery.ts';
import { makeCertificate, startLoginServer, type Certificate, type LoginServer } from '../support/login-server.ts';
import { AZURITE, startAzurite, type AzureServer } from '../support/servers/azurite.ts';
import { FAKE_GCS, startFakeGcs, type GcsServer } from '../support/servers/gcs.ts';
import { describeWithServer } from '../support/servers/real-server.ts';
import { startVersitygw, VERSITYGW, type S3Server } from '../support/servers/versitygw.ts';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'reconcile-logins-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

describeWithServer('the default chain of s3', VERSITYGW, () => {
  let server: S3Server;
  let prefixes = 0;
  beforeAll(async () => void (server = await startVersitygw()));
  afterAll(() => server[Symbol.asyncDispose]());
  const delivery = (env: Env, files: Readonly<Record<string, string>> = {}): Delivery => {
    const spec: StorageSpec = {
      type: 's3',
      bucket: server.bucket,
      prefix: `login-${(prefixes += 1)}`,
      region: server.region,
      endpoint: server.endpoint,
      forcePathStyle: true,
    };
    const direct: StorageSpec = { ...spec, accessKeyId: { env: 'ID' }, secretAccessKey: { env: 'KEY' } };
    return { type: 'amazon-s3', spec, direct, env, files, secrets: { ID: server.accessKeyId, KEY: server.secretAccessKey } };
  };
  const profile = (name: string, secret: string): string => `[${name}]\naws_access_key_id = ${server.accessKeyId}\naws_secret_access_key = ${secret}\n`;

  it('takes the keys of the environment', async () => {
    const env = { AWS_ACCESS_KEY_ID: server.accessKeyId, AWS_SECRET_ACCESS_KEY: server.secretAccessKey };

    expect(await deliver(delivery(env))).toMatchObject({ code: 0, equal: true });

    const wrong = await deliver(delivery({ ...env, AWS_SECRET_ACCESS_KEY: 'wrong-key-canary' }));
    expect(wrong).toMatchObject({ code: 1, equal: undefined, said: expect.stringContaining('secret access key is wrong') });
    expect(wrong.said).not.toContain('canary');
  }, 120_000);

  it('takes the profile of a shared file that is asked for', async () => {
    const credentials = `${profile('default', 'wrong-key-canary')}\n${profile('letters', server.secretAccessKey)}`;
    const env = { AWS_SHARED_CREDENTIALS_FILE: 'PROJECT/credentials', AWS_PROFILE: 'letters' };

    expect(await deliver(delivery(env, { credentials }))).toMatchObject({ code: 0, equal: true });
    expect(await deliver(delivery({ ...env, AWS_PROFILE: '' }, { credentials }))).toMatchObject({ code: 1, equal: undefined });
  }, 120_000);

  /** versitygw knows no temporary keys: with an empty token they are let in, and with one what was sent can be seen. */
  const expectRole = async (env: Env, setToken: (token: string) => void, files: Readonly<Record<string, string>> = {}): Promise<void> => {
    setToken('');
    const ended = await deliver(delivery(env, files));
    expect(ended, ended.said).toMatchObject({ code: 0, equal: true });
    expect(ended.said).not.toContain('canary');

    await using proxy = await startFaultProxy(server.port);
    setToken('session-canary');
    const given = delivery(env, files);
    const refused = await deliver({ ...given, spec: { ...given.spec, endpoint: proxy.url } as StorageSpec });
    expect(refused).toMatchObject({ code: 1, equal: undefined, said: expect.stringContaining('the session token is not valid') });
    expect(refused.said).not.toContain('canary');
    expect(proxy.heads.length).toBeGreaterThan(0);
    for (const head of proxy.heads) expect(head).toMatch(/^x-amz-security-token: session-canary$/im);
  };

  it('takes a role by web identity', async () => {
    let session = '';
    const expires = new Date(Date.now() + 3_600_000).toISOString();
    await using sts = await startLoginServer(() => {
      const keys = `<AccessKeyId>${server.accessKeyId}</AccessKeyId><SecretAccessKey>${server.secretAccessKey}</SecretAccessKey>`;
      const credentials = `<Credentials>${keys}<SessionToken>${session}</SessionToken><Expiration>${expires}</Expiration></Credentials>`;
      const result = `<AssumeRoleWithWebIdentityResult>${credentials}</AssumeRoleWithWebIdentityResult>`;
      const body = `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">${result}</AssumeRoleWithWebIdentityResponse>`;
      return { type: 'text/xml', body };
    });
    const env = {
      AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/letters',
      AWS_WEB_IDENTITY_TOKEN_FILE: 'PROJECT/token',
      AWS_ENDPOINT_URL_STS: sts.url,
      AWS_REGION: server.region,
    };

    await expectRole(env, (token) => (session = token), { token: 'web-token-canary' });

    const asked = new URLSearchParams(sts.requests[0]?.body);
    expect(Object.fromEntries(asked)).toMatchObject({ Action: 'AssumeRoleWithWebIdentity', RoleArn: env.AWS_ROLE_ARN, WebIdentityToken: 'web-token-canary' });
  }, 120_000);

  it('takes the role of a container', async () => {
    let session = '';
    const keys = { AccessKeyId: server.accessKeyId, SecretAccessKey: server.secretAccessKey, Expiration: new Date(Date.now() + 3_600_000).toISOString() };
    await using agent = await startLoginServer(() => ({ body: JSON.stringify({ ...keys, Token: session }) }));
    const env = { AWS_CONTAINER_CREDENTIALS_FULL_URI: `${agent.url}/role`, AWS_CONTAINER_AUTHORIZATION_TOKEN: 'pod-canary' };

    await expectRole(env, (token) => (session = token));

    expect(agent.requests[0]).toMatchObject({ path: '/role', headers: { authorization: 'pod-canary' } });
  }, 120_000);

  it('says what to do where it finds nothing', async () => {
    const ended = await deliver(delivery({}));

    expect(ended).toMatchObject({ code: 1, equal: undefined });
    expect(ended.said).toContain('no credentials were found');
    expect(ended.said).toContain('storage.accessKeyId');
  }, 120_000);
});

describeWithServer('the default credential of azure-blob', AZURITE, () => {
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
    const direct: StorageSpec = { ...spec, accountKey: { env: 'KEY' } };
    return { type: 'azure-blob', spec, direct, env: { NODE_EXTRA_CA_CERTS: certificate.certFile, ...env }, secrets: { KEY: server.key } };
  };

  it('takes the identity of the machine', async () => {
    await using given = await azureIdentity(azureToken(3_600_000));

    const ended = await deliver(delivery('identity', { IDENTITY_ENDPOINT: `${given.url}/token`, IDENTITY_HEADER: 'header-canary' }));

    expect(ended, ended.said).toMatchObject({ code: 0, equal: true });
    expect(ended.said).not.toContain('canary');
    expect(given.requests[0]).toMatchObject({ headers: { 'x-identity-header': 'header-canary' } });
    expect(given.requests[0]?.path).toContain(`resource=${encodeURIComponent('https://storage.azure.com')}`);
  }, 120_000);

  it('takes the service principal of the environment, and tells when it is refused', async () => {
    await using front = await startEntraId(certificate, {
      proof: 'client_secret',
      value: 'right-secret-canary',
      refusal: 'AADSTS7000215: Invalid client secret provided.',
    });
    const env = { HTTPS_PROXY: front.url, NO_PROXY: '127.0.0.1', AZURE_TENANT_ID: TENANT, AZURE_CLIENT_ID: 'letters' };

    const ended = await deliver(delivery('principal', { ...env, AZURE_CLIENT_SECRET: 'right-secret-canary' }));

    expect(ended, ended.said).toMatchObject({ code: 0, equal: true });
    const refused = await deliver(delivery('principal-wrong', { ...env, AZURE_CLIENT_SECRET: 'wrong-secret-canary' }));
    expect(refused).toMatchObject({ code: 1, equal: undefined });
    expect(refused.said).toContain('the login of the default credential was refused');
    expect(refused.said).toContain('AZURE_CLIENT_SECRET');
    expect(ended.said + refused.said).not.toContain('canary');
  }, 120_000);

  it('tells a token that the store refuses', async () => {
    const expired = azureToken(-3_600_000);
    await using given = await azureIdentity(expired);

    const ended = await deliver(delivery('expired', { IDENTITY_ENDPOINT: `${given.url}/token`, IDENTITY_HEADER: 'header' }));

    expect(ended).toMatchObject({ code: 1, equal: undefined, said: expect.stringContaining('refused the credentials') });
    expect(ended.said).not.toContain(expired);
    expect(given.requests.length).toBeGreaterThan(0);
  }, 120_000);

  it('says what to do where it finds nothing', async () => {
    const ended = await deliver(delivery('nobody', {}));

    expect(ended).toMatchObject({ code: 1, equal: undefined });
    expect(ended.said).toContain('the default credential found no login');
    expect(ended.said).toContain('AZURE_CLIENT_ID');
  }, 120_000);
});

describeWithServer('the logins of gcs', FAKE_GCS, () => {
  let server: GcsServer;
  let certificate: Certificate;
  const right = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const other = generateKeyPairSync('rsa', { modulusLength: 2048 });
  beforeAll(async () => {
    certificate = await makeCertificate(folder, ['storage.googleapis.com', 'www.googleapis.com', 'oauth2.googleapis.com']);
    server = await startFakeGcs('https://storage.googleapis.com');
  });
  afterAll(() => server[Symbol.asyncDispose]());
  const account = (pair: typeof right): string =>
    JSON.stringify({
      type: 'service_account',
      project_id: 'tests',
      private_key_id: 'one',
      private_key: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }),
      client_email: 'letters@tests.iam.gserviceaccount.com',
      token_uri: 'https://oauth2.googleapis.com/token',
    });
  /** Google, before the emulator: hands a token to who signs with the right key, and lets in who shows it. */
  const google = () =>
    startLoginServer(({ host, path, headers, body }) => {
      if (host.startsWith('storage.')) {
        return headers['authorization'] === 'Bearer token-canary'
          ? { passTo: server.port }
          : { status: 401, body: '{"error":{"message":"Invalid Credentials"}}' };
      }
      if (!path.endsWith('/token')) return { status: 404, body: '{}' };
      const [head = '', claims = '', signature = ''] = (new URLSearchParams(body).get('assertion') ?? '').split('.');
      const signed = verify('RSA-SHA256', Buffer.from(`${head}.${claims}`), right.publicKey, Buffer.from(signature, 'base64url'));
      return signed
        ? { body: JSON.stringify({ access_token: 'token-canary', expires_in: 3600, token_type: 'Bearer' }) }
        : { status: 400, body: JSON.stringify({ error: 'invalid_grant', error_description: 'Invalid JWT Signature.' }) };
    }, certificate);
  const delivery = (prefix: string, url: string, more: object, env: Env, files: Readonly<Record<string, string>>): Delivery => {
    const spec: StorageSpec = { type: 'gcs', bucket: server.bucket, prefix, ...more };
    return {
      type: 'google-cloud-storage',
      spec,
      direct: { type: 'gcs', bucket: server.bucket, prefix, endpoint: server.endpoint },
      env: { NODE_EXTRA_CA_CERTS: certificate.certFile, HTTPS_PROXY: url, NODE_USE_ENV_PROXY: '1', ...env },
      files,
    };
  };

  it('takes the file of a service account', async () => {
    await using front = await google();
    const file = { credentials: { file: 'account.json' } };

    const ended = await deliver(delivery('account', front.url, file, {}, { 'account.json': account(right) }));

    expect(ended, ended.said).toMatchObject({ code: 0, equal: true });
    expect(ended.said).not.toContain('canary');
    const refused = await deliver(delivery('refused', front.url, file, {}, { 'account.json': account(other) }));
    expect(refused).toMatchObject({ code: 1, equal: undefined, said: expect.stringContaining('the credentials were refused') });
    expect(refused.said).toContain('storage.credentials');
    expect(refused.said).not.toContain('PRIVATE KEY');
  }, 120_000);

  it('takes the default credential', async () => {
    await using front = await google();
    const env = { GOOGLE_APPLICATION_CREDENTIALS: 'PROJECT/account.json' };

    const ended = await deliver(delivery('default', front.url, {}, env, { 'account.json': account(right) }));

    expect(ended, ended.said).toMatchObject({ code: 0, equal: true });
    expect(front.requests.map(({ host }) => host)).toContain('storage.googleapis.com');
  }, 120_000);

  it('says what to do where there is no default credential', async () => {
    await using front = await google();

    const ended = await deliver(delivery('nobody', front.url, {}, {}, {}));

    expect(ended).toMatchObject({ code: 1, equal: undefined });
    expect(ended.said).toContain('no credentials were found');
    expect(ended.said).toContain('gcloud auth application-default login');
  }, 120_000);
});

/** The machine's identity, which hands out this token. */
function azureIdentity(access: string): Promise<LoginServer> {
  return startLoginServer(() => ({
    body: JSON.stringify({
      access_token: access,
      token_type: 'Bearer',
      resource: 'https://storage.azure.com',
      expires_on: `${Math.floor(Date.now() / 1000) + 3600}`,
    }),
  }));
}
