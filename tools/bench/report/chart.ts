/** The report as a picture: a panel per unit, a bar per measure, a mark where its floor is, a line from run to run. */
import type { Report, Result } from './report.js';
import { readable } from './table.js';

const WIDTH = 880;
const LABELS = 230;
const BARS = WIDTH - LABELS - 110;
const ROW = 22;
const HEAD = 40;

/** An SVG of everything that was measured. */
export function draw(report: Report, title: string): string {
  const units = [...new Set(Object.values(report).map(({ unit }) => unit))];
  let y = HEAD;
  const panels = units.map((unit) => {
    const rows = Object.entries(report).filter(([, result]) => result.unit === unit);
    const drawn = panel(unit, rows, y);
    y += HEAD + rows.length * ROW;
    return drawn;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}"`,
    ` font-family="system-ui, sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="white"/>`,
    `<text x="10" y="22" font-size="14" font-weight="bold">${escaped(title)}</text>`,
    ...panels,
    `</svg>\n`,
  ].join('\n');
}

function panel(unit: string, rows: readonly [string, Result][], top: number): string {
  const largest = Math.max(...rows.flatMap(([, { floor, runs }]) => [floor ?? 0, ...runs]));
  const x = (value: number): number => LABELS + (largest > 0 ? (value / largest) * BARS : 0);
  const bars = rows.map(([name, result], index) => bar(name, result, top + HEAD - 10 + index * ROW, x));
  return [`<text x="10" y="${top + 20}" font-weight="bold">${escaped(unit)}</text>`, ...bars].join('\n');
}

function bar(name: string, { value, floor, ratio, runs }: Result, y: number, x: (value: number) => number): string {
  const middle = y + ROW / 2;
  const shown = `${readable(value)}${ratio === null ? '' : ` (${readable(ratio)} ×)`}`;
  return [
    `<text x="${LABELS - 8}" y="${middle + 4}" text-anchor="end">${escaped(name)}</text>`,
    `<rect x="${LABELS}" y="${y + 3}" width="${x(value) - LABELS}" height="${ROW - 6}" fill="#8fb4d9"/>`,
    line(x(Math.min(...runs)), middle, x(Math.max(...runs)), middle, '#33506e'),
    ...(floor === null ? [] : [line(x(floor), y + 1, x(floor), y + ROW - 1, '#c0392b')]),
    `<text x="${Math.max(x(value), x(floor ?? 0), x(Math.max(...runs))) + 6}" y="${middle + 4}">${shown}</text>`,
  ].join('\n');
}

function line(x1: number, y1: number, x2: number, y2: number, colour: string): string {
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" stroke="${colour}" stroke-width="2"/>`;
}

/** Text as it is written in an SVG. */
export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
