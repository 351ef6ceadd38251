import { Ajv2020 } from 'ajv/dist/2020.js';
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { reconcile, ROOT } from '../support/reconcile.ts';
import { createTempProject } from '../support/temp-project.ts';

test('init makes a project that is valid and formatted, and overwrites nothing', async () => {
  using project = createTempProject({ '.gitignore': 'mine\n' });
  const made = await reconcile(['init', project.directory]);
  const valid = await reconcile(['-C', project.directory, 'validate', '--json']);
  const formatted = await reconcile(['-C', project.directory, 'fmt', '--check']);
  const again = await reconcile(['init', project.directory]);

  expect(made).toMatchObject({ code: 0, stderr: '' });
  expect(project.read('.gitignore')).toBe('mine\n.reconcile/\nout/\n');
  expect([valid.code, JSON.parse(valid.stdout)]).toEqual([0, { ok: true, diagnostics: [] }]);
  expect(formatted).toMatchObject({ code: 0, stdout: '' });
  expect(again.code).toBe(1);
  expect(again.stderr).toContain('`reconcile.yaml`');
});

test('the starter project runs at once: apply, an empty second plan, files', async () => {
  using project = createTempProject();
  const at = ['-C', project.directory, '--no-input'];
  await reconcile(['init', project.directory]);
  const applied = await reconcile([...at, 'apply', '--auto-approve']);
  const again = await reconcile([...at, 'plan', '--detailed-exitcode']);
  const ran = await reconcile([...at, 'run', 'newsletter', '--json']);
  const { runs } = JSON.parse(ran.stdout) as { runs: { segment: string; status: string; files: { path: string }[] }[] };
  const ids = Object.fromEntries(
    runs.map(({ segment, files }) => [
      segment,
      project
        .read(join('out', files[0]?.path ?? ''))
        .split('\n')
        .slice(1, -1)
        .map((row) => row.split(',')[0]),
    ]),
  );

  expect([applied.code, again.code, ran.code]).toEqual([0, 0, 0]);
  // Frank (1006) has no first name, which is mandatory.
  expect(ids).toEqual({ 'german-recent-buyers': ['1001', '1002', '1004'], 'wealthy-owners': ['1001', '1003', '1005', '1008', '1010'] });
});

test('validate: exit 8, all mistakes on stderr or as one JSON document', async () => {
  using project = createTempProject();
  await reconcile(['init', project.directory]);
  project.write('manifests/x.yaml', 'kind: Segment\n  broken: [');
  project.write('manifests/y.yaml', 'apiVersion: reconcile/v1\nkind: Segmet\n');
  const text = await reconcile(['-C', project.directory, 'validate']);
  const json = await reconcile(['validate', '-C', project.directory, '--json']);
  const { ok, diagnostics } = JSON.parse(json.stdout) as {
    ok: boolean;
    diagnostics: { file: string; line: number; column: number; code: string; severity: string; message: string; hint?: string }[];
  };

  expect(text).toMatchObject({ code: 8, stdout: '' });
  expect(text.stderr).toContain('--> manifests/x.yaml:');
  expect(text.stderr).toContain('did you mean `Segment`?');
  expect(text.stderr).not.toContain('    at ');
  expect(json.code).toBe(8);
  expect(ok).toBe(false);
  expect(diagnostics.map(({ file, line }) => `${file}:${line}`)).toEqual(['manifests/x.yaml:2', 'manifests/x.yaml:2', 'manifests/y.yaml:2']);
  for (const one of diagnostics)
    expect(one).toMatchObject({ code: expect.stringMatching(/^RC\d{4}$/) as string, severity: 'error', column: expect.any(Number) as number });
});

test('no project: exit 8; unknown environment: exit 64', async () => {
  using project = createTempProject();

  expect(await reconcile(['-C', project.directory, 'validate'])).toMatchObject({ code: 8 });
  await reconcile(['init', project.directory]);
  expect(await reconcile(['-C', project.directory, '--env', 'nope', 'validate'])).toMatchObject({ code: 64 });
});

test('schema: JSON Schema 2020-12 that takes the starter project and refuses a mistake', async () => {
  using project = createTempProject();
  await reconcile(['init', project.directory]);
  const { stdout, code } = await reconcile(['schema']);
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  const validate = ajv.compile(JSON.parse(stdout) as object);

  expect(code).toBe(0);
  for (const path of ['reconcile.yaml', 'manifests/shop.yaml', 'manifests/segments.yaml', 'manifests/newsletter.yaml']) {
    for (const document of parseAllDocuments(project.read(path))) expect([path, validate(document.toJS()), validate.errors]).toEqual([path, true, null]);
  }
  expect(validate(parse('{apiVersion: reconcile/v1, kind: Segment, metadata: {name: x}, spec: {attributes: c, pgl: x}}'))).toBe(false);
  expect(
    validate(
      parse(
        '{apiVersion: reconcile/v1, kind: Activation, metadata: {name: x}, spec: {destination: d, segments: [a], mapping: [{source: a}], file: {maxRows: "${var.rows}"}}}',
      ),
    ),
  ).toBe(true);
  expect(JSON.parse((await reconcile(['schema', 'segment'])).stdout)).toMatchObject({ title: 'Segment' });
  expect(await reconcile(['schema', 'Segmant'])).toMatchObject({ code: 64, stderr: expect.stringContaining('did you mean `Segment`?') as string });
});

test('schema DestinationCard: takes the cards that are shipped, refuses a mistake, and knows no variables', async () => {
  const { stdout, code } = await reconcile(['schema', 'destinationcard']);
  const validate = new Ajv2020({ strict: false, allErrors: true }).compile(JSON.parse(stdout) as object);
  const cards = globSync('destinations/*/destination.yaml', { cwd: ROOT });

  expect(code).toBe(0);
  expect(cards.length).toBeGreaterThan(9);
  const contents = cards.map((path) => parse(readFileSync(join(ROOT, path), 'utf8')) as object);
  expect(contents.map((card, index) => [cards[index], validate(card), validate.errors])).toEqual(cards.map((path) => [path, true, null]));
  expect(validate({ ...contents[0], categry: 'other' })).toBe(false);
  expect(validate({ ...contents[0], category: '${var.category}' })).toBe(false);
});

test('completion: bash completes commands, options and kinds', async () => {
  using project = createTempProject();
  const script = join(project.directory, 'reconcile.bash');
  writeFileSync(script, (await reconcile(['completion', 'bash'])).stdout);
  const complete = (...words: string[]): string[] => {
    const program = `source '${script}'; COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _reconcile; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return spawnSync('bash', ['-c', program], { encoding: 'utf8' }).stdout.trim().split('\n');
  };

  expect(complete('reconcile', 'val')).toEqual(['validate']);
  expect(complete('reconcile', '--env', 'prod', 'fm')).toEqual(['fmt']);
  expect(complete('reconcile', '-C', 'x', 'fmt', '--ch')).toEqual(['--check']);
  expect(complete('reconcile', 'schema', 'Seg')).toEqual(['Segment']);
  for (const shell of ['zsh', 'fish', 'powershell'])
    expect(await reconcile(['completion', shell])).toMatchObject({ code: 0, stdout: expect.stringContaining('validate') as string });
  expect(await reconcile(['completion', 'tcsh'])).toMatchObject({ code: 64 });
});
