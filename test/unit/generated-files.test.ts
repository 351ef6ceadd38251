import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { buildGeneratedFiles } from '../../scripts/generated-files.ts';
import { ROOT } from '../support/reconcile.ts';

test('the generated files are those that the schemas give: after an edit of schemas/, npm run generate', async () => {
  for (const [path, text] of await buildGeneratedFiles(ROOT)) {
    expect(readFileSync(join(ROOT, path), 'utf8') === text, `${path} is stale: npm run generate`).toBe(true);
  }
});
