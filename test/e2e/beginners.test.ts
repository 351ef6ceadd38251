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
