import { createCipheriv, randomFillSync } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Client } from 'ssh2';

/** Smaller pieces leave too little behind to matter. */
const LARGE_BYTES = 8 * 1024;
const CHANNEL_DATA = 94;
const BLOCK_BYTES = 16;
const LEAST_PADDING = 4;
const RANDOM_BYTES = 8 * 1024;
/** The packet's length, its padding's length, the kind of message, the channel, the data's length. */
const LENGTH_BYTES = 4;
const BEFORE_DATA = LENGTH_BYTES + 1 + 1 + 4 + 4;

/** What ssh2 keeps to itself: the protocol's state, and the cipher AES-GCM goes through where its native addon is not built. */
interface Protocol {
  channelData?: (channel: number, data: Buffer) => void;
  readonly _kexinit?: unknown;
  readonly _packetRW?: { readonly write?: { readonly allocStart?: number } };
  readonly _cipher?: Partial<GcmCipher>;
}

interface GcmCipher {
  outSeqno: number;
  readonly _dead: boolean;
  readonly _encSSLName: 'aes-128-gcm' | 'aes-256-gcm';
  readonly _encKey: Buffer;
  readonly _encIV: Buffer;
}

/**
 * Has large pieces of data encrypted without garbage, on a connection that carries SFTP alone. ssh2 makes three buffers of each piece (the SFTP message,
 * the packet, the encrypted packet), and collecting them takes as much processor time as sending them. Here the packet is always the same one, and the
 * other two are given back as soon as they are done with. Whatever this does not know goes ssh2's way: other ciphers, compression, data written during
 * a key exchange, another version of ssh2.
 */
export function sendLean(client: Client, socket: Socket): void {
  const protocol = (client as { readonly _protocol?: Protocol })._protocol;
  const usual = protocol?.channelData?.bind(protocol);
  if (!protocol || !usual) return;
  protocol.channelData = (channel, data) => {
    const cipher = protocol._cipher;
    if (data.length >= LARGE_BYTES && sendsPlainly(protocol) && isGcm(cipher) && socket.writable) send(cipher, socket, channel, data);
    else usual(channel, data);
    releaseMessage(data);
  };
}

/** Encrypting is synchronous: one packet serves all connections of a thread. */
let packet = Buffer.allocUnsafeSlow(0);
const length = Buffer.allocUnsafeSlow(LENGTH_BYTES);

/** RFC 5647: the length in clear but authenticated, the encrypted rest, the tag. */
function send(cipher: GcmCipher, socket: Socket, channel: number, data: Buffer): void {
  const unpadded = BEFORE_DATA + data.length;
  const padding = LEAST_PADDING + ((BLOCK_BYTES - ((unpadded - LENGTH_BYTES + LEAST_PADDING) % BLOCK_BYTES)) % BLOCK_BYTES);
  const bytes = unpadded + padding;
  if (packet.length < bytes) packet = Buffer.allocUnsafeSlow(bytes);
  packet[LENGTH_BYTES] = padding;
  packet[LENGTH_BYTES + 1] = CHANNEL_DATA;
  packet.writeUInt32BE(channel, LENGTH_BYTES + 2);
  packet.writeUInt32BE(data.length, LENGTH_BYTES + 6);
  packet.set(data, BEFORE_DATA);
  pad(unpadded, padding);

  length.writeUInt32BE(bytes - LENGTH_BYTES);
  const encrypting = createCipheriv(cipher._encSSLName, cipher._encKey, cipher._encIV).setAAD(length);
  const encrypted = encrypting.update(packet.subarray(LENGTH_BYTES, bytes));
  encrypting.final();
  // The socket copies what it is given (connect-gathering.ts).
  socket.write(length);
  socket.write(encrypted);
  if (encrypted.length === encrypted.buffer.byteLength) release(encrypted.buffer);
  socket.write(encrypting.getAuthTag());
  countUp(cipher._encIV);
  cipher.outSeqno = (cipher.outSeqno + 1) >>> 0;
}

/** Random bytes in store: drawing a few costs as much as drawing thousands. */
const random = Buffer.allocUnsafeSlow(RANDOM_BYTES);
let drawn = RANDOM_BYTES;

function pad(from: number, bytes: number): void {
  if (drawn + bytes > RANDOM_BYTES) {
    randomFillSync(random);
    drawn = 0;
  }
  random.copy(packet, from, drawn, (drawn += bytes));
}

/** The last eight bytes count the packets. */
function countUp(vector: Buffer): void {
  vector.writeBigUInt64BE(BigInt.asUintN(64, vector.readBigUInt64BE(4) + 1n), 4);
}

/** ssh2 makes a buffer per message and lets go of it with its last piece. Small ones share a block that is a little larger than `poolSize`. */
function releaseMessage({ buffer, byteOffset, length }: Buffer): void {
  if (buffer.byteLength > 2 * Buffer.poolSize && byteOffset + length === buffer.byteLength) release(buffer);
}

/** Gives the memory back at once: a buffer without bytes is left for the collector. */
function release(buffer: ArrayBufferLike): void {
  if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}

function sendsPlainly({ _kexinit, _packetRW }: Protocol): boolean {
  // Packets that are compressed have no room for a head of ours.
  return _kexinit === undefined && _packetRW?.write?.allocStart === LENGTH_BYTES + 1;
}

function isGcm(cipher: Partial<GcmCipher> | undefined): cipher is GcmCipher {
  return (
    cipher?._dead === false &&
    (cipher._encSSLName === 'aes-128-gcm' || cipher._encSSLName === 'aes-256-gcm') &&
    Buffer.isBuffer(cipher._encKey) &&
    Buffer.isBuffer(cipher._encIV) &&
    typeof cipher.outSeqno === 'number'
  );
}
