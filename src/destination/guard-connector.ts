import { AppError } from '../model/app-error.ts';
import type { ImportStatus } from '../model/run.ts';
import { callContained } from './contain-connector.ts';
import type { CheckFinding, Connector, DeliveredBatch, Receipt, RefusedRow, SetupGuide } from './connector.ts';

export interface GuardOptions {
  /** The card's path, as users know the connector. */
  readonly path: string;
  /** Of its module; absolute. */
  readonly folder: string;
  /** A text of the connector without the secrets that it was given, and of a length that records and screens bear. */
  readonly clean: (text: string) => string;
  /** The same, as long as it is: what people asked for. */
  readonly cleanWhole: (text: string) => string;
  /** How long `check`, `prepare` and `setup` may take; five minutes unless told. */
  readonly deadlineMs?: number;
  /** Ends them before, and the loading; what is in flight is not waited for. */
  readonly stop?: AbortSignal | undefined;
}

const DEADLINE_MS = 5 * 60_000;
const LEVELS: ReadonlySet<unknown> = new Set<CheckFinding['level']>(['ok', 'warning', 'error']);
const STATUSES: ReadonlySet<unknown> = new Set<ImportStatus>(['signalled', 'imported', 'import-failed', 'unknown']);

/**
 * A connector that is not ours behind the port's own promises: an answer of another shape, an exception of its code and an end that never comes are
 * told as its faults (RC1362), never as bugs of reconcile; nothing it says repeats a secret that it was given.
 */
export function guardConnector(connector: Connector, options: GuardOptions): Connector {
  const { setup, delivers, namesRefused } = connector;
  const run = <T>(method: string, work: () => unknown, read: (answer: unknown) => T | undefined, signal?: AbortSignal): Promise<T> =>
    runGuarded({ method, work, read, signal, ...options });
  return {
    ...(delivers === undefined ? {} : { delivers: delivers !== false }),
    ...(namesRefused === true ? { namesRefused } : {}),
    check: (columns) =>
      run(
        'check',
        () => connector.check(columns),
        (answer) => readFindings(answer, options.clean),
      ),
    // `null` for a token that is none; undefined means that the answer has another shape.
    prepare: async (batch) =>
      (await run(
        'prepare',
        () => connector.prepare(batch),
        (answer) => (answer === undefined || answer === null ? null : readToken(answer)),
      )) ?? undefined,
    deliver: (batch, token, signal) =>
      run(
        'deliver',
        () => connector.deliver(batch, token, signal),
        (answer) => readReceipt(answer, batch, options.clean),
        signal ?? NEVER,
      ),
    settle: (batch, receipt, waitMs, signal) =>
      run(
        'settle',
        () => connector.settle(batch, receipt, waitMs, signal),
        (answer) => readReceipt(answer, batch, options.clean),
        signal ?? NEVER,
      ),
    ...(setup === undefined
      ? {}
      : {
          setup: (request) =>
            run(
              'setup',
              () => setup.call(connector, request),
              (answer) => readGuide(answer, options.cleanWhole),
            ),
        }),
    async [Symbol.asyncDispose]() {
      const dispose = (connector as Partial<AsyncDisposable>)[Symbol.asyncDispose];
      if (dispose === undefined) return;
      // Also when everything else was stopped.
      await runGuarded({ method: 'dispose', work: () => dispose.call(connector), read: () => null, ...options, stop: undefined });
    },
  };
}

const EXPECTED: Readonly<Record<string, string>> = {
  check: 'a list of {code, level: ok | warning | error, subject, message}',
  prepare: 'nothing or a flat map of texts and numbers, short enough to be journaled',
  deliver: `{status: ${[...STATUSES].join(' | ')}, …}`,
  settle: `{status: ${[...STATUSES].join(' | ')}, …}`,
  setup: '{text}',
};

/** What is ended by the caller's signal has no deadline of its own. */
const NEVER = new AbortController().signal;

interface GuardedCall<T> extends GuardOptions {
  readonly method: string;
  readonly work: () => unknown;
  /** The answer as the port has it; undefined when it has another shape. */
  readonly read: (answer: unknown) => T | undefined;
  /** Absent: the deadline ends it. */
  readonly signal?: AbortSignal | undefined;
}

