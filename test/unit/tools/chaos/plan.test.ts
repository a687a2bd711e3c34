import { countByKind } from '../../../../tools/chaos/fault-plan.js';
import { react } from '../../../../tools/chaos/behaviour.js';
import { makePlan, receiverKinds } from '../../../../tools/chaos/plan.js';

const options = { seed: 7, events: 500, seconds: 75 };

test('the same seed plans the same, another seed does not', () => {
  expect(makePlan(options)).toEqual(makePlan(options));
  expect(makePlan({ ...options, seed: 8 })).not.toEqual(makePlan(options));
});

test('every event is emitted once, in order', () => {
  const numbers = makePlan(options).requests.flatMap(({ events }) => events.map(({ n }) => n));
  expect(numbers).toEqual(Array.from({ length: 500 }, (_, n) => n));
});

test('a deck of faults holds each kind, at moments within two thirds of the load and in order', () => {
  const { faults } = makePlan({ ...options, seconds: 80 });
  const moments = faults.map(({ at }) => at);
  expect(moments).toEqual([...moments].sort((a, b) => a - b));
  expect(Math.max(...moments)).toBeLessThan(500 * (2 / 3));
  expect(countByKind(faults)).toEqual({
    'kill api': 1,
    'kill worker': 2,
    'kill postgres': 1,
    'kill temporal': 1,
    'kill some together': 3,
    'kill all': 1,
    'api restart': 1,
    'worker restart': 1,
    'postgres restart': 1,
    'temporal restart': 1,
    'postgres outage': 1,
    'temporal outage': 1,
    'postgres read-only': 1,
    'postgres frozen': 1,
    'temporal frozen': 1,
    'worker frozen': 1,
    'worker frozen past the time limit': 1,
  });
});

test('twenty short runs meet every kind of fault', () => {
  const short = Array.from({ length: 20 }, (_, index) => makePlan({ seed: index + 1, events: 500, seconds: 30 }));
  const deck = makePlan({ ...options, seconds: 80 }).faults;
  const met = countByKind(short.flatMap(({ faults }) => faults));
  expect(Object.keys(met).sort()).toEqual(Object.keys(countByKind(deck)).sort());
});

test('receivers accept in the end, but for the one that never does', () => {
  for (const kind of receiverKinds) {
    const last = react(1, kind, 3, 2, 15_000);
    const accepts = last.kind === 'trickle' || (last.kind === 'response' && last.status === 200);
    expect(accepts).toBe(kind !== 'fails');
  }
});
