/** Periods of the overview, times with their zone, and what became of an attempt in words. */
import { outcomeText } from '../../../src/client/outcome-text.js';
import { backlogAddresses } from '../../../dashboard/src/pages/overview/backlog-addresses.js';
import { basis } from '../../../dashboard/src/pages/overview/basis.js';
import { periodQuery, readPeriod } from '../../../dashboard/src/pages/overview/period.js';
import { moment } from '../../../dashboard/src/parts/format.js';

test.each<[query: string, period: object]>([
  ['', { name: 'today' }],
  ['window=7d', { name: '7d' }],
  ['window=odd', { name: 'today' }],
  ['window=custom&from=2026-03-02T10:00:00%2B02:00&to=odd', { name: 'custom', from: '2026-03-02T08:00:00.000Z' }],
])('the address %j has a period', (query, period) => {
  expect(readPeriod(new URLSearchParams(query))).toEqual(period);
});

test('today begins at midnight, and a period of its own without a start is the last day', () => {
  const now = new Date(2026, 2, 2, 15, 30);
  expect(periodQuery({ name: 'today' }, now)).toEqual({ from: new Date(2026, 2, 2).toISOString() });
  expect(periodQuery({ name: '7d' }, now)).toEqual({ window: '7d' });
  expect(periodQuery({ name: 'custom' }, now)).toEqual({ window: '24h' });
  expect(periodQuery({ name: 'custom', from: '2026-03-02T08:00:00.000Z' }, now)).toEqual({
    from: '2026-03-02T08:00:00.000Z',
  });
});

test('times have their zone', () => {
  const zone = new Intl.DateTimeFormat('en-GB', { timeZoneName: 'short' })
    .formatToParts(new Date('2026-03-02T10:11:12Z'))
    .find(({ type }) => type === 'timeZoneName')!.value;
  expect(moment('2026-03-02T10:11:12Z').endsWith(` ${zone}`)).toBe(true);
});

test.each([
  [{ outcome: 'accepted', status: 200, reason: null }, '200 accepted by the receiver'],
  [{ outcome: 'refused', status: 503, reason: 'status' }, '503 refused by the receiver'],
  [{ status: 503, reason: 'status' }, '503 refused by the receiver'],
  [{ status: 204, reason: null }, '204 accepted by the receiver'],
  [{ outcome: 'failed', status: null, reason: 'refused' }, 'the host refused the connection'],
  [{ outcome: 'failed', status: null, reason: 'blocked' }, 'not sent by Pigeonpost: the address is not allowed'],
  [{ outcome: 'interrupted', status: null, reason: 'interrupted' }, 'interrupted'],
  [{ outcome: 'failed', status: null, reason: 'new' }, 'new'],
  [{ status: null, reason: null }, ''],
])('%j is said once and the same everywhere', (outcome, text) => {
  expect(outcomeText(outcome)).toBe(text);
});

test('figures of many deliveries are said to be of a sample', () => {
  expect(basis([{ deliveries: 2_000 }, { deliveries: 3_000 }])).toBe('latency of attempts with a response');
  expect(basis([{ deliveries: 2_000 }, { deliveries: 3_001 }])).toContain('from a sample of about 5,000 deliveries');
});

test('the backlog leads to its deliveries, of the same scope and whenever they were created', () => {
  expect(backlogAddresses({ accountId: 'acc_1' })).toEqual([
    { state: 'pending', address: '/deliveries?state=pending&accountId=acc_1' },
    { state: 'retrying', address: '/deliveries?state=retrying&accountId=acc_1' },
  ]);
});
