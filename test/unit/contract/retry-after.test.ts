/** What a receiver may ask for with `Retry-After`. */
import * as fc from 'fast-check';
import { clampToSchedule, retryAfterMs } from '../../../src/contract/retry-after.js';

const NOW = new Date('2026-03-02T10:11:12.345Z');
const MAX_LENGTH = 365 * 24 * 3_600_000;

describe('retryAfterMs', () => {
  test.each([
    ['120', 120_000],
    [' 120 ', 120_000],
    ['007', 7_000],
    ['1000000000000', MAX_LENGTH],
    ['999999999999999', MAX_LENGTH],
    ['Mon, 02 Mar 2026 10:11:42 GMT', 29_655],
    ['Monday, 02-Mar-26 10:11:42 GMT', 29_655],
    ['Mon Mar  2 10:11:42 2026', 29_655],
    ['Fri, 31 Dec 9999 23:59:59 GMT', MAX_LENGTH],
  ])('%j waits %p ms', (value, wait) => {
    expect(retryAfterMs(value, NOW)).toBe(wait);
  });

  test.each([
    undefined,
    '',
    '0',
    '-1',
    '+1',
    '1.5',
    '1e3',
    '0x10',
    '1,2',
    '12 34',
    '1000000000000000000000000',
    'Mon, 02 Mar 2026 10:11:12 GMT',
    'Wed, 21 Oct 2015 07:28:00 GMT',
    'Mon, 99 Mar 2027 10:11:42 GMT',
    'Mon, 02 Mar 2027 10:11:42 +0200',
    '2027-03-02T10:11:42Z',
    'soon',
    '120s',
    'retry 2030',
    'Sunday',
    'Infinity',
    'NaN',
    '１２０',
    'Mon,\u0000 02 Mar 2027 10:11:42 GMT',
  ])('%j says nothing', (value) => {
    expect(retryAfterMs(value, NOW)).toBeUndefined();
  });

  test('reads every whole second up to a year', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: MAX_LENGTH / 1_000 }), (wait) => {
        expect(retryAfterMs(String(wait), NOW)).toBe(wait * 1_000);
        const date = new Date(NOW.getTime() + wait * 1_000);
        expect(retryAfterMs(date.toUTCString(), NOW)).toBe(wait * 1_000 - 345);
      }),
    );
  });

  test('is positive, finite and at most a year for any text', () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'0123456789.-+: MonGT') }));
    fc.assert(
      fc.property(text, (value) => {
        const wait = retryAfterMs(value, NOW) ?? 1;
        expect(wait > 0 && wait <= MAX_LENGTH).toBe(true);
      }),
    );
  });
});

describe('clampToSchedule', () => {
  test.each([
    [1, 100, 100],
    [100, 100, 100],
    [150, 100, 150],
    [200, 100, 200],
    [201, 100, 200],
    [undefined, 100, undefined],
    [100, undefined, undefined],
  ])('%p against a scheduled %p is %p', (asked, scheduled, wait) => {
    expect(clampToSchedule(asked, scheduled)).toBe(wait);
  });
});
