/**
 * What an export has to hold, in plain words over plain objects, apart from the SQL that makes it: sections 2.1 and 2.7 to 2.10 of the rules as the contract
 * settles them.
 */
export interface Person {
  readonly id: string | null;
  readonly email: string | null;
  readonly first: string | null;
  readonly last: string | null;
  readonly country: string | null;
  /** As the source writes it. */
  readonly income: string | null;
  readonly score: number | null;
  readonly day: string | null;
  readonly ok: boolean | null;
}

export const NOBODY: Person = { id: null, email: null, first: null, last: null, country: null, income: null, score: null, day: null, ok: null };

export type Cell = string | number | boolean | null;

export interface ModelColumn {
  readonly target: string;
  /** Of somebody the source knows. */
  readonly value: (person: Person) => Cell;
  readonly kind: 'primary' | 'identity' | 'attribute' | 'expression' | 'status';
  readonly key: boolean;
  readonly mandatory: boolean;
  /** What of a key's value is compared: of a decimal, the number. */
  readonly compared?: (value: Cell) => Cell;
  /** Whose value is not of the declared type. */
  readonly isBad?: (person: Person) => boolean;
}

export interface Expected {
  readonly rows: readonly (readonly Cell[])[];
  readonly received: number;
  readonly reasons: Readonly<Record<string, number>>;
}

interface Known {
  /** The slot since which they are members without a break. */
  readonly since: number;
  readonly delivered: boolean;
  /** What identified them when the source last knew them. */
  readonly keys: readonly Cell[];
}

export class ExportModel {
  readonly #columns: readonly ModelColumn[];
  readonly #incremental: boolean;
  #known: ReadonlyMap<string, Known> = new Map();

  constructor(columns: readonly ModelColumn[], incremental: boolean) {
    this.#columns = columns;
    this.#incremental = incremental;
  }

  /** The file of the next slot, when everybody with `isMember` is in the segment; it is taken for delivered. */
  next(people: readonly Person[], isMember: (person: Person) => boolean, slot: number): Expected {
    const before = this.#known;
    const reasons: Record<string, number> = {};
    const leaveOut = (reason: string): void => void (reasons[reason] = (reasons[reason] ?? 0) + 1);
    const nameless = people.filter((person) => person.id === null && isMember(person)).length;
    for (let index = 0; index < nameless; index += 1) leaveOut('no-identity');

    const members = people.flatMap((person) => (person.id !== null && isMember(person) ? [{ person, id: person.id }] : []));
    const candidates = members.map(({ person, id }) => {
      const known = before.get(id);
      return {
        person,
        id,
        since: known?.since ?? slot,
        isDelivered: this.#incremental && known?.delivered === true,
        missing: this.#missing(person),
        keys: this.#keys(person),
      };
    });
    const best = new Map<string, (typeof candidates)[number]>();
    for (const candidate of candidates.filter(({ missing }) => missing === undefined)) {
      const rival = best.get(this.#identity(candidate));
      if (rival === undefined || candidate.since > rival.since || (candidate.since === rival.since && this.#comesFirst(candidate.person, rival.person)))
        best.set(this.#identity(candidate), candidate);
    }
    const winners = new Set([...best.values()].map(({ id }) => id));
    const joins = candidates.filter(({ isDelivered }) => !isDelivered);
    const rows: Cell[][] = [];
    for (const { person, id, missing } of joins) {
      if (missing !== undefined) leaveOut(missing);
      else if (!winners.has(id)) leaveOut('duplicate');
      else rows.push(this.#columns.map((column) => (column.kind === 'status' ? 'realized' : column.value(person))));
    }

    const present = new Set(members.map(({ id }) => id));
    let due = nameless + joins.length;
    // Who was delivered stays so while a rule leaves them out, with the key that is known last.
    const holders = candidates.filter(({ missing, isDelivered }) => missing === undefined || isDelivered);
    const taken = new Set(
      holders.map(({ id, keys }) => this.#identity({ id, keys: keys.map((value, index) => value ?? before.get(id)?.keys[index] ?? null) })),
    );
    const leaving =
      !this.#incremental || !this.#columns.some(({ kind }) => kind === 'status')
        ? []
        : [...before].filter(([id, { delivered }]) => delivered && !present.has(id));
    // Of several with one key the latest member speaks for all.
    for (const [id, known] of leaving.toSorted(([a, one], [b, other]) => other.since - one.since || (a < b ? -1 : 1))) {
      due += 1;
      const row = this.#exit(id, known, people);
      const keys = this.#columns.flatMap(({ key }, index) => (key ? [row[index] ?? null] : []));
      const identity = this.#identity({ id, keys: keys.every((key) => key === null) ? [] : keys });
      if (taken.has(identity)) leaveOut('duplicate');
      else {
        rows.push(row);
        taken.add(identity);
      }
    }

    this.#known = new Map(
      candidates.map(({ id, since, isDelivered, missing, person }) => [
        id,
        {
          since,
          delivered: isDelivered || (missing === undefined && winners.has(id)),
          keys: this.#carried(person).map((value, index) => value ?? before.get(id)?.keys[index] ?? null),
        },
      ]),
    );
    return { rows, received: due, reasons };
  }

  #exit(id: string, known: Known, people: readonly Person[]): Cell[] {
    const person = people.find((one) => one.id === id);
    let carried = 0;
    return this.#columns.map((column) => {
      const last = isCarried(column) ? (known.keys[carried++] ?? null) : null;
      if (column.kind === 'status') return 'exited';
      if (column.kind === 'primary') return column.value({ ...NOBODY, id });
      if (person === undefined) return last;
      return column.value(person) ?? last;
    });
  }

  /** Why somebody gets no row, the first reason in the order of the mapping. */
  #missing(person: Person): string | undefined {
    if (this.#columns.some(({ isBad }) => isBad?.(person) === true)) return 'bad-value';
    const column = this.#columns.find((one) => (one.mandatory || one.key) && one.value(person) === null);
    return column === undefined ? undefined : `no ${column.target}`;
  }

  #keys(person: Person): readonly Cell[] {
    return this.#columns.filter(({ key }) => key).map((column) => column.value(person));
  }

  #carried(person: Person): readonly Cell[] {
    return this.#columns.filter(isCarried).map((column) => column.value(person));
  }

  /** What two rows may not share: the deduplication key, or without one nothing. */
  #identity({ id, keys }: { readonly id: string; readonly keys: readonly Cell[] }): string {
    const columns = this.#columns.filter(({ key }) => key);
    return keys.length === 0 ? `id ${id}` : JSON.stringify(keys.map((value, index) => columns[index]?.compared?.(value) ?? value));
  }

  /** On a tie the other columns are compared as text, the first in order wins. */
  #comesFirst(a: Person, b: Person): boolean {
    for (const column of this.#columns.filter(({ key, kind }) => !key && kind !== 'status')) {
      const [left, right] = [String(column.value(a) ?? ''), String(column.value(b) ?? '')];
      if (left !== right) return Buffer.compare(Buffer.from(left), Buffer.from(right)) < 0;
    }
    return (a.id ?? '') < (b.id ?? '');
  }
}

function isCarried({ key, kind }: ModelColumn): boolean {
  return key || kind === 'identity';
}
