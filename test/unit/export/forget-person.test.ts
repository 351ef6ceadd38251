import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { createDuckDbEngine } from '../../../src/engine/duckdb/duckdb-engine.ts';
import type { AppliedResources, ExportDeps } from '../../../src/export/deps.ts';
import { forgetPerson } from '../../../src/export/forget-person.ts';
import { addSuppression } from '../../../src/export/suppression.ts';
import type { AttributesSpec, SourceSpec } from '../../../src/model/generated/kinds.ts';
import { currentOwner } from '../../../src/state/owner.ts';
import { createLocalStorage } from '../../../src/storage/local/local-storage.ts';
import { openExportBench, type ExportBench } from '../../support/export-bench.ts';

const SOURCE: SourceSpec = { engine: 'duckdb', datasets: { people: { path: 'people.csv' } } };
const ATTRIBUTES: AttributesSpec = { source: 'shop', dataset: 'people', identities: { crmId: { column: 'id', primary: true } }, fields: {} };
const RESOURCES: AppliedResources = new Map([
  ['Source/shop', { metadata: { name: 'shop' }, spec: SOURCE }],
  ['Attributes/customer', { metadata: { name: 'customer' }, spec: ATTRIBUTES }],
]);

async function people(): Promise<ExportBench> {
  const bench = await openExportBench();
  onTestFinished(() => bench[Symbol.asyncDispose]());
  await bench.writePeople('id,email,first,last,country,income\n1,a@example.com,A,,DE,1\n2,b@example.com,B,,DE,1\n');
  return bench;
}

test('a run that begins while somebody is being forgotten may have read them already: both have to be done again, and nobody begins with them any more', async () => {
  const bench = await people();
  const state = join(bench.folder, '.reconcile');
  const claim = (): Promise<unknown> =>
    bench.state.ledger.claim({ activation: 'act', segment: 'all', slot: 0, mode: 'full', owner: currentOwner(), now: 0, newId: 'late', staleAfterMs: 1 });
  const deps: Pick<ExportDeps, 'ledger' | 'engine' | 'paths' | 'card' | 'storage' | 'log'> = {
    ledger: bench.state.ledger,
    engine: (model) => {
      const engine = createDuckDbEngine({
        model,
        project: bench.folder,
        cacheFolder: join(state, 'cache'),
        temporaryFolder: join(state, 'tmp'),
        memoryLimitMb: 256,
      });
      return {
        ...engine,
        open: async (needed) => {
          await claim();
          return engine.open(needed);
        },
      };
    },
    paths: { project: bench.folder, state, spool: join(state, 'spool'), snapshots: join(state, 'snapshots'), cache: join(state, 'cache') },
    card: () => undefined,
    storage: async () => createLocalStorage({ root: bench.folder }),
    log: () => {},
  };

  await expect(forgetPerson(deps, { resources: RESOURCES, namespace: 'crmId', value: '1', now: 0 })).rejects.toMatchObject({ code: 'RC4025' });

  expect(JSON.parse(await readFile(join(state, 'suppressed.json'), 'utf8'))).toMatchObject({ entries: [{ namespace: 'crmId' }] });
});

test('whoever is forgotten after a run was claimed, and before it reads its source, is not in its files', async () => {
  const bench = await people();
  const storage = createLocalStorage({ root: join(bench.folder, 'out') });
  const late: Partial<ExportDeps> = {
    storage: async () => {
      await addSuppression({ state: join(bench.folder, '.reconcile') }, 'crmId', '1', 0);
      return storage;
    },
  };

  const { run } = await bench.run({ deps: late });

  expect(run).toMatchObject({ status: 'success', counts: { received: 2, activated: 1, excluded: 1, reasons: { forgotten: 1 } } });
});
