import { draw } from '../../../../tools/bench/report/chart.js';
import type { Measure } from '../../../../tools/bench/report/measures.js';
import { makeReport, type Figures } from '../../../../tools/bench/report/report.js';
import { layOut } from '../../../../tools/bench/report/table.js';

const measures: Measure[] = [
  { name: 'slow', unit: 'deliveries/s', floor: 'fast' },
  { name: 'fast', unit: 'deliveries/s' },
  { name: 'late_p99', unit: 'ms' },
  { name: 'never', unit: 'ms', floor: 'late_p99' },
];
const figures: Figures[] = [
  { fast: 1_000, late_p99: 12.31234 },
  { slow: 100 },
  { fast: 2_000 },
  { slow: 400, unknown: 1 },
  { fast: 4_000 },
  { slow: 300 },
];
const report = makeReport(measures, figures);

test('a report has the median, its floor, what each run has of the floor of that run, and the runs', () => {
  expect(report).toEqual({
    slow: { value: 300, unit: 'deliveries/s', floor: 2_000, ratio: 0.1, runs: [100, 400, 300] },
    fast: { value: 2_000, unit: 'deliveries/s', floor: null, ratio: null, runs: [1_000, 2_000, 4_000] },
    late_p99: { value: 12.31, unit: 'ms', floor: null, ratio: null, runs: [12.31] },
  });
});

test('a floor that was measured less often is its median for the other runs', () => {
  const once = makeReport(measures, [{ fast: 1_000 }, { slow: 100 }, { slow: 200 }, { slow: 300 }]);
  expect(once.slow).toMatchObject({ floor: 1_000, ratio: 0.2 });
});

test('without its floor, or with one of nothing, a figure has no ratio', () => {
  expect(makeReport(measures, [{ slow: 100 }]).slow).toMatchObject({ floor: null, ratio: null });
  expect(makeReport(measures, [{ slow: 100, fast: 0 }]).slow).toMatchObject({ floor: 0, ratio: null });
});

test('the table has a line per measure, in order', () => {
  expect(layOut(report).split('\n')).toEqual([
    'Measure   Median  Unit          Floor  Of floor  Runs',
    'slow         300  deliveries/s  2,000     0.1 ×  100 – 400',
    'fast       2,000  deliveries/s                   1,000 – 4,000',
    'late_p99    12.3  ms',
  ]);
});

test('says whether a ratio is as small as wanted where a measure has a limit', () => {
  const limited: Measure[] = [
    { name: 'quiet', unit: 'ms' },
    { name: 'near', unit: 'ms', floor: 'quiet', maxRatio: 3 },
    { name: 'far', unit: 'ms', floor: 'quiet', maxRatio: 3 },
  ];
  expect(layOut(makeReport(limited, [{ quiet: 10, near: 30, far: 31 }])).split('\n')).toEqual([
    'Measure  Median  Unit  Floor  Of floor  Wanted      Runs',
    'quiet        10  ms',
    'near         30  ms       10       3 ×  ≤ 3 ×: yes',
    'far          31  ms       10     3.1 ×  ≤ 3 ×: no',
  ]);
});

test('the chart shows every measure and escapes what is not its own', () => {
  const svg = draw(report, '2 × <CPU> & more');
  expect(svg).toContain('2 × &lt;CPU> &amp; more');
  for (const name of Object.keys(report)) expect(svg).toContain(`>${name}</text>`);
  expect(svg).not.toMatch(/NaN|undefined/);
});
