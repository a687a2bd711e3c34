/** The report as a table of text. */
import type { Report, Result } from './report.js';

const heads = ['Measure', 'Median', 'Unit', 'Floor', 'Of floor', 'Wanted', 'Runs'];
/** Columns whose cells are numbers. */
const numeric = new Set([1, 3, 4]);
/** The column that is omitted where nothing is in it. */
const WANTED = heads.indexOf('Wanted');

/** One aligned line per measure, below their heads. */
export function layOut(report: Report): string {
  const rows = [heads, ...Object.entries(report).map(([name, result]) => row(name, result))];
  const isWanted = Object.values(report).some(({ maxRatio }) => maxRatio !== undefined);
  const shown = [...heads.keys()].filter((column) => column !== WANTED || isWanted);
  return align(rows, numeric, shown);
}

/** Lines of cells in columns, those of `numeric` columns to the right; `shown` are the columns to show, all if absent. */
export function align(
  rows: readonly (readonly string[])[],
  numeric: ReadonlySet<number>,
  shown: readonly number[] = [...rows[0]!.keys()],
): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((cells) => cells[column]!.length)));
  return rows
    .map((cells) =>
      shown
        .map((column) => cells[column]![numeric.has(column) ? 'padStart' : 'padEnd'](widths[column]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function row(name: string, { value, unit, floor, ratio, runs, maxRatio }: Result): string[] {
  return [
    name,
    readable(value),
    unit,
    floor === null ? '' : readable(floor),
    ratio === null ? '' : `${readable(ratio)} ×`,
    maxRatio === undefined || ratio === null ? '' : `≤ ${maxRatio} ×: ${ratio <= maxRatio ? 'yes' : 'no'}`,
    runs.length === 1 ? '' : `${readable(Math.min(...runs))} – ${readable(Math.max(...runs))}`,
  ];
}

/** A number as people write it. */
export function readable(number: number): string {
  return number.toLocaleString('en', { maximumSignificantDigits: 3 });
}
