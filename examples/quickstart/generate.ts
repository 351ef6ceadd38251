/**
 * The people and orders of the quickstart, invented from a seed: the same seed gives the same bytes on every machine.
 *
 *   node generate.ts            day 0: 2,000 people, 10,000 orders up to 2026-11-30
 *   node generate.ts --day 1    a day later: new orders, a few people have moved, a few have gone
 */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const SEED = 20_261_130;
const PEOPLE = 2_000;
const ORDERS = 10_000;
const DAY_MS = 86_400_000;
const TODAY = Date.UTC(2026, 11, 1);

const FIRST_NAMES = [
  'Anna',
  'Ben',
  'Chloé',
  'Dmitri',
  'Elif',
  'Femke',
  'Giulia',
  'Håkon',
  'Inès',
  'Jürgen',
  'Kasia',
  'Liam',
  'Mária',
  'Noah',
  'Olga',
  'Paulo',
  'Qi',
  'Rosa',
  'Søren',
  'Tomás',
];
const LAST_NAMES = [
  'Andersen',
  'Bianchi',
  'Costa',
  'Dubois',
  'Eriksson',
  'Fischer',
  'García',
  'Horváth',
  'Ivanov',
  'Jansen',
  'Kowalski',
  'Lefèvre',
  'Müller',
  'Novák',
  "O'Brien",
  'Petit',
  'Rossi',
  'Schmidt',
  'van den Berg',
  'Weiß',
];
const COUNTRIES = ['DE', 'DE', 'DE', 'FR', 'FR', 'IT', 'ES', 'NL', 'PL', 'SE', 'US', 'GB'];
const CATEGORIES = ['Bikes', 'Clothing', 'Accessories', 'Accessories', 'Clothing'];

/** A small generator of pseudo-random numbers in [0, 1) (mulberry32): no dependency, no difference between machines. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function cell(value: string): string {
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

function writeCsv(path: string, header: readonly string[], rows: readonly (readonly string[])[]): void {
  const text = [header, ...rows].map((row) => row.map(cell).join(',')).join('\n');
  // A reader never sees half a file: written beside, then renamed.
  writeFileSync(`${path}.new`, `${text}\n`);
  renameSync(`${path}.new`, path);
}

function date(instant: number): string {
  return new Date(instant).toISOString().slice(0, 10);
}

function generate(day: number, folder: string): void {
  const random = createRandom(SEED);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;

  const people = Array.from({ length: PEOPLE }, (_, index) => {
    const first = pick(FIRST_NAMES);
    const last = pick(LAST_NAMES);
    const plain = `${first}.${last}`
      .normalize('NFD')
      .replaceAll(/[^A-Za-z.]/g, '')
      .toLowerCase();
    const hasFirstName = random() > 0.02;
    return {
      id: `c-${String(index + 1).padStart(5, '0')}`,
      email: `${plain}.${index + 1}@example.com`,
      first: hasFirstName ? first : '',
      last,
      country: pick(COUNTRIES),
      born: date(Date.UTC(1950, 0, 1) + Math.floor(random() * 56 * 365.25) * DAY_MS),
      // Loyalty points are empty for those who never joined the programme.
      points: random() > 0.4 ? String(Math.floor(random() * 5_000)) : '',
    };
  });

  const orders = Array.from({ length: ORDERS }, (_, index) => {
    // Some people buy a lot, most buy little: the square favours low numbers.
    const buyer = Math.floor(random() ** 2 * PEOPLE * 0.9);
    const category = pick(CATEGORIES);
    const cents = category === 'Bikes' ? 40_000 + Math.floor(random() * 260_000) : 500 + Math.floor(random() * 12_000);
    return { index, buyer, category, cents, at: TODAY - Math.floor((1 - Math.sqrt(random())) * 540 * DAY_MS) - 3_600_000 };
  });

  for (let later = 1; later <= day; later += 1) {
    for (let extra = 0; extra < 60; extra += 1) {
      orders.push({
        index: orders.length,
        buyer: Math.floor(random() * PEOPLE),
        category: pick(CATEGORIES),
        cents: 500 + Math.floor(random() * 90_000),
        at: TODAY + (later - 1) * DAY_MS + Math.floor(random() * 5 * 3_600_000),
      });
    }
    for (const person of people) if (random() < 0.01) person.country = pick(COUNTRIES);
    people.splice(Math.floor(random() * people.length), 3);
  }

  const known = new Set(people.map((person) => person.id));
  mkdirSync(folder, { recursive: true });
  writeCsv(
    join(folder, 'customers.csv'),
    ['customer_id', 'email', 'first_name', 'last_name', 'country_code', 'birth_date', 'loyalty_points'],
    people.map((one) => [one.id, one.email, one.first, one.last, one.country, one.born, one.points]),
  );
  writeCsv(
    join(folder, 'orders.csv'),
    ['order_id', 'customer_id', 'ordered_at', 'category', 'amount'],
    orders
      .map((one) => ({ ...one, customer: `c-${String(one.buyer + 1).padStart(5, '0')}` }))
      .filter((one) => known.has(one.customer))
      .map((one) => [
        `o-${one.index + 1}`,
        one.customer,
        new Date(one.at)
          .toISOString()
          .replace('.000Z', 'Z')
          .replace(/\.\d+Z/, 'Z'),
        one.category,
        (one.cents / 100).toFixed(2),
      ]),
  );
}

const { values } = parseArgs({ options: { day: { type: 'string', default: '0' } } });
generate(Number(values.day), join(import.meta.dirname, 'data'));
