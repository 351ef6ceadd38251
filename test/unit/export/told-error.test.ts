import { expect, test } from 'vitest';
import { recordable } from '../../../src/export/told-error.ts';

test.each([
  ['IO Error: cannot open "/srv/acme/data/x.csv"', 'IO Error: cannot open "data/x.csv"'],
  ['`/srv/acme/.reconcile/spool/r1`: no space; /srv/acme//out', '`.reconcile/spool/r1`: no space; out'],
  ['the folder `/srv/acme` is read-only', 'the folder `.` is read-only'],
  ['/srv/acme-two/x, /srv/acme.old and /mnt/srv/acme_b stay', '/srv/acme-two/x, /srv/acme.old and /mnt/srv/acme_b stay'],
])('%s', (text, told) => {
  expect(recordable({ code: 'RC1', message: text, hint: text }, { project: '/srv/acme' })).toEqual({ code: 'RC1', message: told, hint: told });
  expect(recordable({ code: 'RC1', message: text }, { project: '/srv/acme' })).toEqual({ code: 'RC1', message: told });
});

test('a name that looks like a pattern is taken as it is', () => {
  expect(recordable({ code: 'RC1', message: 'in /srv/a+b (1)/x and /srv/aab (1)/x' }, { project: '/srv/a+b (1)' }).message).toBe('in x and /srv/aab (1)/x');
});