export async function runGuarded<T>({ method, work, read, signal, stop, deadlineMs = DEADLINE_MS, ...options }: GuardedCall<T>): Promise<T> {
  const race = endOf(signal ?? stop, signal === undefined ? deadlineMs : undefined);
  let answer: unknown;
  try {
    answer = await Promise.race([callContained(options.folder, work), race.ended]);
  } catch (error) {
    throw describeThrown(error, method, options);
  } finally {
    race.stop();
  }
  if (answer === ABORTED) throw new AppError({ code: 'RC1361', message: `\`${method}\` of the connector of \`${options.path}\` was stopped` });
  if (answer === TOO_LATE) throw fault(options.path, `did not end \`${method}\` within ${deadlineMs / 1000} s`);
  let found: T | undefined;
  try {
    found = read(answer);
  } catch (error) {
    // A property of the answer that is computed, and fails at it.
    throw describeThrown(error, method, options);
  }
  if (found === undefined) throw fault(options.path, `did not answer \`${method}\` with ${EXPECTED[method] ?? 'what was asked'}`);
  return found;
}

const ABORTED = Symbol('aborted');
const TOO_LATE = Symbol('too late');

function endOf(signal: AbortSignal | undefined, deadlineMs: number | undefined): { readonly ended: Promise<symbol>; readonly stop: () => void } {
  const { promise, resolve } = Promise.withResolvers<symbol>();
  const abort = (): void => resolve(ABORTED);
  if (signal?.aborted === true) abort();
  signal?.addEventListener('abort', abort, { once: true });
  // Without a timer the process would end in silence when the connector waits for nothing.
  const timer = deadlineMs === undefined ? setInterval(() => {}, 2 ** 30) : setTimeout(() => resolve(TOO_LATE), deadlineMs);
  return {
    ended: promise,
    stop: () => {
      signal?.removeEventListener('abort', abort);
      clearTimeout(timer);
    },
  };
}

/**
 * Whatever a connector threw, as an error for people: one that says `name: 'AppError'` was meant for them, any other is a fault of its code. Its
 * exception is not kept as the cause: it may carry requests with secrets.
 */
function describeThrown(thrown: unknown, method: string, { path, clean }: Pick<GuardOptions, 'path' | 'clean'>): AppError {
  const { ours, name, code, message, hint, stack, told } = readThrown(thrown);
  if (ours !== undefined) return ours;
  if (name === 'AppError') {
    const forPeople = new AppError({
      code: typeof code === 'string' && /^[\w-]{1,40}$/.test(code) ? code : 'RC1361',
      message: typeof message === 'string' ? clean(message) : 'the connector failed and did not say why',
      ...(typeof hint === 'string' ? { hint: clean(hint) } : {}),
    });
    return told === false ? Object.assign(forPeople, { told }) : forPeople;
  }
  const words = typeof message === 'string' ? `${typeof name === 'string' ? `${name}: ` : ''}${message}` : wordsOf(thrown);
  const place = typeof stack === 'string' ? placeIn(stack) : undefined;
  return fault(path, `failed in \`${method}\`: ${clean(words)}${place === undefined ? '' : ` (${place})`}`);
}

interface Thrown extends Readonly<Partial<Record<'name' | 'code' | 'message' | 'hint' | 'stack' | 'told', unknown>>> {
  readonly ours?: AppError;
}

/** Each property once: some are computed, and fail at it. */
function readThrown(thrown: unknown): Thrown {
  try {
    if (thrown instanceof AppError) return { ours: thrown };
    if (thrown === null || typeof thrown !== 'object') return {};
    const { name, code, message, hint, stack, told } = thrown as Thrown;
    return { name, code, message, hint, stack, told };
  } catch {
    return {};
  }
}

/** More is no line of a stack, but of the message before it, which may be an answer of megabytes. */
const LONGEST_LINE = 1000;

function placeIn(stack: string): string | undefined {
  const line = stack.split('\n').find((one) => one.length <= LONGEST_LINE && /:\d+:\d+\)?$/.test(one));
  return line === undefined ? undefined : /([^/\\\s(]+:\d+:\d+)\)?$/.exec(line)?.[1];
}

