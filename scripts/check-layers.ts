/**
 * Checks that imports go downwards only (src/README.md) and that layers 0 and 1 touch no file, network, process, clock or randomness.
 * Reads every file with a real parser and fails when it has looked at fewer files than there are.
 */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync, Visitor } from 'oxc-parser';

type Layer = 0 | 1 | 2 | 3 | 4;
const ROOMS: Readonly<Record<string, Layer>> = {
  model: 0,
  support: 0,
  sql: 0,
  manifest: 1,
  segment: 1,
  activation: 1,
  schedule: 1,
  plan: 1,
  engine: 2,
  state: 2,
  storage: 2,
  destination: 2,
  validate: 3,
  apply: 3,
  export: 3,
  watch: 3,
  doctor: 3,
  cli: 4,
  'compose.ts': 4,
  'bin.ts': 4,
};

/** What a pure room may not name, and what to do instead. */
const OUTSIDE_MODULES =
  /^(node:)?(fs|fs\/promises|net|http|https|tls|dgram|dns|child_process|worker_threads|process|os|timers|timers\/promises|readline|sqlite)$/;
/** `module`: a library that few need is required when it is. */
const PURE_BUILTINS = /^node:(crypto|path|util|buffer|url|string_decoder|module)$/;
const OUTSIDE_GLOBALS: Readonly<Record<string, ReadonlySet<string>>> = {
  Date: new Set(['now']),
  Math: new Set(['random']),
  performance: new Set(['now']),
  crypto: new Set(['randomUUID', 'getRandomValues']),
};
const OUTSIDE_NAMES = new Set(['process', 'fetch', 'setTimeout', 'setInterval', 'setImmediate', 'console']);

const root = fileURLToPath(new URL('..', import.meta.url));
const files = globSync(['src/**/*.ts', 'destinations/**/*.ts'], { cwd: root }).sort();
const problems: string[] = [];
let looked = 0;

for (const file of files) {
  const text = readFileSync(join(root, file), 'utf8');
  const parsed = parseSync(file, text);
  if (parsed.errors.length > 0) {
    problems.push(`${file}: cannot be parsed: ${parsed.errors[0]?.message ?? ''}`);
    continue;
  }
  looked += 1;
  const room = roomOf(file);
  if (room === undefined) {
    problems.push(`${file}: stands in no room of src/README.md; put it into one, or add the room there and in scripts/check-layers.ts`);
    continue;
  }
  checkFile(file, room, text, parsed);
}

if (looked !== files.length || files.length === 0) problems.push(`looked at ${looked} of ${files.length} files`);
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.stdout.write(`layers: ${looked} files, ${problems.length} problems\n`);
process.exitCode = problems.length === 0 ? 0 : 1;

interface Room {
  readonly name: string;
  readonly layer: Layer;
}

function roomOf(file: string): Room | undefined {
  const [top, name = ''] = file.split('/');
  if (top === 'destinations') return { name: `destinations/${name}`, layer: 2 };
  const layer = ROOMS[name];
  return layer === undefined ? undefined : { name, layer };
}

function checkFile(file: string, room: Room, text: string, parsed: ReturnType<typeof parseSync>): void {
  const at = (offset: number): string => `${file}:${text.slice(0, offset).split('\n').length}`;
  const see = (specifier: string, offset: number, typeOnly: boolean): void => {
    const problem = judgeImport(file, room, specifier, typeOnly);
    if (problem !== undefined) problems.push(`${at(offset)}: ${problem}`);
  };
  for (const entry of parsed.module.staticImports)
    see(entry.moduleRequest.value, entry.start, entry.entries.length > 0 && entry.entries.every((one) => one.isType));
  for (const entry of parsed.module.staticExports) {
    for (const one of entry.entries) if (one.moduleRequest) see(one.moduleRequest.value, entry.start, one.isType);
  }
  for (const entry of parsed.module.dynamicImports) {
    const request = text.slice(entry.moduleRequest.start, entry.moduleRequest.end);
    const literal = /^['"`]([^'"`$]+)['"`]$/.exec(request);
    if (literal?.[1] !== undefined) see(literal[1], entry.start, false);
    else if (room.layer < 2) problems.push(`${at(entry.start)}: a computed import in a pure room`);
  }
  if (room.layer < 2) checkPurity(parsed, (offset, what) => problems.push(`${at(offset)}: ${what} in a pure room; take it as an argument`));
}

function judgeImport(file: string, room: Room, specifier: string, typeOnly: boolean): string | undefined {
  if (!specifier.startsWith('.')) {
    if (room.layer < 2 && !typeOnly && (OUTSIDE_MODULES.test(specifier) || (specifier.startsWith('node:') && !PURE_BUILTINS.test(specifier)))) {
      return `\`${specifier}\` in a pure room; hand in what it gives`;
    }
    return undefined;
  }
  const target = relative('.', normalize(join(dirname(file), specifier)));
  if (target === 'package.json' || target.startsWith('schemas/') || target.endsWith('.json')) return undefined;
  const other = roomOf(target);
  if (other === undefined) return `\`${specifier}\` leads out of the house`;
  if (other.name === room.name) return undefined;
  if (other.layer > room.layer) return `\`${room.name}\` (layer ${room.layer}) imports \`${other.name}\` (layer ${other.layer}): imports go downwards only`;
  if (other.layer === room.layer && (room.layer === 1 || room.layer === 2)) {
    // A port is a shape: a neighbour of layer 2 may speak of it, never call it.
    if (room.layer === 2 && typeOnly) return undefined;
    if (room.name.startsWith('destinations/') && other.name === 'destination') return undefined;
    return `\`${room.name}\` imports its neighbour \`${other.name}\`: what both need is joined in layer 3 and handed in`;
  }
  return undefined;
}

function checkPurity(parsed: ReturnType<typeof parseSync>, report: (offset: number, what: string) => void): void {
  new Visitor({
    MemberExpression(node) {
      if (node.object.type !== 'Identifier' || node.property.type !== 'Identifier' || node.computed) return;
      if (OUTSIDE_GLOBALS[node.object.name]?.has(node.property.name) === true) report(node.start, `\`${node.object.name}.${node.property.name}\``);
      else if (OUTSIDE_NAMES.has(node.object.name)) report(node.start, `\`${node.object.name}\``);
    },
    CallExpression(node) {
      if (node.callee.type === 'Identifier' && OUTSIDE_NAMES.has(node.callee.name)) report(node.start, `\`${node.callee.name}()\``);
    },
    NewExpression(node) {
      if (node.callee.type === 'Identifier' && node.callee.name === 'Date' && node.arguments.length === 0) report(node.start, '`new Date()`');
    },
  }).visit(parsed.program);
}
