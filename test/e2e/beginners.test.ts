import { expect, test } from 'vitest';
import { reconcile } from '../support/reconcile.ts';
import { createTempProject } from '../support/temp-project.ts';

const HEAD = 'apiVersion: reconcile/v1\nkind: Segment\nmetadata: {name: zz}\n';
const NAMED = (name: string): string => `${HEAD.replace('zz', () => name)}spec: {attributes: customer, pql: homeOwner = true}\n`;
const FOLDER = (path: string): string =>
  `apiVersion: reconcile/v1\nkind: Destination\nmetadata: {name: zz}\nspec:\n  type: local-directory\n  storage: {type: local, path: ${path}}\n`;
const ACTIVATION = (rest: string): string =>
  `apiVersion: reconcile/v1\nkind: Activation\nmetadata: {name: zz}\nspec:\n  destination: outbox\n  segments: [wealthy-owners]\n  mapping: [{source: identityMap.crmId, target: id}]\n  export: full\n${rest}`;

/** What people write who are new to YAML or to these manifests, where the mistake is, and what helps when it is done as it is said. */
test.each<[name: string, manifest: string, place: string, message: RegExp, hint: RegExp]>([
  ['a key too deep', `${HEAD}spec:\n  attributes: customer\n   pql: homeOwner = true\n`, '6:4', /deeper than line 5/, /indent both alike, with 2 spaces/],
  ['keys not indented', `${HEAD}spec:\nattributes: customer\npql: homeOwner = true\n`, '4:1', /`spec` must be a map, found nothing/, /indent the lines/],
  ['a colon inside { }', `${HEAD}spec: {attributes: customer, pql: homeAddress.countryCode = "a: b"}\n`, '4:35', /holds `: `/, /quotes/],
  ['a text that goes on after its quote', `${HEAD}spec:\n  attributes: customer\n  pql: "a" = "b"\n`, '6:12', /ends with the quote/, /behind `\|`/],
  ['a merge that git left half done', `<<<<<<< HEAD\n${HEAD}=======\n>>>>>>> other\n`, '1:1', /merge/, /keep one side/],
  ['a template of Helm', `${HEAD}spec: {attributes: {{ name }}, pql: homeOwner = true}\n`, '4:21', /a key must be a text/, /"\$\{var\.NAME\}"/],
  ['zeros before a number', NAMED('0123'), '3:18', /must be a text/, /"0123"/],
  ['capitals in a name', NAMED('German_Buyers'), '3:18', /cannot be `German_Buyers`/, /did you mean `german-buyers`/],
  ['a shell’s variable', NAMED('$WHO'), '3:18', /cannot be `\$WHO`/, /did you mean `"\$\{var\.WHO\}"`/],
  ['yes', ACTIVATION('  suspend: yes\n'), '9:12', /true or false/, /write `true`/],
  ['a number with a sign', ACTIVATION('  guards: {maxRemovedPercent: 10%}\n'), '9:31', /must be a number/, /without quotes: 10$/],
  ['one instead of a list', ACTIVATION('').replace('[wealthy-owners]', 'wealthy-owners'), '6:13', /must be a list/, /\[wealthy-owners\]/],
  ['a variable of another tool', FOLDER('"${HOME}/out"'), '6:33', /`\$\{HOME\}` is taken as it stands/, /"\$\{var\.HOME\}"/],
  ['a variable of a shell', FOLDER('out/$TEAM/x'), '6:36', /`\$TEAM` is taken as it stands/, /"\$\{var\.TEAM\}"/],
  [
    'a variable in PQL',
    `${HEAD}spec: {attributes: customer, pql: 'homeAddress.countryCode = "\${COUNTRY}"'}\n`,
    '4:63',
    /taken as it stands/,
    /"\$\{var\.COUNTRY\}"/,
  ],
])('%s', async (_, manifest, place, message, hint) => {
  using project = createTempProject();
  await reconcile(['init', project.directory]);
  project.write('manifests/x.yaml', manifest);
  const { stdout } = await reconcile(['-C', project.directory, 'validate', '--json']);
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: { file: string; line: number; column: number; message: string; hint?: string }[] };
  const [first] = diagnostics;

  expect(`${first?.line}:${first?.column}`).toBe(place);
  expect(first?.message).toMatch(message);
  expect(first?.hint).toMatch(hint);
});

