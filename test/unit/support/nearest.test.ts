import { expect, test } from 'vitest';
import { nearest } from '../../../src/support/nearest.ts';

test.each([
  ['Segmnt', ['Source', 'Segment'], 'Segment'],
  ['homeAddres.countryCode', ['homeAddress.city', 'homeAddress.countryCode'], 'homeAddress.countryCode'],
  ['LOCAL', ['local', 'sftp'], 'local'],
  ['recieved', ['received'], 'received'],
  ['customer', ['purchases'], undefined],
  ['5h', ['3h', '6h'], undefined],
  ['', ['a'], undefined],
  ['exact', ['exact', 'exacts'], 'exact'],
])('%s', (word, candidates, wanted) => {
  expect(nearest(word, candidates)).toBe(wanted);
});

test('ten thousand names are looked through at once', () => {
  const names = Array.from({ length: 10_000 }, (_, number) => `segment-of-the-long-name-${number}`);
  const started = performance.now();

  expect(nearest('segment-of-the-lng-name-9999', names)).toBe('segment-of-the-long-name-9999');
  expect(performance.now() - started).toBeLessThan(2000);
});
