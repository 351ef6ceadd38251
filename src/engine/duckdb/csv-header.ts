import { open } from 'node:fs/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { AppError } from '../../model/app-error.ts';
import type { CsvReadSpec } from '../../model/generated/kinds.ts';
import { describeDamage } from './check-archive.ts';

const MAX_HEADER_BYTES = 1_048_576;

export interface CsvHeader {
  readonly columns: readonly string[];
  /** Set where the first record has a line break inside quotes: the engine would take that one for the file's own, and silently read no rows. */
  readonly lineEnd?: string;
}

/**
 * The column names of a CSV file: its first record, or `column0`, `column1` … when the file has no header.
 * The engine's own detection is not used: it guesses delimiters and types, and this file was declared.
 */
export async function readCsvHeader(path: string, options: CsvReadSpec | undefined): Promise<CsvHeader> {
  const text = decode(await readStart(path), options?.encoding ?? 'UTF-8');
  const { cells, lineEnd } = firstRecord(text, delimiterOf(path, options), options?.quote ?? '"', options?.escape ?? '"');
  const end = lineEnd === undefined ? {} : { lineEnd };
  if (options?.header === false) return { columns: cells.map((_cell, index) => `column${index}`), ...end };
  const seen = new Set<string>();
  for (const cell of cells) {
    // DuckDB tells names apart without their case.
    const key = cell.toLowerCase();
    if (seen.has(key))
      throw new AppError({
        code: 'RC2003',
        message: `the header of \`${path}\` names the column \`${cell}\` twice`,
        hint: 'give each column a name of its own',
      });
    seen.add(key);
  }
  return { columns: cells, ...end };
}

/** The delimiter as declared, else a tab for `.tsv` and a comma for all else. */
export function delimiterOf(path: string, options: CsvReadSpec | undefined): string {
  return options?.delimiter ?? (/\.tsv(\.gz|\.zst)?$/i.test(path) ? '\t' : ',');
}

async function readStart(path: string): Promise<Buffer> {
  await using file = await open(path);
  const raw = file.createReadStream({ start: 0, autoClose: false });
  const stream = path.toLowerCase().endsWith('.gz') ? raw.pipe(createGunzip()) : path.toLowerCase().endsWith('.zst') ? raw.pipe(createZstdDecompress()) : raw;
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes >= MAX_HEADER_BYTES) break;
    }
  } catch (error) {
    throw describeDamage(path, error);
  }
  return Buffer.concat(chunks);
}

function decode(bytes: Buffer, encoding: NonNullable<CsvReadSpec['encoding']>): string {
  const label = encoding === 'UTF-16' ? (bytes[0] === 0xfe && bytes[1] === 0xff ? 'utf-16be' : 'utf-16le') : encoding === 'ISO-8859-1' ? 'latin1' : 'utf-8';
  return new TextDecoder(label).decode(bytes);
}

function firstRecord(text: string, delimiter: string, quote: string, escape: string): { readonly cells: readonly string[]; readonly lineEnd?: string } {
  if (text === '') return { cells: [] };
  const cells: string[] = [];
  let breaksInside = false;
  let lineEnd: string | undefined;
  let cell = '';
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (quoted) {
      if (char === escape && text.charAt(at + 1) === quote) {
        cell += quote;
        at += 1;
      } else if (char === quote) quoted = false;
      else {
        breaksInside ||= char === '\n' || char === '\r';
        cell += char;
      }
    } else if (quote !== '' && char === quote && cell === '') quoted = true;
    else if (text.startsWith(delimiter, at)) {
      cells.push(cell);
      cell = '';
      at += delimiter.length - 1;
    } else if (char === '\n' || char === '\r') {
      lineEnd = char === '\r' && text.charAt(at + 1) === '\n' ? '\r\n' : char;
      break;
    } else cell += char;
  }
  return { cells: [...cells, cell], ...(breaksInside && lineEnd !== undefined ? { lineEnd } : {}) };
}
