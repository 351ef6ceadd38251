import { relative } from 'node:path';
import { AppError } from '../../model/app-error.ts';

const REASONS: readonly (readonly [RegExp, (found: readonly string[]) => string])[] = [
  [/Expected Number of Columns: (\d+) Found: (\d+)/, tellCount],
  [/unterminated quote/i, () => 'opens a quote that is never closed'],
  [/Invalid unicode|not utf-8 encoded/i, () => 'holds bytes that are not UTF-8'],
  [/Maximum line size of (\d+) bytes exceeded/, ([, bytes]) => `is longer than ${bytes ?? '?'} bytes; a quote may be missing`],
  [/NULL-byte|null byte/i, () => 'holds a NUL byte'],
];

const HINT = 'correct the file, or say how it is written in `csv: {delimiter, quote, escape, encoding, header}` of the dataset';

/** Bytes of a Parquet file that are not what one has there. */
export class DamagedFileError extends AppError {
  readonly #reason: string;

  constructor(reason: string, cause: unknown, path?: string) {
    super({
      code: 'RC2003',
      message: `${path === undefined ? 'a Parquet file' : `the file \`${path}\``} is damaged, or written in a way that the engine does not read${reason === '' ? '' : `: ${reason}`}`,
      hint: 'copy it again from where it comes from, or write it again',
      cause,
    });
    this.#reason = reason;
  }

  at(path: string): DamagedFileError {
    return new DamagedFileError(this.#reason, this.cause, path);
  }
}

/** The engine's reader of Parquet fails with what its libraries throw, which has no class of its own. */
const DAMAGED =
  /^(Invalid Error|Invalid Input Error: (Mismatch in parquet|Incorrect stats)|Not implemented Error: Unimplemented \w+ encoding|IO Error: (Could not read enough bytes|FIXED_LEN_BYTE_ARRAY))/;

/**
 * What DuckDB says of data that it cannot read, as RC2003 with file, line and reason; undefined when it speaks of something else.
 * The line's own text is left out: it is somebody's personal data, and a run's error is recorded, logged and sent in alerts.
 */
export function describeUnreadable(error: Error, project: string | undefined): AppError | undefined {
  const { message } = error;
  const [first = ''] = message.split('\n');
  if (DAMAGED.test(first)) return new DamagedFileError(first.replace(/^[A-Za-z ]+ Error: /, '').replace(/:? [^ -~]*$| from file ".*$/, ''), error);
  const twice = /^Not implemented Error: Duplicate name "(.*)" in struct auto-detected in JSON/.exec(first)?.[1];
  if (twice !== undefined)
    return new AppError({
      code: 'RC2003',
      message: `an object in a JSON file has \`${twice}\` twice, or once in upper and once in lower case`,
      hint: 'the engine does not tell the two apart: write the file with one name for each value',
      cause: error,
    });
  if (
    !/^(Invalid Input Error: (CSV Error|Error when sniffing|The CSV Parser state machine|Failed to read file|No magic bytes|Footer length error|File '.*' (is|too) )|Invalid Input Error: .*(Parquet|JSON)|Conversion Error|Invalid Input Error: Malformed JSON|Invalid Input Error: Invalid unicode)/.test(
      first,
    )
  )
    return undefined;
  const file = /^\s*file = (.+?)\s*$/m.exec(message)?.[1];
  const line = /CSV Error on Line: (\d+)/.exec(first)?.[1];
  const plain = first
    .replace(/^[A-Za-z ]+ Error: /, '')
    .replace(/^(Invalid string encoding .*): value ".*$/, '$1: a text is not UTF-8')
    .trimEnd();
  const told = project === undefined ? plain : plain.replaceAll(`${project}/`, '');
  const where = file === undefined ? undefined : `\`${project === undefined ? file : relative(project, file)}\``;
  if (/CSV Parser state machine/.test(first))
    return new AppError({
      code: 'RC2003',
      message: `${where ?? 'a CSV file'} is not CSV as declared: its lines end in different ways (LF and CR LF), or a quote is out of place`,
      hint: HINT,
      cause: error,
    });
  return new AppError({
    code: 'RC2003',
    message:
      line === undefined
        ? `the data cannot be read as declared: ${told}${where === undefined ? '' : ` in ${where}`}`
        : `line ${line} of ${where ?? 'a CSV file'} ${reasonOf(message)}`,
    hint: line === undefined && !/csv/i.test(first) ? 'write the file again, or name the right one in `path` of the dataset' : HINT,
    cause: error,
  });
}

/** DuckDB stops counting at the first value too many. */
function tellCount([, expected = '0', found = '0']: readonly string[]): string {
  return Number(found) > Number(expected)
    ? `has more values than the ${expected} columns of the header`
    : `has ${found} of the ${expected} values that the header asks for`;
}

function reasonOf(message: string): string {
  for (const [pattern, tell] of REASONS) {
    const found = pattern.exec(message);
    if (found) return tell(found);
  }
  return 'cannot be read as declared';
}
