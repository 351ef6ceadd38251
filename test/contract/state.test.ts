import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openMemoryState } from '../../src/state/memory/open-memory-state.ts';
import { openSqliteState } from '../../src/state/sqlite/open-sqlite-state.ts';
import { stateSuite } from './state-suite.ts';

function createClock(): { readonly clock: () => number; advance(ms: number): void } {
  let offset = 0;
  return { clock: () => Date.now() + offset, advance: (ms) => void (offset += ms) };
}

stateSuite('memory', async () => {
  const { clock, advance } = createClock();
  return { ...openMemoryState(clock), advance };
});

stateSuite('sqlite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'reconcile-state-'));
  const { clock, advance } = createClock();
  const opened = await openSqliteState({ path: join(folder, '.reconcile', 'state.db'), clock });
  return {
    ...opened,
    advance,
    async close() {
      await opened.close();
      rmSync(folder, { recursive: true });
    },
  };
});
