/** Summaries of numbers. */

/** The number below which so large a part (0 to 1) of the numbers lies, by nearest rank. */
export function percentile(numbers: readonly number[], part: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.max(Math.ceil(part * sorted.length) - 1, 0)] ?? NaN;
}

/** The middle one; of an even count, the mean of both in the middle. */
export function median(numbers: readonly number[]): number {
  return (
    (percentile(numbers, 0.5) +
      percentile(
        numbers.map((number) => -number),
        0.5,
      ) *
        -1) /
    2
  );
}
