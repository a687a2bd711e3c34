import { attackNames, loads, loadsFor, measures, rateLoads } from '../../../../tools/bench/report/measures.js';

test('every floor is a measure, and no name stands for two', () => {
  const names = measures.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { floor } of measures) if (floor !== undefined) expect(names).toContain(floor);
});

test('what is asked for comes with its floors', () => {
  expect([...loadsFor(['batches'])].sort()).toEqual(['batches', 'raw_posts']);
  expect([...loadsFor(['emit_rate'])].sort()).toEqual(['raw_commits', 'raw_posts', 'single_calls']);
  expect([...loadsFor(['hanging_p95'])].sort()).toEqual(['hanging', 'latency', 'raw_latency', 'temporal_latency']);
  expect([...loadsFor(['one_workflow_each'])].sort()).toEqual(['one_workflow_each', 'temporal_floor']);
});

test('a shortcut is several loads, with their floors', () => {
  const rates = ['latency_5', 'latency', 'latency_100', 'latency_200', 'latency_500', 'latency_1000'];
  expect([...loadsFor(['rates'])].sort()).toEqual([...rates, 'raw_latency', 'temporal_latency'].sort());
  expect([...loadsFor(['drain'])].sort()).toEqual(['batches', 'drain_receiver', 'drain_temporal', 'raw_posts']);
});

test('the rates ascend, and each has percentiles and the cost of all processes', () => {
  const names = measures.map(({ name }) => name);
  const rates = rateLoads.map(({ perSecond }) => perSecond);
  expect([...rates].sort((a, b) => a - b)).toEqual(rates);
  for (const { load } of rateLoads) {
    for (const name of [`${load}_p50`, `${load}_p95`, `${load}_p99`, `cpu_${load}_total`])
      expect(names).toContain(name);
  }
});

test('the processor time of a load that is no floor is compared with that of its floor', () => {
  const floorOf = (name: string): string | undefined => measures.find((measure) => measure.name === name)?.floor;
  expect(floorOf('cpu_https_total')).toBe('cpu_batches_total');
  expect(floorOf('cpu_batches_total')).toBeUndefined();
});

test('has a limit and a quiet figure for every attack', () => {
  for (const attack of attackNames) {
    const name = `neighbours_${attack}`;
    expect(measures).toContainEqual({ name, unit: 'ms', load: 'neighbours', floor: `${name}_quiet`, maxRatio: 3 });
  }
  expect([...loadsFor(['neighbours'])]).toEqual(['neighbours']);
});

test('a name that is neither a load nor a measure is refused by what there is', () => {
  expect(() => loadsFor(['batchs'])).toThrow(
    `batchs is not measured; there are: ${loads.join(', ')}, rates, payloads, drain`,
  );
});
