import { attackNames, loads, loadsFor, measures } from '../../../../tools/bench/report/measures.js';

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

test('has a limit and a quiet figure for every attack', () => {
  for (const attack of attackNames) {
    const name = `neighbours_${attack}`;
    expect(measures).toContainEqual({ name, unit: 'ms', load: 'neighbours', floor: `${name}_quiet`, maxRatio: 3 });
  }
  expect([...loadsFor(['neighbours'])]).toEqual(['neighbours']);
});

test('a name that is neither a load nor a measure is refused by what there is', () => {
  expect(() => loadsFor(['batchs'])).toThrow(`batchs is not measured; there are: ${loads.join(', ')}`);
});
