import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AppError } from '../../../src/model/app-error.ts';
import { decodePlan, encodePlan } from '../../../src/plan/saved-plan.ts';
import { desired, edit, EMPTY, plan, recorded, SHOP, without } from './support.ts';

const made = plan(
  edit(without(SHOP, 'Alert/ops'), 'Segment', 'buyers', (spec: object) => ({ ...spec, pql: 'income > 2' })).concat(
    desired('Segment', 'new', { attributes: 'customer', pql: 'true' }),
  ),
  recorded(SHOP),
);
const bytes = Buffer.from(encodePlan(made));
const codeOf = (data: Uint8Array, version = '1.2.3'): string | undefined => {
  try {
    decodePlan(data, 'plan.bin', version);
    return undefined;
  } catch (error) {
    return error instanceof AppError ? error.code : String(error);
  }
};

describe('a saved plan', () => {
  test('comes back as it was', () => {
    expect(decodePlan(bytes, 'plan.bin', '1.2.3')).toEqual(made);
    expect(decodePlan(encodePlan(plan(SHOP, EMPTY)), 'plan.bin', '1.2.3')).toEqual(plan(SHOP, EMPTY));
  });

  test.each([
    ['nothing', Buffer.alloc(0), 'RC3011'],
    ['a text', Buffer.from('kind: Segment\n'), 'RC3011'],
    ['random bytes', Buffer.from([0, 255, 1, 254]), 'RC3011'],
    ['its beginning', bytes.subarray(0, 20), 'RC3012'],
    ['half of it', bytes.subarray(0, bytes.length >> 1), 'RC3012'],
    ['all but the last byte', bytes.subarray(0, -1), 'RC3012'],
    ['one byte more', Buffer.concat([bytes, Buffer.from('\n')]), 'RC3013'],
    ['another format', Buffer.from(bytes.toString().replace('reconcile-plan 1 ', 'reconcile-plan 2 ')), 'RC3014'],
    ['a broken header', Buffer.from(bytes.toString().replace('sha256=', 'sha255=')), 'RC3013'],
    ['another query', Buffer.from(bytes.toString().replace('income > 2', 'income > 0')), 'RC3013'],
  ])('%s is told apart', (_, data, code) => {
    expect(codeOf(data)).toBe(code);
  });

  test('of another version of the tool is stale, with both versions', () => {
    expect(() => decodePlan(bytes, 'plan.bin', '2.0.0')).toThrow(
      expect.objectContaining({ code: 'RC3014', exit: 4, message: expect.stringContaining('reconcile 1.2.3 made it, this is 2.0.0') as string }) as Error,
    );
  });

  test.each<[string, (text: string) => string]>([
    ['what is done', (text) => text.replaceAll('income > 2', 'income > 0')],
    ['to what', (text) => text.replace('"name":"ops"', '"name":"all"')],
    ['what has to hold', (text) => text.replace('"version":1', '"version":7')],
    ['for which state', (text) => text.replace('lineage-1', 'lineage-2')],
  ])('altered with a header that fits is still refused: %s', (_, change) => {
    const [, body = ''] = /^[^\n]*\n([^]*)$/.exec(bytes.toString()) ?? [];
    const other = Buffer.from(change(body));
    expect(other.toString()).not.toBe(body);
    const { createHash } = process.getBuiltinModule('node:crypto');
    const header = `reconcile-plan 1 sha256=${createHash('sha256').update(other).digest('hex')} bytes=${other.length}\n`;

    expect(codeOf(Buffer.concat([Buffer.from(header), other]))).toBe('RC3013');
  });

  test('no flipped byte and no cut goes unnoticed, and none ends in a crash', () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const other = Buffer.from(bytes);
        other[at] = (other[at] ?? 0) ^ flip;
        expect(codeOf(other)).toMatch(/^RC301[1-4]$/);
        expect(codeOf(bytes.subarray(0, at))).toMatch(/^RC301[12]$/);
      }),
      { numRuns: 500 },
    );
  });
});
