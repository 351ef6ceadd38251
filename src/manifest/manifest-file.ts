/** A file as it was read; `path` relative to the project, `/` between folders. */
export interface ManifestFile {
  readonly path: string;
  /** SHA-256 of the bytes, hex. */
  readonly sha256: string;
  readonly bytes: Uint8Array;
}

/** Bytes of one file at most: more is a data file by mistake. */
const MAX_FILE_BYTES: number = 16 * 1024 * 1024;

export interface TextProblem {
  readonly message: string;
  readonly hint: string;
  /** Byte offset of the first wrong byte. */
  readonly at: number;
}

/** The file's text without a byte order mark; a problem when it is not UTF-8 text. */
export function decodeManifest(bytes: Uint8Array): { readonly text: string; readonly problem?: TextProblem } {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    return { text: '', problem: { message: 'the file is UTF-16', hint: 'save it as UTF-8', at: 0 } };
  }
  if (bytes.length > MAX_FILE_BYTES) {
    const size = Math.ceil(bytes.length / 1024 / 1024);
    return {
      text: '',
      problem: {
        message: `the file has ${size} MiB, more than ${MAX_FILE_BYTES / 1024 / 1024}`,
        hint: 'is it a data file? move it out of the manifests',
        at: 0,
      },
    };
  }
  const nul = bytes.indexOf(0);
  if (nul >= 0) return { text: '', problem: { message: 'the file holds a NUL byte', hint: 'is it a binary file? move it out of the manifests', at: nul } };
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return { text: '', problem: { message: 'the file is not UTF-8', hint: 'save it as UTF-8', at: firstWrongByte(bytes) } };
  }
}

/** By halves: a decoder that streams accepts a prefix that ends inside a character. */
function firstWrongByte(bytes: Uint8Array): number {
  let good = 0;
  let bad = bytes.length;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, middle), { stream: true });
      good = middle;
    } catch {
      bad = middle;
    }
  }
  return good;
}
