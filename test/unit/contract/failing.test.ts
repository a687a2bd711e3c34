import {
  afterFailure,
  disabledBecause,
  disablesAt,
  FIVE_DAYS_OF_FAILURES,
  type Failing,
  type FailingRule,
} from '../../../src/contract/failing.js';

const H = 3_600_000;
const at = (hour: number): Date => new Date(Date.UTC(2026, 2, 2) + hour * H);
/** A millisecond, in hours. */
const MS = 1 / H;
const rule = FIVE_DAYS_OF_FAILURES;

/** What is remembered after failures at these hours; null stands for an accepted attempt. */
function play(hours: readonly (number | null)[], by: FailingRule | null = rule): Failing | null {
  return hours.reduce<Failing | null>(
    (failing, hour) => (hour === null ? null : afterFailure(failing, at(hour), by ?? undefined)),
    null,
  );
}

test.each<[name: string, hours: (number | null)[], clock: number | null]>([
  ['one failure', [0], null],
  ['many failures at once', [0, 0, 0], null],
  ['a moment less than 12 h apart', [0, 12 - MS], null],
  ['exactly 12 h apart', [0, 12], 12],
  ['exactly 24 h apart', [0, 24], 24],
  ['a moment more than 24 h apart', [0, 24 + MS], null],
  ['the second and the third within a span', [0, 10, 25], 25],
  ['an early cluster and one a day after its last', [0, 1, 11, 35], 35],
  ['an early cluster and one more than a day after its last', [0, 1, 11, 35 + MS], null],
  ['a span that begins again', [0, 30, 41, 42], 42],
  ['one failure every 25 h', [0, 25, 50, 75, 100, 125, 150], null],
  ['a success between the two', [0, null, 12], null],
  ['a success before the two', [0, null, 5, 17], 17],
  ['later failures leave the clock', [0, 12, 13, 100], 12],
  ['the earlier failure is reported later', [12, 0, 6], null],
])('the clock of %s', (_name, hours, clock) => {
  expect(play(hours)?.clockSince ?? null).toEqual(clock === null ? null : at(clock));
});

test.each<[name: string, hours: (number | null)[], disabled: boolean]>([
  ['a moment less than 5 d after the clock started', [0, 12, 132 - MS], false],
  ['exactly 5 d after the clock started', [0, 12, 132], true],
  ['5 d after the first failure but not after the clock started', [0, 24, 120], false],
  ['long after', [0, 12, 1_000], true],
  ['failures of 5 d whose clock never started', [0, 25, 50, 75, 100, 125, 150], false],
  ['a success a moment before', [0, 12, 100, null, 132], false],
  ['a success, and 5 d of failures after it', [0, 12, null, 100, 112, 232], true],
])('disabled by %s', (_name, hours, disabled) => {
  expect(disabledBecause(play(hours)!, rule)).toBe(disabled ? 'every attempt has failed for 5 days' : undefined);
});

test('without a condition for its start the clock runs from the first failure', () => {
  const byAccount = { forMs: 36 * H };
  expect(disablesAt(play([7], byAccount), byAccount)).toEqual(at(43));
  expect(disabledBecause(play([0, 36 - MS], byAccount)!, byAccount)).toBeUndefined();
  expect(disabledBecause(play([0, 36], byAccount)!, byAccount)).toBe('every attempt has failed for 36 hours');
});

test('without a rule failures are only counted', () => {
  const failing = play([0, 12, 500], null);
  expect(failing).toMatchObject({ since: at(0), lastAt: at(500), attempts: 3 });
  expect(disabledBecause(failing!, undefined)).toBeUndefined();
  expect(disablesAt(failing, undefined)).toBeNull();
});

test('an owner can see when it will be', () => {
  expect(disablesAt(null, rule)).toBeNull();
  expect(disablesAt(play([0]), rule)).toBeNull();
  expect(disablesAt(play([0, 12]), rule)).toEqual(at(132));
});
