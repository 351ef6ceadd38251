/** How bad a diagnostic is: an `error` stops the command, a `warning` does not. */
export type Severity = 'error' | 'warning';

/**
 * One thing to tell the user about a place in a file.
 *
 * Lines and columns count from 1; columns count Unicode code points (contract section 6). `file` is relative to the project root.
 * Codes are stable: RC10xx files and YAML, RC11xx schema, RC12xx PQL, RC13xx references and rules, RC14xx variables and secrets,
 * RC2xxx sources, RC3xxx state, plan and apply, RC4xxx exports, RC5xxx storages, RC6xxx Campaign, RC7xxx schedules, RC9xxx usage.
 */
export interface Diagnostic {
  readonly code: string;
  readonly severity: Severity;
  /** What is wrong, lower case, no final period, names in back quotes. */
  readonly message: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  /** How many code points the caret underlines; 1 when unknown. */
  readonly length?: number;
  /** The line at that place, when no file holds it: `file` is then the option that was typed. */
  readonly source?: string;
  /** A short text printed beside the caret. */
  readonly label?: string;
  /** What to do about it. */
  readonly hint?: string;
}

/** A place in a manifest: `file` relative to the project root, line and column from 1. */
export interface SourcePlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}
