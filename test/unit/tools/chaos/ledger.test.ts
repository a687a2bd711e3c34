import { balance, type DeliveryFact, type Facts } from '../../../../tools/chaos/ledger';
import type { Fault } from '../../../../tools/chaos/fault-plan';
import type { Arrival } from '../../../../tools/chaos/receivers';

const delivery: DeliveryFact = {
  id: 'dlv_1',
  eventId: 'evt_1',
  kind: 'accepts',
  state: 'delivered',
  inBurst: false,
  outcomes: ['accepted'],
};
const acknowledged = [{ planned: { n: 0, kind: 'accepts' as const }, eventId: 'evt_1', deliveryIds: ['dlv_1'] }];
const acceptedAt = (at: number): Arrival => ({ at, endedAt: at + 5, accepted: true });
const refusedAt = (at: number): Arrival => ({ at, endedAt: at + 5, accepted: false });

function books(changes: Partial<Facts> = {}, arrivals: readonly Arrival[] = [acceptedAt(1_000_000)]) {
  return balance({
    acknowledged,
    deliveries: [delivery],
    unowned: [],
    eventsByN: new Map([[0, 1]]),
    disturbances: [],
    arrivals: () => arrivals,
    ...changes,
  }).books;
}

const hit = (fault: Fault, from: number, to = from) => ({ fault, from, to });
const killed = (target: 'api' | 'worker-1', at: number) => hit({ kind: 'kill', targets: [target] }, at);

test('what was delivered and accepted balances', () => {
  const { books: balanced, problems } = balance({
    acknowledged,
    deliveries: [delivery],
    unowned: [],
    eventsByN: new Map([[0, 1]]),
    disturbances: [],
    arrivals: () => [acceptedAt(1_000_000)],
  });
  expect(balanced).toEqual({
    acknowledged: 1,
    delivered: 1,
    inBursts: 0,
    failed: 0,
    cancelled: 0,
    duplicates: 0,
    duplicatesUnexplained: 0,
    lost: 0,
    unowned: 0,
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
  expect(books({ deliveries: [] })).toMatchObject({ lost: 1 });
});

test('an event that its second receiver has no delivery of is lost', () => {
  const planned = { n: 0, kind: 'refuses' as const };
  expect(books({ acknowledged: [{ ...acknowledged[0]!, planned }] })).toMatchObject({ lost: 1 });
});

test('what is recorded as delivered and was never accepted is lost', () => {
  expect(books({}, [])).toMatchObject({ lost: 1 });
  expect(books({}, [refusedAt(1_000_000)])).toMatchObject({ lost: 1 });
});

test('an open delivery is not settled, and counts as unowned where nothing would go on with it', () => {
  const open = [{ ...delivery, state: 'retrying', outcomes: ['refused'] }];
  expect(books({ deliveries: open })).toMatchObject({ unsettled: 1, unowned: 0 });
  expect(books({ deliveries: open, unowned: ['dlv_1'] })).toMatchObject({ unsettled: 1, unowned: 1 });
});

test('what ended visibly is settled', () => {
  expect(books({ deliveries: [{ ...delivery, state: 'failed' }] })).toMatchObject({ failed: 1, unsettled: 0 });
  expect(books({ deliveries: [{ ...delivery, state: 'cancelled' }] })).toMatchObject({ cancelled: 1, unsettled: 0 });
});

test('an event taken twice despite its key shows', () => {
  expect(books({ eventsByN: new Map([[0, 2]]) })).toMatchObject({ takenTwice: 1 });
});

test('an attempt recorded twice shows', () => {
  const twice = [{ ...delivery, outcomes: ['refused', 'accepted'] }];
  expect(books({ deliveries: twice })).toMatchObject({ recordedTwice: 1 });
  const withoutAnswer = [{ ...delivery, outcomes: ['failed', 'interrupted', 'accepted'] }];
  expect(books({ deliveries: withoutAnswer })).toMatchObject({ recordedTwice: 0, attemptsInterrupted: 1 });
});

test('a duplicate is explained by a worker that died while the outcome was being recorded', () => {
  const twice = [acceptedAt(1_000_000), acceptedAt(1_035_000)];
  const interrupted = { ...delivery, outcomes: ['interrupted', 'accepted'] };
  const unexplained = (disturbances: Facts['disturbances']): number =>
    books({ deliveries: [interrupted], disturbances }, twice).duplicatesUnexplained;
  expect(books({ deliveries: [interrupted] }, twice)).toMatchObject({ duplicates: 1, duplicatesUnexplained: 1 });
  expect(unexplained([killed('api', 1_000_100)])).toBe(1);
  expect(unexplained([killed('worker-1', 1_000_100)])).toBe(0);
  expect(unexplained([killed('worker-1', 1_000_100 - 60_000)])).toBe(1);
  expect(unexplained([killed('worker-1', 1_000_100 + 60_000)])).toBe(1);
});

test('a worker that stood still explains what arrived meanwhile', () => {
  const frozen: Fault = { kind: 'frozen', target: 'worker-2', forMs: 34_000 };
  const twice = [acceptedAt(1_000_000), acceptedAt(1_035_000)];
  const seen = books({ disturbances: [hit(frozen, 990_000, 1_034_900)] }, twice);
  expect(seen).toMatchObject({ duplicates: 1, duplicatesUnexplained: 0 });
});

test('a request without a record needs an explanation too', () => {
  const arrivals = [{ at: 1_000_000, accepted: false }, acceptedAt(1_035_000)];
  expect(books({}, arrivals)).toMatchObject({ attemptsUnrecorded: 1, attemptsUnexplained: 1 });
  const disturbances = [killed('worker-1', 1_010_000)];
  expect(books({ disturbances }, arrivals)).toMatchObject({ attemptsUnrecorded: 1, attemptsUnexplained: 0 });
});
