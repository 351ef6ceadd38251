import { dirname, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** A call of a connector that is under way. */
interface ForeignCall {
  /** Of its module; absolute. */
  readonly folder: string;
  readonly fail: (error: unknown) => void;
}

const calls = new Set<ForeignCall>();
const folders = new Set<string>();
let isContained = false;

/**
 * A module that is not ours runs in our process: what it does to all of it is turned into an end of the call it was asked for. What it prints goes to
 * stderr, where talk belongs; asking for the end of the process, and an exception that nobody waits for (in a timer, in an event), fail its own call.
 * It keeps mistakes apart, not malice. Whoever prints or exits for reconcile has its own hold of both (`bin.ts`).
 */
export function containConnector(folder: string): void {
  folders.add(folder);
  if (isContained) return;
  isContained = true;
  process.stdout.write = process.stderr.write.bind(process.stderr);
  process.exit = refuseExit;
  const settle = (error: unknown): void => {
    const blamed = whoseIsIt(error);
    for (const { fail } of blamed) fail(error);
    if (blamed.length > 0) return;
    const late = [...folders].find((one) => names(error, one));
    if (late !== undefined) {
      // What it answered stands. Its words are not repeated: nobody is left who knows the secrets in them.
      process.stderr.write(`the connector in ${late} failed after it had answered: ${(error as Error).name}\n`);
      return;
    }
    // Ours: it ends the process, as it would have without us.
    process.off('uncaughtException', settle).off('unhandledRejection', settle);
    setImmediate(() => {
      throw error;
    });
  };
  process.on('uncaughtException', settle).on('unhandledRejection', settle);
}

function refuseExit(code?: number | string | null): never {
  const error = new Error(`it called process.exit(${code ?? ''})`);
  // The place that is told is the one that called.
  Error.captureStackTrace(error, refuseExit);
  throw error;
}

/** Waits for the work of a connector, whose stray exceptions end it as well. */
export async function callContained<T>(folder: string, work: () => T | Promise<T>): Promise<T> {
  const stray = Promise.withResolvers<never>();
  const call: ForeignCall = { folder, fail: stray.reject };
  calls.add(call);
  try {
    return await Promise.race([Promise.resolve().then(work), stray.promise]);
  } finally {
    calls.delete(call);
  }
}

const OURS = dirname(dirname(fileURLToPath(import.meta.url)));

/** The calls that an exception may come from: by the modules it names; where it names none of ours either (the error of a socket), all of them. */
function whoseIsIt(error: unknown): readonly ForeignCall[] {
  const named = [...calls].filter(({ folder }) => names(error, folder));
  return named.length > 0 || names(error, OURS) ? named : [...calls];
}

function names(error: unknown, folder: string): boolean {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  return stack.includes(`${folder}${sep}`) || stack.includes(`${pathToFileURL(folder).href}/`);
}
