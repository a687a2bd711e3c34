import { balance, type DeliveryFact, type Facts } from '../../../../tools/chaos/ledger.js';
import type { Fault } from '../../../../tools/chaos/fault-plan.js';
import type { Arrival } from '../../../../tools/chaos/receivers.js';

const delivery: DeliveryFact = {
  id: 'dlv_1',
  eventId: 'evt_1',
  kind: 'accepts',
  state: 'delivered',
  isDirect: false,
  outcomes: ['accepted'],
};
const acknowledged = [
  {
    planned: { n: 0, kind: 'accepts' as const, orderingKey: null as string | null },
    eventId: 'evt_1',
    deliveryIds: ['dlv_1'],
    key: 'request-1',
    sentAt: 1_000,
    acknowledgedAt: 1_010,
  },
];
const acceptedAt = (at: number): Arrival => ({ at, endedAt: at + 5, accepted: true });
const refusedAt = (at: number): Arrival => ({ at, endedAt: at + 5, accepted: false });

function balances(changes: Partial<Facts> = {}, arrivals: readonly Arrival[] = [acceptedAt(1_000_000)]) {
  return balance({
    acknowledged,
    deliveries: [delivery],
    ownerless: [],
    eventsByN: new Map([[0, 1]]),
    disturbances: [],
    arrivals: () => arrivals,
    ...changes,
  }).balances;
}

const hit = (fault: Fault, from: number, to = from) => ({ fault, from, to });
const killed = (target: 'api' | 'worker-1', at: number) => hit({ kind: 'kill', targets: [target] }, at);

test('what was delivered and accepted balances', () => {
  const { balances: balanced, problems } = balance({
    acknowledged,
    deliveries: [delivery],
    ownerless: [],
    eventsByN: new Map([[0, 1]]),
    disturbances: [],
    arrivals: () => [acceptedAt(1_000_000)],
  });
  expect(balanced).toEqual({
    acknowledged: 1,
    delivered: 1,
    direct: 0,
    failed: 0,
    cancelled: 0,
    duplicates: 0,
    duplicatesUnexplained: 0,
    lost: 0,
    outOfOrder: 0,
    ordered: 0,
    ownerless: 0,
    unsettled: 0,
    takenTwice: 0,
    recordedTwice: 0,
    attemptsInterrupted: 0,
    attemptsUnrecorded: 0,
    attemptsUnexplained: 0,
  });
  expect(problems).toEqual([]);
});

test('an acknowledged event without its delivery is lost', () => {
  expect(balances({ deliveries: [] })).toMatchObject({ lost: 1 });
});

test('an event that its second receiver has no delivery of is lost', () => {
  const planned = { n: 0, kind: 'refuses' as const, orderingKey: null };
  expect(balances({ acknowledged: [{ ...acknowledged[0]!, planned }] })).toMatchObject({ lost: 1 });
});

describe('two events of one ordering key', () => {
  /** The second one is in the same request, or sent so long after the response to the first. */
  const twoEvents = (key: string, sentAfterMs: number) => {
    const [first] = acknowledged;
    const planned = { n: 0, kind: 'accepts' as const, orderingKey: 'a' };
    const sentAt = first!.acknowledgedAt + sentAfterMs;
    return [
      { ...first!, planned },
      { ...first!, planned: { ...planned, n: 1 }, eventId: 'evt_2', deliveryIds: ['dlv_2'], key, sentAt },
    ];
  };
  const deliveries = [delivery, { ...delivery, id: 'dlv_2', eventId: 'evt_2' }];
  const accepting =
    (first: number, second: number): Facts['arrivals'] =>
    (_, eventId) =>
      eventId === 'evt_1' ? [refusedAt(0), acceptedAt(first)] : [acceptedAt(second)];

  test.each([
    ['in the sequence of their requests', 'request-2', 5, 2_000, 2_100, 0],
    ['in the other sequence', 'request-2', 5, 2_100, 2_000, 1],
    ['in the other sequence of one request', 'request-1', 0, 2_100, 2_000, 1],
    ['in any sequence where the requests overlapped', 'request-2', -5, 2_100, 2_000, 0],
  ])('are accepted %s', (_, key, sentAfterMs, first, second, outOfOrder) => {
    const facts = { acknowledged: twoEvents(key, sentAfterMs), deliveries, arrivals: accepting(first, second) };
    expect(balances(facts)).toMatchObject({ outOfOrder, ordered: 2 });
  });
});

