const POLYNOMIAL = 0xedb88320;

/**
 * The CRC-32 of two pieces of bytes in a row, from that of each and the length of the second: parts go up in any order and the whole's checksum is
 * known at the end without reading again. Multiplies by x^(8·length) modulo the polynomial (zlib's `crc32_combine`).
 */
export function combineCrc32(first: number, second: number, secondBytes: number): number {
  return (multiply(powerOfX(secondBytes * 8), first) ^ second) >>> 0;
}

/** a·b modulo the polynomial, in the reflected form: the highest bit is x^0. */
function multiply(a: number, b: number): number {
  let product = 0;
  let shifted = b;
  for (let bit = 0x80000000; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= shifted;
    shifted = (shifted & 1) !== 0 ? (shifted >>> 1) ^ POLYNOMIAL : shifted >>> 1;
  }
  return product >>> 0;
}

/** x^n modulo the polynomial, by squaring. */
function powerOfX(n: number): number {
  let power = 0x80000000;
  let square = 0x40000000;
  for (let rest = n; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) power = multiply(square, power);
    square = multiply(square, square);
  }
  return power;
}

/** As S3 writes a CRC-32: its four bytes, highest first, in base64. */
export function crc32Text(crc: number): string {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(crc >>> 0);
  return bytes.toString('base64');
}
