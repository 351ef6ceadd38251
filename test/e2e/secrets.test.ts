import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { reconcile } from '../support/reconcile.ts';
import { createTempProject } from '../support/temp-project.ts';

const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const account = (privateKey: string): string => JSON.stringify({ type: 'service_account', client_email: 'a@b.example', private_key: privateKey });

/** By the name of the Destination: where its secret is read from, and what is said about it. */
const SECRETS: Readonly<Record<string, readonly [string, string, string]>> = {
  unset: ['{env: NO_SUCH_VARIABLE}', 'the environment variable `NO_SUCH_VARIABLE` is not set', 'export NO_SUCH_VARIABLE=…'],
  blank: ['{env: BLANK}', 'the environment variable `BLANK` is set and empty', 'export BLANK=…'],
  missing: ['{file: keys/none.json}', 'there is no secret file `keys/none.json`', 'is relative to the project'],
  empty: ['{file: keys/empty.json}', 'the secret file `keys/empty.json` is empty', 'write the secret into it'],
  folder: ['{file: keys/folder}', 'the secret file `keys/folder` cannot be read: it is a folder', 'name the file in it'],
  below: ['{file: keys/empty.json/x}', 'there is no secret file `keys/empty.json/x`', 'is relative to the project'],
  damaged: ['{file: keys/damaged.json}', 'the private key in the credentials of bucket `b` is damaged', 'give the whole file that “Create key” downloads'],
  escaped: ['{file: keys/escaped.json}', 'the private key in the credentials of bucket `b` is damaged', 'line breaks'],
};

test('a secret that cannot be read, and a key in it that is none, are told with what is wrong and what to do', async () => {
  const destinations = Object.entries(SECRETS).map(
    ([name, [ref]]) => `---
apiVersion: reconcile/v1
kind: Destination
metadata: {name: ${name}}
spec: {type: google-cloud-storage, storage: {type: gcs, bucket: b, endpoint: "http://127.0.0.1:1", credentials: ${ref}}}
`,
  );
  using project = createTempProject({
    'reconcile.yaml': 'apiVersion: reconcile/v1\nkind: Project\nmetadata: {name: secrets}\nspec: {}\n',
    'manifests/all.yaml': destinations.join(''),
    'keys/empty.json': '\n',
    'keys/damaged.json': account(`${key.slice(0, 200)}\n-----END PRIVATE KEY-----\n`),
    'keys/escaped.json': account(key.replaceAll('\n', String.raw`\n`)),
  });
  mkdirSync(join(project.directory, 'keys/folder'));

  const ended = await reconcile(['-C', project.directory, 'doctor', '--json'], { env: { BLANK: '' } });

  const { findings } = JSON.parse(ended.stdout) as { readonly findings: readonly { area: string; level: string; message: string; hint?: string }[] };
  for (const [name, [, message, hint]] of Object.entries(SECRETS)) {
    expect(findings.filter(({ area }) => area === `destination ${name}`)).toEqual([
      expect.objectContaining({ level: 'error', message: expect.stringContaining(message) as string, hint: expect.stringContaining(hint) as string }),
    ]);
  }
  expect(ended.stdout).not.toContain(key.slice(40, 90));
});
