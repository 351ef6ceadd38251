import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fileNamePattern, isStaticName, longestFileNameBytes, renderFileName, type FileNameRequest } from '../../../src/activation/file-name.ts';
import { parseFileNameTemplate } from '../../../src/activation/file-name-template.ts';
import { checkFolderPath, renderFolder, splitFolderPath } from '../../../src/activation/folder-path.ts';
import { parseInstant } from '../../../src/model/instant.ts';

const instant = parseInstant('2026-12-01T02:03:04Z') ?? 0;
const render = (change: Partial<FileNameRequest>): string =>
  renderFileName({
    template: '%DESTINATION%_%SEGMENT_ID%_%DATETIME(YYYYMMdd_HHmmss)%',
    destination: 'campaign-emea',
    segment: 'buyers',
    segmentTitle: 'Käufer & Co',
    format: 'csv',
    compression: 'none',
    encrypted: false,
    instant,
    ...change,
  });
const problems = (template: string): string[] => parseFileNameTemplate(template).problems.map(({ message, hint }) => `${message}: ${hint}`);

describe('rendering', () => {
  test('the default, its parts, formats and compressions', () => {
    expect(render({})).toBe('campaign-emea_buyers_20261201_020304.csv');
    expect(render({ part: 2 })).toBe('campaign-emea_buyers_20261201_020304_2.csv');
    expect(render({ part: 12, compression: 'gzip' })).toBe('campaign-emea_buyers_20261201_020304_12.csv.gz');
    expect(render({ format: 'json', compression: 'zstd' })).toMatch(/\.json\.zst$/);
    expect(render({ format: 'parquet' })).toMatch(/020304\.parquet$/);
    expect(render({ format: 'parquet', compression: 'gzip', part: 2 })).toMatch(/_2\.gz\.parquet$/);
    expect(render({ compression: 'gzip', part: 2, encrypted: true })).toMatch(/_2\.csv\.gz\.pgp$/);
  });

  test('every token', () => {
    expect(render({ template: '%DESTINATION_NAME%-%SEGMENT_NAME%-%TIMESTAMP%' })).toBe(`campaign-emea-K_ufer___Co-${instant / 1000}.csv`);
    expect(render({ template: 'x%DATETIME(YYYY-MM-DD HH.mm.ss)%y' })).toBe('x2026-12-01 02.03.04y.csv');
    expect(render({ template: '%SEGMENT_NAME%', segmentTitle: undefined })).toBe('buyers.csv');
    expect(render({ template: '%SEGMENT_NAME%', segmentTitle: '../../etc/😀' })).toBe('.._.._etc__.csv');
  });

  test('names of two slots differ, names of one slot never', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e9 }), fc.integer({ min: 0, max: 4e9 }), (a, b) => {
        expect(render({ instant: a * 1000 }) === render({ instant: b * 1000 })).toBe(a === b);
      }),
    );
  });
});

describe('templates that are refused', () => {
  test.each([
    ['%SEGMENTID%', 'did you mean `%SEGMENT_ID%`?'],
    ['%segment_id%', 'did you mean `%SEGMENT_ID%`?'],
    ['%SANDBOX_NAME%', '${var.NAME}'],
    ['%DATETIME%', 'does not say how the time is written'],
    ['%DATETIME()%', 'does not say how the time is written'],
    ['%DATETIME(MMDDYYYY_HHMMSS)%', 'ss is the second'],
    ['%DATETIME(yyyyMMdd)%', 'YYYY is the year'],
    ['%DATETIME(YYYY/MM/dd)%', 'cannot hold `/`'],
    ['%DATETIME(YYYYMMdd)%_%TIMESTAMP%', 'exclude each other'],
    ['%TIMESTAMP%%TIMESTAMP%', 'stands twice'],
    ['%SEGMENT_ID%_%SEGMENT_ID%', 'stands twice'],
    ['100%_%SEGMENT_ID%', 'belongs to no token'],
    ['%SEGMENT_ID(x)%', 'takes nothing in brackets'],
    ['a/b_%SEGMENT_ID%', 'storage.path'],
    ['..\\x', 'cannot hold `\\`'],
    ['a:b', 'cannot hold `:`'],
    ['a\nb', 'U+000A'],
    ['a\u0000b', 'U+0000'],
    ['.hidden', 'cannot begin with `.`'],
    ['-rf', 'cannot begin with `-`'],
    ['', 'cannot be empty'],
    ['x ', 'cannot end in white space'],
  ])('%j', (template, told) => expect(problems(template).join('\n')).toContain(told));

  test('places lie in the template', () => {
    expect(parseFileNameTemplate('ab%NO_SUCH%').problems).toMatchObject([{ start: 2, end: 11 }]);
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('%', 'DATETIME', '(', ')', 'SEGMENT_ID', 'YYYY', 'x', '/', 'é', '😀', ' ') }), (template) => {
        for (const { start, end } of parseFileNameTemplate(template).problems) {
          expect(start).toBeGreaterThanOrEqual(0);
          expect(end).toBeLessThanOrEqual(template.length);
        }
      }),
    );
  });
});

test('patterns keep the time open; lengths count bytes, the number of a part and every suffix', () => {
  const naming = { destination: 'd', segment: 's', segmentTitle: undefined, format: 'csv', compression: 'none', encrypted: false } as const;
  expect(fileNamePattern({ ...naming, template: '%SEGMENT_ID%_%TIMESTAMP%', compression: 'gzip' })).toBe('s_%TIMESTAMP%.csv.gz');
  expect(longestFileNameBytes({ ...naming, template: 'é' })).toBe(2 + '_99999.csv'.length);
  expect(longestFileNameBytes({ ...naming, template: 'é', encrypted: true })).toBe(2 + '_99999.csv.pgp'.length);
  expect([isStaticName('%SEGMENT_ID%'), isStaticName('%TIMESTAMP%')]).toEqual([true, false]);
});

test('folders: tokens at the end of a path only', () => {
  expect(splitFolderPath('in/audiences/%SEGMENT_NAME%/%SEGMENT_ID%')).toEqual({ fixed: 'in/audiences', tokens: '%SEGMENT_NAME%/%SEGMENT_ID%' });
  expect(splitFolderPath('%SEGMENT_ID%')).toEqual({ fixed: '', tokens: '%SEGMENT_ID%' });
  expect(splitFolderPath('/%SEGMENT_ID%')).toEqual({ fixed: '/', tokens: '%SEGMENT_ID%' });
  expect(splitFolderPath('out')).toEqual({ fixed: 'out', tokens: '' });
  expect(renderFolder('%SEGMENT_NAME%/%SEGMENT_ID%', 's', '..')).toBe('__/s');
  expect(checkFolderPath('in/%SEGMENT_ID%/x')?.message).toContain('cannot stand there');
  expect(checkFolderPath('in/%DATETIME(YYYY)%')?.message).toContain('%DATETIME(YYYY)%');
  expect(checkFolderPath('in/%SEGMENT_ID%')).toBeUndefined();
});
