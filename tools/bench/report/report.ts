/** From the figures of all runs to what is reported. */
import type { Measure } from './measures.js';
import { median } from './statistics.js';

/** The figures of one run of a load, by measure. */
export type Figures = Readonly<Record<string, number>>;

/** What is reported of a measure: its median and that of its floor, and how the one relates to the other. */
export interface Result {
  readonly value: number;
  readonly unit: string;
  readonly floor: number | null;
  /** The median of what each run has of the floor of the same run. */
  readonly ratio: number | null;
  /** The figure of each run. */
  readonly runs: readonly number[];
  /** The largest ratio that is wanted, where there is one. */
  readonly maxRatio?: number;
}

export type Report = Readonly<Record<string, Result>>;

/** Puts the figures of all runs together, in the order of the measures; what was not measured is omitted. */
export function makeReport(measures: readonly Measure[], figures: readonly Figures[]): Report {
  const runsOf = (name: string): number[] => figures.flatMap((each) => (name in each ? [each[name]!] : []));
  return Object.fromEntries(
    measures
      .map((measure) => ({ ...measure, runs: runsOf(measure.name) }))
      .filter(({ runs }) => runs.length > 0)
      .map(({ name, unit, floor, maxRatio, runs }) => {
        const floors = floor === undefined ? [] : runsOf(floor);
        const ratios = runs.map((run, index) => run / (floors[index] ?? median(floors))).filter(Number.isFinite);
        return [
          name,
          {
            value: rounded(median(runs)),
            unit,
            floor: floors.length > 0 ? rounded(median(floors)) : null,
            ratio: ratios.length > 0 ? rounded(median(ratios)) : null,
            runs: runs.map(rounded),
            ...(maxRatio !== undefined && { maxRatio }),
          },
        ];
      }),
  );
}

/** To four significant digits: no run is more exact. */
export function rounded(number: number): number {
  return Number(number.toPrecision(4));
}
