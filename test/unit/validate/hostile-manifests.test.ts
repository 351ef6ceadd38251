import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createStarterProject } from '../../../src/cli/starter-project.ts';
import { renderDiagnostics } from '../../../src/cli/render-diagnostics.ts';
import { validateProject } from '../../../src/validate/validate-project.ts';
import { createTempProject } from '../../support/temp-project.ts';

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 150);
const FILES = [...createStarterProject('p', 0)].filter(([path]) => path.endsWith('.yaml'));

test('whatever stands in a manifest, validate tells places and never breaks', () => {
  using project = createTempProject(Object.fromEntries(FILES));
  const piece = fc.oneof(
    fc.constantFrom(
      '',
      '{',
      '}',
      '[',
      ']',
      ': ',
      '- ',
      '"',
      "'",
      '\n',
      '\n---\n',
      '|',
      '&a ',
      '*a',
      '!x ',
      '#',
      '~',
      '0x',
      '1e9',
      '${var.a}',
      '__proto__: 1',
      'constructor',
      '\t',
      '\u0000',
      '\uD800',
      '😀',
      '%',
    ),
    fc.string({ unit: 'binary', maxLength: 6 }),
  );
  const edit = fc.record({ at: fc.nat(), remove: fc.integer({ min: 0, max: 12 }), insert: piece });
  fc.assert(
    fc.property(fc.constantFrom(...FILES), fc.array(edit, { minLength: 1, maxLength: 5 }), ([path, source], edits) => {
      let text = source;
      for (const { at, remove, insert } of edits) {
        const place = at % (text.length + 1);
        text = text.slice(0, place) + insert + text.slice(place + remove);
      }
      project.write(path, text);
      const { diagnostics, ok } = validateProject({ directory: project.directory, environment: undefined, variables: {} });
      const lines = text.split('\n').length;
      project.write(path, source);

      expect(ok).toBe(diagnostics.every(({ severity }) => severity === 'warning'));
      for (const { file, line = 1, column = 1, length = 1, message } of diagnostics) {
        expect(message).not.toBe('');
        expect(column).toBeGreaterThan(0);
        expect(length).toBeGreaterThan(0);
        if (file === path) expect(line).toBeLessThanOrEqual(lines);
      }
      expect(renderDiagnostics(diagnostics, { color: false, directory: project.directory })).not.toContain('undefined');
    }),
    { numRuns: RUNS },
  );
});
