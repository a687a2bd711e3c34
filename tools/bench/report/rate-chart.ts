/** The picture of cost and latency over the rate, with logarithmic axes; readable in light and dark. */
import { rateLoads } from './measures.js';
import type { Report, Result } from './report.js';
import { escaped } from './chart.js';
import { readable } from './table.js';

const WIDTH = 880;
const HEAD = 56;
const PANEL = 250;
/** Of a panel, what its plot keeps free at each side; to the right are the names of the lines. */
const MARGIN = { left: 70, right: 90, top: 34, bottom: 40 };

/** A line of a panel: a name, the measure of each load that it shows, and the class that colours it. */
interface Line {
  readonly name: string;
  readonly measure: (load: string) => string;
  readonly colour: string;
  /** Whether its figures are written below its points, where another line is above them. */
  readonly below?: boolean;
}

interface Point {
  readonly perSecond: number;
  readonly result: Result;
}

const panels: readonly { readonly title: string; readonly lines: readonly Line[] }[] = [
  {
    title: 'Latency in ms, from when an event was due to its receipt',
    lines: [
      { name: 'p50', measure: (load) => `${load}_p50`, colour: 'first', below: true },
      { name: 'p99', measure: (load) => `${load}_p99`, colour: 'second' },
    ],
  },
  {
    title: 'Cost in CPU ms per delivery: Pigeonpost, Temporal and PostgreSQL together',
    lines: [{ name: 'CPU', measure: (load) => `cpu_${load}_total`, colour: 'third' }],
  },
];

/** Colours as classes, because a picture cannot know on which page it is shown. */
const STYLE = `<style>
  .paper { fill: #ffffff } text { fill: #1f2328 } .grid { stroke: #d8dee4 }
  .first { stroke: #0969da } .second { stroke: #bc4c00 } .third { stroke: #1a7f37 }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117 } text { fill: #e6edf3 } .grid { stroke: #30363d }
    .first { stroke: #58a6ff } .second { stroke: #f0883e } .third { stroke: #3fb950 }
  }
</style>`;

/** An SVG of the loads that differ in their rate only; undefined when fewer than two rates were measured. */
export function drawRates(report: Report, title: string): string | undefined {
  const shown = panels
    .map((panel) => ({ ...panel, lines: panel.lines.map((line) => ({ ...line, points: pointsOf(report, line) })) }))
    .filter(({ lines }) => lines.every(({ points }) => points.length > 1));
  if (shown.length === 0) return undefined;
  const height = HEAD + shown.length * PANEL;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}"`,
    ` font-family="system-ui, sans-serif" font-size="12" role="img" aria-label="Latency and cost by rate">`,
    STYLE,
    `<rect class="paper" width="100%" height="100%"/>`,
    `<text x="10" y="22" font-size="14" font-weight="bold">Latency and cost by events per second</text>`,
    `<text x="10" y="42">${escaped(title)}</text>`,
    ...shown.map((panel, index) => drawPanel(panel.title, panel.lines, HEAD + index * PANEL)),
    `</svg>\n`,
  ].join('\n');
}

/** What was measured at each rate; a logarithm needs figures above 0. */
function pointsOf(report: Report, { measure }: Line): Point[] {
  return rateLoads.flatMap(({ perSecond, load }) => {
    const result = report[measure(load)];
    return result && Math.min(...result.runs) > 0 ? [{ perSecond, result }] : [];
  });
}

function drawPanel(title: string, lines: readonly (Line & { points: readonly Point[] })[], top: number): string {
  const rates = [...new Set(lines.flatMap(({ points }) => points.map(({ perSecond }) => perSecond)))];
  const ticks = ticksAround(lines.flatMap(({ points }) => points.flatMap(({ result }) => result.runs)));
  const right = WIDTH - MARGIN.right;
  const bottom = top + PANEL - MARGIN.bottom;
  const x = logScale(Math.min(...rates), Math.max(...rates), MARGIN.left + 20, right - 20);
  const y = logScale(ticks[0]!, ticks.at(-1)!, bottom, top + MARGIN.top);
  return [
    `<text x="10" y="${top + 18}" font-weight="bold">${escaped(title)}</text>`,
    ...ticks.flatMap((tick) => [
      `<line class="grid" x1="${MARGIN.left}" y1="${y(tick)}" x2="${right}" y2="${y(tick)}"/>`,
      `<text x="${MARGIN.left - 8}" y="${y(tick) + 4}" text-anchor="end">${readable(tick)}</text>`,
    ]),
    ...rates.map((rate) => `<text x="${x(rate)}" y="${bottom + 18}" text-anchor="middle">${readable(rate)}/s</text>`),
    ...lines.map((line) => drawLine(line, x, y, right)),
  ].join('\n');
}

type Scale = (value: number) => number;

/** A line through the medians; a bar from the smallest to the largest run where there are several. */
function drawLine(
  { name, colour, below = false, points }: Line & { points: readonly Point[] },
  x: Scale,
  y: Scale,
  right: number,
) {
  const path = points.map(({ perSecond, result }) => `${x(perSecond)},${y(result.value)}`).join(' ');
  const last = points.at(-1)!.result.value;
  return [
    `<polyline class="${colour}" points="${path}" fill="none" stroke-width="2"/>`,
    ...points.flatMap(({ perSecond, result: { value, runs } }) => [
      `<line class="${colour}" x1="${x(perSecond)}" y1="${y(Math.min(...runs))}" x2="${x(perSecond)}" y2="${y(Math.max(...runs))}" stroke-width="1"/>`,
      `<circle class="${colour}" cx="${x(perSecond)}" cy="${y(value)}" r="3" stroke-width="2" fill="none"/>`,
      `<text x="${x(perSecond)}" y="${below ? y(Math.min(...runs)) + 18 : y(Math.max(...runs)) - 8}" text-anchor="middle">${readable(value)}</text>`,
    ]),
    `<text x="${right + 8}" y="${y(last) + (below ? 10 : 0)}" font-weight="bold">${escaped(name)}</text>`,
  ].join('\n');
}

/** A position for each value between two, by its logarithm. */
function logScale(from: number, to: number, start: number, end: number): Scale {
  return (value) => {
    const part = Math.log(value / from) / Math.log(to / from);
    return Math.round((start + part * (end - start)) * 10) / 10;
  };
}

/** The values 1, 2 and 5 times a power of ten, from the last one below all numbers to the first one above them. */
function ticksAround(numbers: readonly number[]): number[] {
  const [smallest, largest] = [Math.min(...numbers), Math.max(...numbers)];
  const powers = Array.from(
    { length: Math.floor(Math.log10(largest)) - Math.floor(Math.log10(smallest)) + 3 },
    (_, index) => Math.floor(Math.log10(smallest)) - 1 + index,
  );
  const all = powers.flatMap((power) => [1, 2, 5].map((digit) => Number(`${digit}e${power}`)));
  const first = all.findLastIndex((tick) => tick < smallest);
  const last = all.findIndex((tick) => tick > largest);
  return all.slice(first, last + 1);
}