const PEOPLE = `apiVersion: reconcile/v1
kind: Attributes
metadata: {name: person}
spec:
  source: shop
  dataset: customers
  identities: {crmId: {column: customer_id, primary: true}}
  fields:
    name: {column: first_name, type: object, fields: {first: string}}
    orders: {column: email, type: array, items: {type: object, fields: {sku: string}}}
    points: {column: email, type: map, values: integer}
---
apiVersion: reconcile/v1
kind: Segment
metadata: {name: named}
spec: {attributes: person, pql: name.first != "x"}
---
apiVersion: reconcile/v1
kind: Destination
metadata: {name: campaign}
spec:
  type: adobe-campaign-managed-services
  details: {instance: acme_mkt_prod1, targetMapping: mapRecipient}
  storage: {type: local, path: out/campaign}
---
`;
const MAPPING = (destination: string, entry: string): string =>
  `${PEOPLE}${ACTIVATION('').replace('outbox', destination).replace('wealthy-owners', 'named').replace('target: id}]', `target: id}, ${entry}]`)}`;
const ENDPOINT = (rest: string): string =>
  `apiVersion: reconcile/v1\nkind: Destination\nmetadata: {name: zz}\nspec:\n  type: http-api\n  connection: {url: "https://api.example.com/x", auth: {type: bearer, token: {env: T}}}\n  details: ${rest}\n`;

/** What was taken in silence, or told without what helps. */
test.each<[name: string, manifest: string, code: string, message: RegExp, hint: RegExp]>([
  ['a part of an object', MAPPING('outbox', '{source: name.first}'), 'RC1340', /no `name.first`/, /write `expression: name.first`/],
  ['a part of an array', MAPPING('outbox', '{source: orders.sku}'), 'RC1340', /no `orders.sku`/, /write `expression: orders.map\(sku\)`/],
  ['a key of a map', MAPPING('outbox', '{source: points.shoes}'), 'RC1340', /no `points.shoes`/, /write `expression: points.get\("shoes"\)`/],
  ['a calculated array where none is taken', MAPPING('campaign', '{expression: orders.map(sku), target: skus}'), 'RC1347', /takes no arrays/, /one value/],
  ['a login among the headers', ENDPOINT('{headers: {authorization: Bearer canary}}'), 'RC1403', /details.headers.authorization/, /connection.auth/],
  ['a key among the headers', ENDPOINT('{headers: {X-Api-Key: canary}}'), 'RC1403', /details.headers.X-Api-Key/, /connection.auth/],
  [
    'a policy that is no draft on purpose',
    'apiVersion: reconcile/v1\nkind: Policy\nmetadata: {name: p}\nspec: {type: data-usage, marketingActions: [a], deny: {label: C2}}\n',
    'RC1311',
    /forbids nothing/,
    /`enabled: false`/,
  ],
])('%s', async (_, manifest, code, message, hint) => {
  using project = createTempProject();
  await reconcile(['init', project.directory]);
  project.write('manifests/x.yaml', manifest);
  const { stdout, stderr } = await reconcile(['-C', project.directory, 'validate', '--json']);
  const text = await reconcile(['-C', project.directory, 'validate']);
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: { code: string; message: string; hint?: string }[] };

  expect(diagnostics).toHaveLength(1);
  expect(diagnostics[0]?.code).toBe(code);
  expect(diagnostics[0]?.message).toMatch(message);
  expect(diagnostics[0]?.hint).toMatch(hint);
  expect(stdout + stderr + text.stderr).not.toContain('canary');
});
