import { median, percentile } from '../../../../tools/bench/report/statistics.js';

const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);

test.each([
  [0.5, 50],
  [0.95, 95],
  [0.99, 99],
  [1, 100],
])('percentile %p of 1 to 100 is %p', (part, expected) => {
  expect(percentile(hundred, part)).toBe(expected);
});

test('the percentiles of a few numbers are among them', () => {
  expect(percentile([7], 0.99)).toBe(7);
  expect(percentile([1, 2, 3], 0.99)).toBe(3);
  expect(percentile([1, 2, 3], 0.01)).toBe(1);
});

test('the median is the middle, or between two middles', () => {
  expect(median([5, 1, 3])).toBe(3);
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([-4, 2])).toBe(-1);
});

test('of nothing there is no median', () => {
  expect(median([])).toBeNaN();
});
