import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import type { Connector, DeliveredBatch } from '../../src/destination/connector.ts';

/** What the suite needs to know of the world behind a connector. */
export interface ConnectorUnderTest {
  /** A new connector to a world in which everything is right. */
  open(): Promise<Connector>;
  /** Files that the other side can take. */
  batch(runId: string): DeliveredBatch;
  /** How often the other side was told of a batch. */
  told(runId: string): number;
  /** From now on the other side refuses the login. */
  lockOut(): void;
  /** No text of ours may hold it. */
  readonly secret: string;
}

/** What every connector keeps to, whatever stands behind it (`src/destination/connector.ts`). Third parties may run it on theirs. */
export function describeConnector(create: () => Promise<ConnectorUnderTest & AsyncDisposable>): void {
  test('check looks at everything and tells nobody of a batch', async () => {
    await using world = await create();
    await using connector = await world.open();
    const findings = await connector.check(['email']);
    expect(findings.length).toBeGreaterThan(0);
    expect(findings.filter(({ level }) => level === 'error')).toEqual([]);
    expect(world.told('r-1')).toBe(0);
  });

  test('prepare changes nothing, and its token survives a journal', async () => {
    await using world = await create();
    await using connector = await world.open();
    const token = await connector.prepare(world.batch('r-1'));
    expect(world.told('r-1')).toBe(0);
    expect(JSON.parse(JSON.stringify(token ?? null))).toEqual(token ?? null);
    expect(inspect(token)).not.toContain(world.secret);
  });

  test('deliver tells once, settle follows to the end and tells no more', async () => {
    await using world = await create();
    await using connector = await world.open();
    const batch = world.batch('r-1');
    const receipt = await connector.deliver(batch, await connector.prepare(batch));
    expect(['signalled', 'imported']).toContain(receipt.status);
    const settled = await connector.settle(batch, receipt, 60_000);
    expect(settled.status).toBe('imported');
    // Asked again, also by a process that knows only what the journal holds.
    await using other = await world.open();
    expect((await other.settle(batch, JSON.parse(JSON.stringify(settled)) as typeof settled, 60_000)).status).toBe('imported');
    expect(world.told('r-1')).toBe(1);
  });

  test('several batches at once do not mix', async () => {
    await using world = await create();
    await using connector = await world.open();
    const ids = ['r-1', 'r-2', 'r-3', 'r-4'];
    const settled = await Promise.all(
      ids.map(async (id) => {
        const batch = world.batch(id);
        return await connector.settle(batch, await connector.deliver(batch, await connector.prepare(batch)), 60_000);
      }),
    );
    expect(settled.map(({ status }) => status)).toEqual(ids.map(() => 'imported'));
    expect(ids.map((id) => world.told(id))).toEqual([1, 1, 1, 1]);
  });

  test('a refused login: a finding from check, an error with a hint from deliver, no secret in either, nobody told', async () => {
    await using world = await create();
    await using connector = await world.open();
    world.lockOut();
    const findings = await connector.check([]);
    expect(findings.filter(({ level, hint }) => level === 'error' && hint !== undefined).length).toBeGreaterThan(0);
    const batch = world.batch('r-1');
    const error: unknown = await (async () => connector.deliver(batch, await connector.prepare(batch)))().catch((caught: unknown) => caught);
    // The code is the connector's own.
    expect(error).toMatchObject({ name: 'AppError', code: expect.stringMatching(/\S/) as string, hint: expect.any(String) as string });
    expect(inspect([findings, error], { depth: 20, showHidden: true })).not.toContain(world.secret);
    expect(world.told('r-1')).toBe(0);
  });

  test('it may be disposed unused, and twice', async () => {
    await using world = await create();
    const connector = await world.open();
    await connector[Symbol.asyncDispose]();
    await connector[Symbol.asyncDispose]();
    expect(world.told('r-1')).toBe(0);
  });
}
