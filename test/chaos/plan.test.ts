import { react } from '../../src/chaos/behaviour';
import { makePlan, receiverKinds } from '../../src/chaos/plan';

const options = { seed: 7, events: 500, seconds: 75 };

test('the same seed plans the same, another seed does not', () => {
  expect(makePlan(options)).toEqual(makePlan(options));
  expect(makePlan({ ...options, seed: 8 })).not.toEqual(makePlan(options));
});

test('every event is emitted once, in order', () => {
  const numbers = makePlan(options).requests.flatMap(({ events }) => events.map(({ n }) => n));
  expect(numbers).toEqual(Array.from({ length: 500 }, (_, n) => n));
});

test('a deck of faults holds each kind once, at moments within the load and in order', () => {
  const { faults } = makePlan(options);
  const moments = faults.map(({ at }) => at);
  expect(new Set(faults.map(({ fault }) => JSON.stringify(fault))).size).toBe(15);
  expect(moments).toEqual([...moments].sort((a, b) => a - b));
  expect(Math.max(...moments)).toBeLessThan(500);
});

test('receivers accept in the end, but for the one that never does', () => {
  for (const kind of receiverKinds) {
    const last = react(1, kind, 3, 2, 15_000);
    const accepts = last.kind === 'trickle' || (last.kind === 'answer' && last.status === 200);
    expect(accepts).toBe(kind !== 'fails');
  }
});
