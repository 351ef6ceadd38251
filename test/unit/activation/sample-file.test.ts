import { expect, test } from 'vitest';
import { effectiveActivation } from '../../../src/activation/effective.ts';
import { buildSampleFile } from '../../../src/activation/sample-file.ts';
import type { ActivationSpec, AttributesSpec, FileSpec } from '../../../src/model/generated/kinds.ts';

const ATTRIBUTES: AttributesSpec = {
  source: 's',
  dataset: 'd',
  identities: { crmId: { column: 'id', primary: true } },
  fields: {
    birth: { column: 'b', type: 'date' },
    seen: { column: 's', type: 'timestamp' },
    income: { column: 'i', type: 'decimal(9,2)' },
    owner: { column: 'o', type: 'boolean' },
    note: { column: 'n', type: 'string' },
  },
};

function sample(file: FileSpec): string | undefined {
  const spec: ActivationSpec = {
    destination: 'd',
    segments: [{ name: 'seg', file }],
    mapping: [
      { source: 'identityMap.crmId', target: 'id' },
      { source: 'note', target: 'a "note", long' },
      { source: 'birth' },
      { source: 'seen' },
      { source: 'income' },
      { source: 'owner' },
      { source: 'identityMap.crmId', target: 'hashed', transform: 'sha256' },
      { source: 'segmentMembership.status', target: 'status' },
    ],
  };
  const effective = effectiveActivation('a', spec);
  const [segment] = effective.segments;
  return segment === undefined ? undefined : buildSampleFile(effective, segment.file, ATTRIBUTES)?.text;
}

test('the very form of the files: quotes, delimiter, formats, line ends', () => {
  expect(sample({ csv: { delimiter: ';', lineEnding: 'CRLF', dateFormat: 'DD.MM.YYYY' } })?.split('\r\n')).toEqual([
    'id;"a ""note"", long";birth;seen;income;owner;hashed;status',
    `id-1;"a ""note"", long 1";01.01.1990;1990-01-01T12:30:00Z;1.5;true;${'1'.repeat(64)};realized`,
    `id-2;"a ""note"", long 2";02.01.1990;1990-01-02T12:30:00Z;2.5;false;${'2'.repeat(64)};exited`,
    '',
  ]);
  expect(sample({ csv: { header: false, quote: '' } })?.split('\n')[0]).toMatch(/^id-1,a "note", long 1,/);
});

test('JSON by line or as an array; Parquet has none', () => {
  expect(
    (sample({ format: 'json' }) ?? '')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)[0],
  ).toMatchObject({ id: 'id-1', income: 1.5, owner: true });
  expect(JSON.parse(sample({ format: 'json', json: { array: true } }) ?? '')).toHaveLength(2);
  expect(sample({ format: 'parquet' })).toBeUndefined();
});
