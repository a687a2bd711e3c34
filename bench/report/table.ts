/** The report as a table of text. */
import type { Report, Result } from './report.js';

const heads = ['Measure', 'Median', 'Unit', 'Floor', 'Of floor', 'Runs'];
/** Columns whose cells are numbers. */
const numeric = new Set([1, 3, 4]);

/** One aligned line per measure, below their heads. */
export function layOut(report: Report): string {
  const rows = [heads, ...Object.entries(report).map(([name, result]) => row(name, result))];
  const widths = heads.map((_, column) => Math.max(...rows.map((cells) => cells[column]!.length)));
  return rows
    .map((cells) =>
      cells
        .map((cell, column) => (numeric.has(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function row(name: string, { value, unit, floor, ratio, runs }: Result): string[] {
  return [
    name,
    readable(value),
    unit,
    floor === null ? '' : readable(floor),
    ratio === null ? '' : `${readable(ratio)} ×`,
    runs.length === 1 ? '' : `${readable(Math.min(...runs))} – ${readable(Math.max(...runs))}`,
  ];
}

/** A number as people write it. */
export function readable(number: number): string {
  return number.toLocaleString('en', { maximumSignificantDigits: 3 });
}
