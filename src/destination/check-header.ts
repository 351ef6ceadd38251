import { AppError } from '../model/app-error.ts';

/** Throws RC1363 for a header that HTTP cannot carry, such as a secret with a line break in it. The value is not repeated. */
export function checkHeader(name: string, value: string, where: string): void {
  try {
    void new Headers([[name, value]]);
  } catch {
    throw new AppError({
      code: 'RC1363',
      message: `the header \`${name}\` from ${where} cannot be sent: it holds a character that no header can carry`,
      hint: 'look for line breaks, spaces in the name, and letters beyond Latin-1',
    });
  }
}
