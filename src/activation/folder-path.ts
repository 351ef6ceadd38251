import { segmentNameToken } from './file-name.ts';

/** Tokens may stand at the end of a storage's `path` or `prefix` only (activation-rules 2.5): `/%SEGMENT_NAME%`, `/%SEGMENT_ID%` or both. */
const TAIL = /(?:^|\/)(%SEGMENT_NAME%(?:\/%SEGMENT_ID%)?|%SEGMENT_ID%)\/?$/;

/** Splits a path into what is fixed and the tokens at its end (empty for none). */
export function splitFolderPath(path: string): { readonly fixed: string; readonly tokens: string } {
  const tokens = TAIL.exec(path)?.[1] ?? '';
  return { fixed: tokens === '' ? path : path.slice(0, path.lastIndexOf(tokens)).replace(/(?<=[^/])\/+$/, ''), tokens };
}

/** A path, or the tokens at its end, with what they stand for: folders below its fixed part. */
export function renderFolder(path: string, segment: string, title: string | undefined): string {
  return path.replace('%SEGMENT_NAME%', safeFolder(segmentNameToken(segment, title))).replace('%SEGMENT_ID%', segment);
}

/** What is wrong with the tokens of a path, or undefined. */
export function checkFolderPath(path: string): { readonly message: string; readonly hint: string } | undefined {
  const { fixed } = splitFolderPath(path);
  const at = fixed.indexOf('%');
  if (at === -1) return undefined;
  const token = /^%[A-Za-z_]+(\([^)]*\))?%/.exec(fixed.slice(at))?.[0];
  const hint = 'a path may end in %SEGMENT_NAME%, %SEGMENT_ID% or %SEGMENT_NAME%/%SEGMENT_ID%; other tokens belong into `file.name`';
  if (token === undefined) return { message: 'a `%` that belongs to no token', hint };
  return { message: `\`${token}\` cannot stand there in a path`, hint };
}

/** A title made of dots alone would name the folder itself or the one above. */
function safeFolder(name: string): string {
  return /^\.+$/.test(name) ? name.replaceAll('.', '_') : name;
}
