import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc32c, crc32cText } from '../../../src/storage/gcs/crc32c.ts';
import { PartBuffers } from '../../../src/storage/part-buffers.ts';
import { plainCause } from '../../../src/storage/plain-cause.ts';
import { cutParts, runParts } from '../../../src/storage/run-parts.ts';
import { combineCrc32 } from '../../../src/storage/s3/combine-crc32.ts';
import { isUnfinishedName, unfinishedName } from '../../../src/storage/unfinished-name.ts';

describe('checksums', () => {
  it('computes the CRC-32C of the published examples', () => {
    // RFC 3720, appendix B.4.
    expect(crc32c(Buffer.alloc(32)).toString(16)).toBe('8a9136aa');
    expect(crc32c(Buffer.alloc(32, 0xff)).toString(16)).toBe('62a8ab43');
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
    expect(crc32cText(crc32c(Buffer.from('123456789')))).toBe('4waSgw==');
  });

  it('continues a CRC-32C over pieces', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), (bytes, at) => {
        const whole = Buffer.from(bytes);
        expect(crc32c(whole.subarray(at), crc32c(whole.subarray(0, at)))).toBe(crc32c(whole));
      }),
    );
  });

  it('combines the CRC-32 of parts into that of the whole', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 500 }), fc.uint8Array({ maxLength: 500 }), (one, two) => {
        expect(combineCrc32(crc32(one), crc32(two), two.length)).toBe(crc32(Buffer.concat([one, two])));
      }),
    );
  });
});

describe('parts', () => {
  it('cover the file without gap or overlap, and are never too many', () => {
    fc.assert(
      fc.property(fc.nat(10 ** 12), (bytes) => {
        const parts = cutParts(bytes, 8 * 2 ** 20, 10_000);
        expect(parts.length).toBeLessThanOrEqual(10_000);
        let at = 0;
        for (const [index, part] of parts.entries()) {
          expect(part).toMatchObject({ number: index + 1, start: at });
          at += part.bytes;
        }
        expect(at).toBe(bytes);
      }),
      { numRuns: 20 },
    );
  });
});

describe('parts on their way', () => {
  it('end with the first failure: none starts any more, and those that run are waited for', async () => {
    const started: number[] = [];
    const ended: number[] = [];
    const ran = runParts([0, 1, 2, 3, 4], 2, async (part) => {
      started.push(part);
      await new Promise((go) => setTimeout(go, part === 0 ? 1 : 20));
      if (part === 0) throw new Error('part 0');
      ended.push(part);
    });

    await expect(ran).rejects.toThrow('part 0');
    expect([started, ended]).toEqual([[0, 1], [1]]);
  });

  it('have their memory again and again, except that of one that failed: the request may still read it', async () => {
    const buffers = new PartBuffers(1, 8);
    const memoryOf = (bytes: number): Promise<ArrayBufferLike> => buffers.use(bytes, async ({ buffer }) => buffer);
    const first = await memoryOf(8);
    let failed: ArrayBufferLike | undefined;
    const failing = buffers.use(3, async ({ buffer }) => {
      failed = buffer;
      throw new Error('cut');
    });

    await expect(failing).rejects.toThrow('cut');
    expect(failed).toBe(first);
    const next = await memoryOf(8);
    expect(next).not.toBe(first);
    expect(await memoryOf(1)).toBe(next);
  });
});

describe('temporary names', () => {
  it('are stable, hidden, recognised, and short enough for any file system', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 255, unit: 'grapheme-ascii' }), fc.string({ minLength: 1 }), (name, token) => {
        const temporary = unfinishedName(name, token);
        expect(temporary).toBe(unfinishedName(name, token));
        expect(temporary.startsWith('.')).toBe(true);
        expect(isUnfinishedName(temporary)).toBe(true);
        expect(Buffer.byteLength(temporary)).toBeLessThanOrEqual(255);
      }),
    );
    expect(unfinishedName('x.csv', 'run-1')).toBe('.x.csv.run-1.part');
    expect(unfinishedName('x.csv', '../../etc')).toBe(`.x.csv.${createHash('sha256').update('../../etc').digest('hex').slice(0, 32)}.part`);
  });
});

describe('causes', () => {
  it('keep no request, no header and no signed address', () => {
    const vendor = Object.assign(
      new Error('GET https://acct.blob.example/c/b?sv=2026&sig=canary failed', { cause: new Error('inner https://h/x?sig=canary') }),
      {
        code: 'AuthenticationFailed',
        request: { headers: { authorization: 'canary' } },
      },
    );

    const plain = plainCause(vendor);

    expect(JSON.stringify([plain, Object.entries(plain), plain.message, plain.cause, String(plain.cause)])).not.toContain('canary');
    expect(plain.message).toBe('GET https://acct.blob.example/c/b?… failed (AuthenticationFailed)');
  });
});
