import { balance, type DeliveryFact, type Facts } from '../../src/chaos/ledger';
import type { Receipt } from '../../src/chaos/receivers';

const delivery: DeliveryFact = {
  id: 'dlv_1',
  eventId: 'evt_1',
  kind: 'accepts',
  state: 'delivered',
  outcomes: ['accepted'],
};
const acknowledged = [{ planned: { n: 0, kind: 'accepts' as const }, eventId: 'evt_1', deliveryIds: ['dlv_1'] }];
const accepted: Receipt = { arrivals: 1, acceptedAt: [1_000_000] };

function facts(changes: Partial<Facts> = {}, receipt: Receipt | undefined = accepted): Facts {
  return {
    acknowledged,
    deliveries: [delivery],
    running: new Set(),
    eventsByN: new Map([[0, 1]]),
    disturbances: [],
    receipt: () => receipt,
    ...changes,
  };
}

test('what was delivered and accepted balances', () => {
  expect(balance(facts())).toMatchObject({ delivered: 1, lost: 0, unowned: 0, duplicates: 0, takenTwice: 0 });
});

test('an acknowledged event without its delivery is lost', () => {
  expect(balance(facts({ deliveries: [] }))).toMatchObject({ lost: 1 });
});

test('an event that its second receiver has no delivery of is lost', () => {
  const planned = { n: 0, kind: 'refuses' as const };
  expect(balance(facts({ acknowledged: [{ ...acknowledged[0]!, planned }] }))).toMatchObject({ lost: 1 });
});

test('what is recorded as delivered and never arrived is lost', () => {
  expect(balance(facts({}, { arrivals: 0, acceptedAt: [] }))).toMatchObject({ lost: 1 });
});

test('an open delivery needs a running workflow', () => {
  const open = [{ ...delivery, state: 'retrying', outcomes: ['refused'] }];
  expect(balance(facts({ deliveries: open }))).toMatchObject({ unowned: 1, retrying: 0 });
  expect(balance(facts({ deliveries: open, running: new Set(['dlv_1']) }))).toMatchObject({ unowned: 0, retrying: 1 });
});

test('an event taken twice despite its key shows', () => {
  expect(balance(facts({ eventsByN: new Map([[0, 2]]) }))).toMatchObject({ takenTwice: 1 });
});

test('a duplicate is explained by an interrupted attempt or by a worker that was hit', () => {
  const twice: Receipt = { arrivals: 2, acceptedAt: [1_000_000, 1_035_000] };
  const kill = (target: 'api' | 'worker-1') =>
    ({ fault: { kind: 'kill', targets: [target] }, from: 1_000_100, to: 1_000_100 }) as const;
  const interrupted = [{ ...delivery, outcomes: ['interrupted', 'accepted'] }];
  expect(balance(facts({}, twice))).toMatchObject({ duplicates: 1, duplicatesExplained: 0 });
  expect(balance(facts({ disturbances: [kill('api')] }, twice))).toMatchObject({ duplicatesExplained: 0 });
  expect(balance(facts({ disturbances: [kill('worker-1')] }, twice))).toMatchObject({ duplicatesExplained: 1 });
  expect(balance(facts({ deliveries: interrupted }, twice))).toMatchObject({ duplicatesExplained: 1 });
});
