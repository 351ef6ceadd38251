import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { renderDiagnostics } from '../../src/cli/render-diagnostics.ts';
import { summarizeDiagnostics, validateProject } from '../../src/validate/validate-project.ts';

// After a wanted change: vitest run test/golden/diagnostics.test.ts --update, and read the difference.
test('a project full of mistakes: everything that is wrong, in one go, at its token', async () => {
  const directory = fileURLToPath(new URL('mistakes', import.meta.url));
  const { diagnostics, fileCount } = validateProject({ directory, environment: 'prod', variables: {} });
  const text = `${renderDiagnostics(diagnostics, { color: false, directory })}\n${summarizeDiagnostics(diagnostics, fileCount)}\n`;

  expect(text).not.toContain('CANARY');
  await expect(text).toMatchFileSnapshot('./mistakes/expected.txt');
});
