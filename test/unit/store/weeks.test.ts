/** The weeks of partitions. */
import { expiry, weekOf, weeksAfter } from '../../../src/store/weeks.js';

const at = (time: string): Date => new Date(time);

test.each([
  ['2026-11-16T00:00:00.000Z', '2026-11-16T00:00:00.000Z'],
  ['2026-11-22T23:59:59.999Z', '2026-11-16T00:00:00.000Z'],
  ['2026-11-23T00:00:00.000Z', '2026-11-23T00:00:00.000Z'],
  ['2027-01-01T12:00:00.000Z', '2026-12-28T00:00:00.000Z'],
  ['1970-01-01T00:00:00.000Z', '1969-12-29T00:00:00.000Z'],
])('returns for %s the week that starts at %s', (time, week) => {
  expect(weekOf(at(time))).toEqual(at(week));
});

test('adds weeks independently of daylight saving time', () => {
  expect(weeksAfter(at('2026-10-19T00:00:00Z'), 2)).toEqual(at('2026-11-02T00:00:00Z'));
});

test.each([
  // On a Monday, the day a week before is the start of a week.
  ['2026-11-23T00:00:00.000Z', 7, '2026-11-16T00:00:00.000Z'],
  ['2026-11-22T23:59:59.999Z', 7, '2026-11-09T00:00:00.000Z'],
  ['2026-11-25T12:00:00.000Z', 1, '2026-11-23T00:00:00.000Z'],
  ['2026-11-25T12:00:00.000Z', 90, '2026-08-24T00:00:00.000Z'],
])('at %s, data with a retention of %d days expires when it is older than %s', (now, days, before) => {
  expect(expiry(at(now), days)).toEqual(at(before));
});
