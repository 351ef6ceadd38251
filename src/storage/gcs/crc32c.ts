/** Castagnoli's polynomial, reflected. */
const POLYNOMIAL = 0x82f63b78;
const SLICES = 8;
/** Eight tables of 256 numbers of four bytes, one behind the other. */
const TABLE_BYTES = 1024;
const TABLES = makeTables();

/**
 * Continues a CRC-32C, which Google computes of every object, over `data`; start with 0. Eight bytes per step ("slicing by 8"): Node has only the other
 * CRC-32 built in.
 */
export function crc32c(data: Buffer, before = 0): number {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let crc = ~before;
  let at = 0;
  const stop = data.length - (data.length % SLICES);
  for (; at < stop; at += SLICES) {
    const low = crc ^ view.getInt32(at, true);
    const high = view.getInt32(at + 4, true);
    crc =
      entry(7, low) ^
      entry(6, low >>> 8) ^
      entry(5, low >>> 16) ^
      entry(4, low >>> 24) ^
      entry(3, high) ^
      entry(2, high >>> 8) ^
      entry(1, high >>> 16) ^
      entry(0, high >>> 24);
  }
  for (; at < data.length; at += 1) crc = entry(0, crc ^ view.getUint8(at)) ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** As Google writes it: four bytes, highest first, in base64. */
export function crc32cText(crc: number): string {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(crc);
  return bytes.toString('base64');
}

function entry(slice: number, byte: number): number {
  return TABLES.getInt32(slice * TABLE_BYTES + (byte & 255) * 4, true);
}

function makeTables(): DataView {
  const tables = new DataView(new ArrayBuffer(SLICES * TABLE_BYTES));
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc & 1) !== 0 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    tables.setInt32(byte * 4, crc, true);
  }
  for (let slice = 1; slice < SLICES; slice += 1) {
    for (let byte = 0; byte < 256; byte += 1) {
      const before = tables.getInt32((slice - 1) * TABLE_BYTES + byte * 4, true);
      tables.setInt32(slice * TABLE_BYTES + byte * 4, (before >>> 8) ^ tables.getInt32((before & 255) * 4, true), true);
    }
  }
  return tables;
}
