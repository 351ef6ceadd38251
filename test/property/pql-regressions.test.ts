import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isMember } from '../../src/segment/evaluate/evaluate.ts';
import { smallWorld } from '../support/pql/small-world.ts';
import { evaluated, loadWorld, WORLD_NOW } from '../support/pql/world.ts';
import { membersOf, openDatabase, typedOf } from '../support/segment-database.ts';

interface Regression {
  readonly pql: string;
  readonly members: string;
  readonly because: string;
}

const regressions = JSON.parse(readFileSync(new URL('pql-regressions.json', import.meta.url), 'utf8')) as readonly Regression[];
const world = smallWorld();
const profiles = evaluated(world);

test.each(regressions.map(({ pql, members, because }) => [pql, members, because] as const))('%s', async (pql, members) => {
  const connection = await openDatabase([]);
  await loadWorld(connection, world);
  const typed = typedOf(pql, world.schema);
  expect(
    world.people
      .filter((_, index) => isMember(typed, profiles[index] as (typeof profiles)[number], { now: WORLD_NOW }))
      .map(({ id }) => id)
      .join(' '),
  ).toBe(members);
  expect((await membersOf(connection, pql, world.schema, { now: WORLD_NOW })).join(' ')).toBe(members);
  connection.closeSync();
});
