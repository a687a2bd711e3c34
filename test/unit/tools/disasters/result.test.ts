import { resultOf, type DisasterFacts } from '../../../../tools/disasters/result.js';
import type { Arrival } from '../../../../tools/chaos/receivers.js';

const COPIED_AT = 1_000;
const MATCHES = { running: 1, missing: 0, closed: 0, pause: 0, unknown: 0, settled: 0, mended: 0, failed: 0 };

const arrival = (accepted: boolean): Arrival => ({ at: 10, endedAt: 20, accepted });
const acknowledged = (eventId: string, acknowledgedAt: number) => ({
  planned: { n: 0, kind: 'accepts' as const, orderingKey: null },
  eventId,
  deliveryIds: ['dlv_1'],
  key: 'request-1',
  sentAt: acknowledgedAt - 1,
  acknowledgedAt,
});
const delivery = {
  id: 'dlv_1',
  eventId: 'evt_1',
  kind: 'accepts' as const,
  state: 'delivered',
  isDirect: true,
  outcomes: ['accepted'],
};

function result(changes: Partial<DisasterFacts> = {}, arrivals: readonly Arrival[] = [arrival(true)]) {
  return resultOf({
    acknowledged: [acknowledged('evt_1', COPIED_AT - 1)],
    copiedAt: COPIED_AT,
    knownEvents: new Set(['evt_1']),
    deliveries: [delivery],
    arrivals: () => arrivals,
    ownerless: [],
    pausedOnOneSide: [],
    reconciled: { found: { ...MATCHES, missing: 2 }, applied: { ...MATCHES, mended: 2 }, after: MATCHES, tookMs: 1 },
    late: MATCHES,
    atEnd: MATCHES,
    unreconciled: 0,
    ...changes,
  });
}

test('what was delivered once is no problem', () => {
  const { result: figures, problems } = result();
  expect(figures).toMatchObject({ lost: 0, duplicates: 0, unknownEvents: 0, open: 0, mended: 2, foundAfter: 0 });
  expect(problems).toEqual([]);
});

test('an event that was acknowledged after the copy may be unknown', () => {
  const events = [acknowledged('evt_1', COPIED_AT - 1), acknowledged('evt_2', COPIED_AT + 1)];
  const { result: figures, problems } = result({ acknowledged: events });
  expect(figures).toMatchObject({ unknownEvents: 1, lost: 0 });
  expect(problems).toEqual([]);
});

test('an unknown event is lost where the database was not restored, or copied later', () => {
  const knownEvents = new Set<string>();
  for (const changes of [{ knownEvents, copiedAt: undefined }, { knownEvents }]) {
    const { result: figures, problems } = result(changes);
    expect(figures).toMatchObject({ unknownEvents: 1, lost: 1 });
    expect(problems).toHaveLength(1);
  }
});

test('a delivery that no receiver accepted is lost, whatever its state', () => {
  const { result: figures, problems } = result({}, [arrival(false)]);
  expect(figures).toMatchObject({ lost: 1, duplicates: 0 });
  expect(problems).toEqual(['never accepted: dlv_1 for accepts, delivered, attempts accepted']);
});

test('what did not match when everything was delivered, and was mended, is no problem', () => {
  const { result: figures, problems } = result({ late: { ...MATCHES, settled: 1 } });
  expect(figures).toMatchObject({ foundLate: 1, foundAtEnd: 0 });
  expect(problems).toEqual([]);
});

test('what was accepted again is counted, and no problem', () => {
  const { result: figures, problems } = result({}, [arrival(true), arrival(false), arrival(true), arrival(true)]);
  expect(figures).toMatchObject({ duplicates: 2, lost: 0 });
  expect(problems).toEqual([]);
});

test.each([
  { open: 1, changes: { deliveries: [{ ...delivery, state: 'paused' }] } },
  { ownerless: 1, changes: { ownerless: ['dlv_1'] } },
  { pausedOnOneSide: 1, changes: { pausedOnOneSide: ['dlv_1'] } },
  { foundAtEnd: 3, changes: { atEnd: { ...MATCHES, missing: 1, closed: 1, settled: 1 } } },
  { unreconciled: 4, changes: { unreconciled: 4 } },
])('is a problem: $changes', ({ changes, ...expected }) => {
  const { result: figures, problems } = result(changes);
  expect(figures).toMatchObject(expected);
  expect(problems).toHaveLength(1);
});
