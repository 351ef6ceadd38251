import { checkCardFile } from '../activation/check-card-file.ts';
import type { PointedProblem } from '../manifest/explain-schema-error.ts';
import { validateDestination } from '../manifest/generated/validators.js';
import { parseYaml } from '../manifest/parse-yaml.ts';
import type { DestinationCard } from '../model/destination-card.ts';
import type { DestinationSpec, DetailSchema } from '../model/generated/kinds.ts';
import { nearest } from '../support/nearest.ts';
import { checkDestination } from './check-destination.ts';
import { checkDetails } from './check-details.ts';

/** What the schema of cards cannot say: that the card agrees with itself, and that its example is one. */
export function checkCard(card: DestinationCard, type: string): readonly PointedProblem[] {
  const problems: PointedProblem[] = [];
  const refuse = (pointer: string, message: string, hint?: string): void => {
    problems.push({ code: 'RC1350', pointer, part: 'value', message, ...(hint === undefined ? {} : { hint }) });
  };
  if (card.type !== type)
    refuse('/type', `the card’s type is \`${card.type}\`, but its place says \`${type}\``, `rename the folder, or write \`type: ${type}\``);
  const details = card.details?.properties ?? {};
  const known = (pointer: string, key: string | undefined): void => {
    if (key === undefined || Object.hasOwn(details, key)) return;
    const near = nearest(key, Object.keys(details));
    refuse(pointer, `\`${key}\` is not among \`details.properties\``, near === undefined ? undefined : `did you mean \`${near}\`?`);
  };
  for (const [index, key] of (card.details?.required ?? []).entries()) known(`/details/required/${index}`, key);
  for (const [key, detail] of Object.entries(details)) checkDetail(detail, `/details/properties/${key}`, refuse);
  for (const [name, limit] of Object.entries(card.limits ?? {})) {
    if ('raisedBy' in limit) known(`/limits/${name}/raisedBy`, limit.raisedBy);
    if ('instance' in limit) known(`/limits/${name}/instance`, limit.instance);
  }
  checkPattern(card.mapping?.targetPattern, '/mapping/targetPattern', refuse);
  if (card.import !== undefined && card.connector === undefined) refuse('/import', '`import` needs a `connector`: files alone tell nobody');
  if (card.storage.default !== undefined && !card.storage.kinds.includes(card.storage.default.type)) {
    refuse('/storage/default', `the default is \`${card.storage.default.type}\`, which is not among \`storage.kinds\``);
  }
  const { defaults, fixed, formats } = card.file ?? {};
  if (fixed?.format === undefined && defaults?.format === undefined && formats?.includes('csv') === false) {
    refuse('/file', 'files are `csv` where nobody says otherwise, which is not among `file.formats`', 'set `file.defaults.format`');
  } else problems.push(...checkCardFile(card));
  const column = card.mapping?.statusColumn?.name;
  if (column !== undefined && problems.length === 0 && !fitsPattern(column, card.mapping?.targetPattern)) {
    refuse('/mapping/statusColumn/name', `\`${column}\` does not match \`mapping.targetPattern\``);
  }
  if (problems.length === 0) problems.push(...checkExample(card));
  return problems;
}

type Refuse = (pointer: string, message: string, hint?: string) => void;

function checkDetail(detail: DetailSchema, pointer: string, refuse: Refuse): void {
  if ((detail.type === undefined) !== (detail.secret === true)) refuse(pointer, 'a detail has either a `type` or `secret: true`');
  if (checkPattern(detail.pattern, `${pointer}/pattern`, refuse)) checkShown(detail, pointer, refuse);
  checkPattern(detail.secretKeys, `${pointer}/secretKeys`, refuse);
  if (detail.items !== undefined) checkDetail(detail.items, `${pointer}/items`, refuse);
  if (detail.additionalProperties !== undefined) checkDetail(detail.additionalProperties, `${pointer}/additionalProperties`, refuse);
  for (const [key, child] of Object.entries(detail.properties ?? {})) checkDetail(child, `${pointer}/properties/${key}`, refuse);
}

/** What is printed as a value of the detail is one. */
function checkShown(detail: DetailSchema, pointer: string, refuse: Refuse): void {
  const shown = [
    ...(detail.default === undefined ? [] : [['default', detail.default] as const]),
    ...(detail.examples ?? []).map((value, index) => [`examples/${index}`, value] as const),
  ];
  for (const [place, value] of detail.secret === true ? [] : shown) {
    const [problem] = checkDetails(detail, value, '', place.replace(/\/(.*)/, '[$1]'));
    if (problem !== undefined) refuse(`${pointer}/${place}`, problem.message, problem.hint);
  }
}

function fitsPattern(text: string, pattern: string | undefined): boolean {
  return pattern === undefined || new RegExp(pattern, 'u').test(text);
}

/** False for what is no pattern. */
function checkPattern(pattern: string | undefined, pointer: string, refuse: Refuse): boolean {
  if (pattern === undefined) return true;
  try {
    void new RegExp(pattern, 'u');
    return true;
  } catch {
    refuse(pointer, `\`${pattern}\` is not a regular expression`);
    return false;
  }
}

/** The example is what people copy: it must hold by the schema and by the card itself. */
function checkExample(card: DestinationCard): readonly PointedProblem[] {
  const { documents, problems } = parseYaml(card.example);
  if (problems[0] !== undefined) return wrongExample(`is not YAML: ${problems[0].message}`);
  const example = documents[0]?.value as { readonly spec?: DestinationSpec } | undefined;
  if (documents.length !== 1 || !validateDestination(example)) return wrongExample('is not one Destination manifest');
  if (example?.spec?.type !== card.type) return wrongExample(`has another type than \`${card.type}\``);
  const found = checkDestination(card, example.spec)[0];
  return found === undefined ? [] : wrongExample(`does not hold: ${found.message} (${found.pointer})`);
}

function wrongExample(message: string): readonly PointedProblem[] {
  return [{ code: 'RC1350', pointer: '/example', part: 'key', message: `the example ${message}` }];
}