/** Whatever somebody threw, in words: some values cannot even be made a text. */
export function wordsOf(thrown: unknown): string {
  try {
    return thrown instanceof Error ? String(thrown.message) : String(thrown);
  } catch {
    return 'a value that is no error';
  }
}

function fault(path: string, what: string): AppError {
  return new AppError({
    code: 'RC1362',
    message: `the connector of \`${path}\` ${what}`,
    hint: 'this is a fault of the connector, not of reconcile: tell whoever wrote it   (docs/write-a-destination.md)',
  });
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : undefined;
}

function readFindings(answer: unknown, clean: GuardOptions['clean']): readonly CheckFinding[] | undefined {
  if (!Array.isArray(answer)) return undefined;
  const findings = answer.map((one: unknown): CheckFinding | undefined => {
    const { code, level, subject, message, hint, column } = asRecord(one) ?? {};
    if (typeof code !== 'string' || !LEVELS.has(level) || typeof subject !== 'string' || typeof message !== 'string') return undefined;
    return {
      code,
      level: level as CheckFinding['level'],
      subject: clean(subject),
      message: clean(message),
      ...(typeof hint === 'string' ? { hint: clean(hint) } : {}),
      ...(typeof column === 'string' ? { column } : {}),
    };
  });
  return findings.includes(undefined) ? undefined : (findings as CheckFinding[]);
}

/** A place in a log, an id: more would be written with each step of each run. */
const TOKEN_CHARACTERS = 65_536;

/** Plain, flat and short, since it is journaled. */
function readToken(answer: unknown): NonNullable<Receipt['token']> | undefined {
  const record = asRecord(answer);
  if (record === undefined) return undefined;
  const plain = Object.values(record).every((value) => value === null || typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value)));
  return plain && JSON.stringify(record).length <= TOKEN_CHARACTERS ? ({ ...record } as NonNullable<Receipt['token']>) : undefined;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function readReceipt(answer: unknown, batch: DeliveredBatch, clean: GuardOptions['clean']): Receipt | undefined {
  const { status, message, rows, refused, token, looked, rejected = Array.isArray(refused) ? refused.length : undefined } = asRecord(answer) ?? {};
  if (!STATUSES.has(status)) return undefined;
  if (rows !== undefined && !isCount(rows)) return undefined;
  if (rejected !== undefined && (!isCount(rejected) || rejected > batch.rows)) return undefined;
  const named = refused === undefined ? undefined : readRefused(refused, batch);
  if (refused !== undefined && (named === undefined || named.length !== rejected)) return undefined;
  const known = token === undefined || token === null ? undefined : readToken(token);
  if (known === undefined && token !== undefined && token !== null) return undefined;
  return {
    status: status as ImportStatus,
    ...(typeof message === 'string' ? { message: clean(message) } : {}),
    ...(rows === undefined ? {} : { rows }),
    ...(rejected === undefined ? {} : { rejected }),
    ...(named === undefined ? {} : { refused: named }),
    ...(known === undefined ? {} : { token: known }),
    ...(looked === false ? { looked } : {}),
  };
}

/** Rows that are in the batch, each once. */
function readRefused(answer: unknown, { files }: DeliveredBatch): readonly RefusedRow[] | undefined {
  if (!Array.isArray(answer)) return undefined;
  const rowsOf = new Map(files.map(({ path, rows }) => [path, rows]));
  const seen = new Set<string>();
  const found: RefusedRow[] = [];
  for (const one of answer as readonly unknown[]) {
    const { path, row } = asRecord(one) ?? {};
    if (typeof path !== 'string' || !isCount(row) || row === 0 || row > (rowsOf.get(path) ?? 0)) return undefined;
    if (seen.has(`${row} ${path}`)) return undefined;
    seen.add(`${row} ${path}`);
    found.push({ path, row });
  }
  return found;
}

function readGuide(answer: unknown, clean: GuardOptions['clean']): SetupGuide | undefined {
  const { text, created } = asRecord(answer) ?? {};
  return typeof text === 'string' ? { text: clean(text), ...(typeof created === 'string' ? { created: clean(created) } : {}) } : undefined;
}
