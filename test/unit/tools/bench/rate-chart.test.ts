import { measures, rateLoads } from '../../../../tools/bench/report/measures.js';
import { drawRates } from '../../../../tools/bench/report/rate-chart.js';
import { makeReport, type Figures } from '../../../../tools/bench/report/report.js';

const figuresOf = (rates: readonly number[]): Figures[] =>
  rateLoads
    .filter(({ perSecond }) => rates.includes(perSecond))
    .map(({ load, perSecond }) => ({
      [`${load}_p50`]: perSecond / 10 + 1,
      [`${load}_p95`]: perSecond,
      [`${load}_p99`]: perSecond * 2,
      [`cpu_${load}_total`]: 60 / perSecond,
    }));
const all = rateLoads.map(({ perSecond }) => perSecond);

test('shows p50, p99 and cost at every rate, and escapes what is not its own', () => {
  const svg = drawRates(makeReport(measures, figuresOf(all)), '2 × <CPU> & more')!;
  expect(svg).toContain('2 × &lt;CPU> &amp; more');
  for (const rate of all) expect(svg).toContain(`>${rate.toLocaleString('en')}/s</text>`);
  for (const name of ['p50', 'p99', 'CPU']) expect(svg).toContain(`>${name}</text>`);
  expect(svg.match(/<circle/g)).toHaveLength(3 * all.length);
  expect(svg).toContain('prefers-color-scheme: dark');
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
});

test('every point lies inside the picture, a higher rate further to the right and a higher figure further up', () => {
  const svg = drawRates(makeReport(measures, figuresOf(all)), '')!;
  const [, height] = /viewBox="0 0 \d+ (\d+)"/.exec(svg)!;
  const lines = [...svg.matchAll(/<polyline class="(\w+)" points="([^"]+)"/g)].map(([, colour, points]) => ({
    colour,
    points: points!.split(' ').map((point) => point.split(',').map(Number) as [number, number]),
  }));
  for (const { colour, points } of lines) {
    const xs = points.map(([x]) => x);
    const ys = points.map(([, y]) => y);
    expect([...xs].sort((a, b) => a - b)).toEqual(xs);
    // Latency grows with the rate here and cost falls.
    expect([...ys].sort((a, b) => (colour === 'third' ? a - b : b - a))).toEqual(ys);
    for (const y of ys) expect(y).toBeGreaterThan(40);
    for (const y of ys) expect(y).toBeLessThan(Number(height));
  }
});

test('figures that are powers of ten, or all the same, have ticks around them', () => {
  const flat = rateLoads.map(({ load }) => ({ [`${load}_p50`]: 1, [`${load}_p95`]: 1, [`${load}_p99`]: 1 }));
  const svg = drawRates(makeReport(measures, flat), '')!;
  expect(svg).toContain('>0.5</text>');
  expect(svg).toContain('>2</text>');
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
});

test('without processor times it shows latency alone', () => {
  const svg = drawRates(
    makeReport(
      measures,
      figuresOf(all).map(({ ...figures }) => withoutCost(figures)),
    ),
    '',
  )!;
  expect(svg).toContain('Latency in ms');
  expect(svg).not.toContain('Cost in CPU ms');
});

test('of fewer than two rates there is no picture', () => {
  expect(drawRates(makeReport(measures, figuresOf([20])), '')).toBeUndefined();
  expect(drawRates(makeReport(measures, []), '')).toBeUndefined();
});

function withoutCost(figures: Figures): Figures {
  return Object.fromEntries(Object.entries(figures).filter(([name]) => !name.startsWith('cpu_')));
}