test('what is recorded as delivered and was never accepted is lost', () => {
  expect(balances({}, [])).toMatchObject({ lost: 1 });
  expect(balances({}, [refusedAt(1_000_000)])).toMatchObject({ lost: 1 });
});

test('an open delivery is not settled, and counts as unowned where nothing would go on with it', () => {
  const open = [{ ...delivery, state: 'retrying', outcomes: ['refused'] }];
  expect(balances({ deliveries: open })).toMatchObject({ unsettled: 1, ownerless: 0 });
  expect(balances({ deliveries: open, ownerless: ['dlv_1'] })).toMatchObject({ unsettled: 1, ownerless: 1 });
});

test('what ended visibly is settled', () => {
  expect(balances({ deliveries: [{ ...delivery, state: 'failed' }] })).toMatchObject({ failed: 1, unsettled: 0 });
  expect(balances({ deliveries: [{ ...delivery, state: 'cancelled' }] })).toMatchObject({ cancelled: 1, unsettled: 0 });
});

test('an event taken twice despite its key shows', () => {
  expect(balances({ eventsByN: new Map([[0, 2]]) })).toMatchObject({ takenTwice: 1 });
});

test('an attempt recorded twice shows', () => {
  const twice = [{ ...delivery, outcomes: ['refused', 'accepted'] }];
  expect(balances({ deliveries: twice })).toMatchObject({ recordedTwice: 1 });
  const withoutResponse = [{ ...delivery, outcomes: ['failed', 'interrupted', 'accepted'] }];
  expect(balances({ deliveries: withoutResponse })).toMatchObject({ recordedTwice: 0, attemptsInterrupted: 1 });
});

test('a duplicate is explained by a worker that died while the outcome was being recorded', () => {
  const twice = [acceptedAt(1_000_000), acceptedAt(1_035_000)];
  const interrupted = { ...delivery, outcomes: ['interrupted', 'accepted'] };
  const unexplained = (disturbances: Facts['disturbances']): number =>
    balances({ deliveries: [interrupted], disturbances }, twice).duplicatesUnexplained;
  expect(balances({ deliveries: [interrupted] }, twice)).toMatchObject({ duplicates: 1, duplicatesUnexplained: 1 });
  expect(unexplained([killed('api', 1_000_100)])).toBe(1);
  expect(unexplained([killed('worker-1', 1_000_100)])).toBe(0);
  expect(unexplained([killed('worker-1', 1_000_100 - 60_000)])).toBe(1);
  expect(unexplained([killed('worker-1', 1_000_100 + 60_000)])).toBe(1);
});

test('a worker that stood still explains what arrived in the meantime', () => {
  const frozen: Fault = { kind: 'frozen', target: 'worker-2', forMs: 34_000 };
  const twice = [acceptedAt(1_000_000), acceptedAt(1_035_000)];
  const seen = balances({ disturbances: [hit(frozen, 990_000, 1_034_900)] }, twice);
  expect(seen).toMatchObject({ duplicates: 1, duplicatesUnexplained: 0 });
});

test('a request without a record needs an explanation too', () => {
  const arrivals = [{ at: 1_000_000, accepted: false }, acceptedAt(1_035_000)];
  expect(balances({}, arrivals)).toMatchObject({ attemptsUnrecorded: 1, attemptsUnexplained: 1 });
  const disturbances = [killed('worker-1', 1_010_000)];
  expect(balances({ disturbances }, arrivals)).toMatchObject({ attemptsUnrecorded: 1, attemptsUnexplained: 0 });
});
