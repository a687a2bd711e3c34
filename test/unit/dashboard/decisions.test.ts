/** What the dashboard decides without a browser: filters, forms, words and figures. */
import type { Delivery } from '../../../dashboard/src/api/shapes.js';
import { changesOf, valuesOf, withValue } from '../../../dashboard/src/form/values.js';
import { fieldOf } from '../../../dashboard/src/form/schema.js';
import { attemptTimes, groupSchedules } from '../../../dashboard/src/pages/contracts/group-schedules.js';
import { readHeaders } from '../../../dashboard/src/pages/contracts/read-headers.js';
import { jobStates, jobTarget, type JobAction } from '../../../dashboard/src/pages/deliveries/job-filter.js';
import { listAddress, matches, readFilters } from '../../../dashboard/src/pages/deliveries/filters.js';
import { merge } from '../../../dashboard/src/pages/deliveries/merge.js';
import { progressText } from '../../../dashboard/src/pages/subscriptions/progress-text.js';
import { countsByState } from '../../../dashboard/src/pages/subscriptions/recovery-body.js';
import { testTypes, withGroups } from '../../../dashboard/src/pages/subscriptions/type-choices.js';
import { asCurl } from '../../../dashboard/src/pages/delivery/curl.js';
import { phasesOf } from '../../../dashboard/src/pages/delivery/phase-list.js';
import { counted, duration, fromNow, percent, prettyJson, took } from '../../../dashboard/src/parts/format.js';
import { USUAL_WORDS } from '../../../dashboard/src/parts/words.js';
import { ticks } from '../../../dashboard/src/parts/ticks.js';

const HOUR = 3_600_000;

function delivery(id: string, changes: Partial<Delivery> = {}): Delivery {
  return {
    id,
    eventId: 'evt_1',
    accountId: 'acc_1',
    accountName: 'Acme',
    subscriptionId: 'sub_1',
    url: 'https://example.com/',
    provider: 'standard',
    type: 'user.created',
    state: 'pending',
    stateReason: null,
    attemptCount: 0,
    redeliveries: 0,
    lastStatus: null,
    lastReason: null,
    nextAttemptAt: null,
    deliverAt: null,
    expiresAt: null,
    supersedes: null,
    priority: 'normal',
    orderingKey: null,
    blocked: false,
    waitsForBatch: false,
    batchId: null,
    batchEvents: null,
    workflowId: `delivery-${id}`,
    temporalUrl: null,
    createdAt: '2026-03-02T10:00:00.000Z',
    updatedAt: '2026-03-02T10:00:00.000Z',
    settledAt: null,
    ...changes,
  };
}

describe('words', () => {
  test.each([
    [0, '0 ms'],
    [999, '999 ms'],
    [5_000, '5 s'],
    [90_000, '1 min 30 s'],
    [2 * HOUR, '2 h'],
    [27 * HOUR, '1 d 3 h'],
    [24 * HOUR + 5_000, '1 d'],
  ])('%i ms is %s', (ms, text) => expect(duration(ms)).toBe(text));

  test.each([
    [0.42, '0.4 ms'],
    [0, '0 ms'],
    [120.4, '120 ms'],
    [1_240, '1.24 s'],
    [61_000, '1 min 1 s'],
  ])('an attempt of %d ms took %s', (ms, text) => expect(took(ms)).toBe(text));

  test.each([
    [0, 'now'],
    [-8_000, '8 s ago'],
    [90_000, 'in 1 min'],
    [-49 * HOUR, '2 d ago'],
  ])('%i ms from now is %s', (away, text) => expect(fromNow(1_000_000_000 + away, 1_000_000_000)).toBe(text));

  test.each([
    [1, '100 %'],
    [0.99999, '99.9 %'],
    [0.29, '29 %'],
    [0, '0 %'],
  ])('a rate of %d is %s', (rate, text) => expect(percent(rate)).toBe(text));

  test('counts in the singular and plural', () => {
    expect([counted(1, 'attempt'), counted(1_234, 'delivery', 'deliveries')]).toEqual([
      '1 attempt',
      '1,234 deliveries',
    ]);
  });

  test('leaves text that is no JSON as it is', () => {
    expect(prettyJson('{"a":1}')).toBe('{\n  "a": 1\n}');
    expect(prettyJson('<html>')).toBe('<html>');
  });
});

describe('filters', () => {
  test('are read from an address and written to it; what cannot be is omitted', () => {
    const filters = { state: 'failed', type: 'user.created', from: '2026-03-02T10:00:00.000Z' };
    const address = listAddress(filters);
    expect(readFilters(new URL(address, 'http://localhost').searchParams)).toEqual(filters);
    expect(readFilters(new URLSearchParams('state=lost&from=yesterday&type=&other=1'))).toEqual({});
    expect(listAddress({})).toBe('/deliveries');
  });

  test('take a delivery by every field and by time, the end excluded', () => {
    const one = delivery('dlv_1');
    expect(matches(one, {})).toBe(true);
    expect(matches(one, { state: 'pending', accountId: 'acc_1', from: one.createdAt })).toBe(true);
    expect(matches(one, { to: one.createdAt })).toBe(false);
    expect(matches(one, { provider: 'other' })).toBe(false);
  });

  const page = (ids: string[], nextCursor: string | null = null) => ({
    data: ids.map((id) => delivery(id)),
    nextCursor,
    searchedSince: null,
  });
  const pages = (...list: ReturnType<typeof page>[]) => ({ pages: list, pageParams: list.map(() => undefined) });
  const idsOf = (merged: ReturnType<typeof merge>) => merged.pages.map(({ data }) => data.map(({ id }) => id));

  test.each([
    ['a new one first', pages(page(['d3', 'd1'])), 'd4', [['d4', 'd3', 'd1']]],
    ['one in between at its position', pages(page(['d3', 'd1'])), 'd2', [['d3', 'd2', 'd1']]],
    ['the oldest last, where nothing follows', pages(page(['d3', 'd2'])), 'd1', [['d3', 'd2', 'd1']]],
    ['nothing of a page that was not read', pages(page(['d3', 'd2'], 'more')), 'd1', [['d3', 'd2']]],
    ['a changed one where it was', pages(page(['d3', 'd2'], 'more')), 'd2', [['d3', 'd2']]],
    [
      'one of a later page there',
      pages(page(['d5', 'd4'], 'more'), page(['d3', 'd1'])),
      'd2',
      [
        ['d5', 'd4'],
        ['d3', 'd2', 'd1'],
      ],
    ],
    ['the first into an empty list', pages(page([])), 'd1', [['d1']]],
  ])('put %s', (_, before, id, after) => {
    expect(idsOf(merge(before, delivery(id, { state: 'failed' }), {}))).toEqual(after);
  });

  test('show the new state, and drop what no longer belongs', () => {
    const before = pages(page(['d2', 'd1']));
    const changed = delivery('d1', { state: 'delivered' });
    expect(merge(before, changed, {}).pages[0]?.data[1]).toBe(changed);
    expect(idsOf(merge(before, changed, { state: 'pending' }))).toEqual([['d2']]);
  });

  test('say which states an action applies to', () => {
    const inList = (action: JobAction, state?: string) =>
      jobStates(action, { filters: state === undefined ? {} : { state }, ticked: [] });
    expect(inList('redeliver')).toEqual(['failed', 'cancelled']);
    expect(inList('redeliver', 'delivered')).toEqual(['delivered']);
    expect(inList('cancel', 'failed')).toEqual([]);
    expect([undefined, 'retrying', 'paused'].map((state) => inList('retry', state))).toEqual([
      ['retrying'],
      ['retrying'],
      [],
    ]);
    const now = new Date('2026-03-02T12:00:00.000Z');
    const filters = { type: 'a.b', to: '2030-01-01T00:00:00Z' };
    expect(jobTarget('cancel', { filters, ticked: [] }, now)).toMatchObject({
      filter: { eventType: 'a.b', states: ['pending', 'retrying', 'paused'], to: now.toISOString() },
      allowDelivered: false,
    });
  });

  test('say which ticked rows an action applies to, and that delivered ones are sent again', () => {
    const ticked = [
      { id: 'd1', state: 'delivered' },
      { id: 'd2', state: 'failed' },
    ] as const;
    const target = { filters: { type: 'a.b' }, ticked };
    expect(jobStates('retry', target)).toEqual([]);
    expect(jobTarget('redeliver', target, new Date())).toEqual({
      filter: { deliveryIds: ['d1', 'd2'], states: ['failed', 'delivered'] },
      allowDelivered: true,
    });
  });
});

test('adds up what a recovery would take by state, whatever its event types', () => {
  const counts = [
    { state: 'failed', type: 'a', count: 1 },
    { state: 'retrying', type: 'a', count: 2 },
    { state: 'failed', type: 'b', count: 3 },
  ] as const;
  expect(countsByState({ dryRun: true, total: 6, counts: [...counts] })).toEqual([
    { state: 'retrying', count: 2 },
    { state: 'failed', count: 4 },
  ]);
});

describe('forms', () => {
  test.each([
    [{ type: 'string' }, { kind: 'text', long: false, nullable: false }],
    [
      { type: 'string', maxLength: 20_000 },
      { kind: 'text', long: true },
    ],
    [
      { anyOf: [{ type: 'integer', minimum: 1 }, { type: 'null' }] },
      { kind: 'number', integer: true, minimum: 1, nullable: true },
    ],
    [{ type: ['string', 'null'] }, { kind: 'text', nullable: true }],
    [
      { type: 'string', enum: ['v1', 'v1a'] },
      { kind: 'choice', choices: ['v1', 'v1a'] },
    ],
    [{ type: 'boolean' }, { kind: 'flag' }],
    [{ type: 'array', items: { type: 'string' } }, { kind: 'list' }],
    [
      { type: 'array', items: { type: 'string', enum: ['a'] } },
      { kind: 'list', choices: ['a'] },
    ],
    [{ type: 'array', items: { type: 'object', properties: { key: { type: 'string' } } } }, { kind: 'items' }],
    [{ type: 'object', additionalProperties: { type: 'string' } }, { kind: 'record' }],
    [{ type: 'object', properties: {} }, { kind: 'group' }],
    [{ anyOf: [{ type: 'boolean' }, { type: 'object', properties: {} }] }, { kind: 'json' }],
    [{}, { kind: 'json' }],
  ])('%j becomes %j', (schema, field) => expect(fieldOf(schema)).toMatchObject(field));

  test('hold what is there, leave out what is masked and send what changed', () => {
    const schema = { properties: { url: {}, headers: {}, description: {}, httpAuth: {} } };
    const object = { id: 'sub_1', url: 'https://a.example/', headers: { 'X-A': '***' }, description: null };
    const { values, masked } = valuesOf(schema, object);
    expect([values, masked]).toEqual([{ url: 'https://a.example/' }, ['headers']]);
    expect(changesOf(values, withValue(values, 'description', 'Orders'))).toEqual({ description: 'Orders' });
    expect(changesOf(values, withValue(values, 'url', undefined))).toEqual({ url: null });
    expect(changesOf(values, values)).toEqual({});
  });

  test('read pasted headers, and say which line is none', () => {
    expect(readHeaders('A: b\n\n C : d: e ')).toEqual({ A: 'b', C: 'd: e' });
    expect(() => readHeaders('A: b\nnonsense')).toThrow('nonsense');
  });
});

describe('times', () => {
  test('are marked at round ones, few enough to be read', () => {
    expect(ticks(21 * 60_000)).toEqual([0, 5, 10, 15, 20].map((minutes) => minutes * 60_000));
    expect(ticks(76 * HOUR)).toEqual([0, 24, 48, 72].map((hours) => hours * HOUR));
    for (const span of [1, 999, HOUR, 30 * 24 * HOUR, 400 * 24 * HOUR])
      expect(ticks(span).length).toBeLessThanOrEqual(7);
  });

  test('of attempts follow from the waits, and events that share them stand together', () => {
    expect(attemptTimes([5, 10])).toEqual([0, 5, 15]);
    const event = { description: '', schema: {}, example: {}, retries: 1, timeLimitMs: 15_000 };
    const groups = groupSchedules([
      { ...event, type: 'a', schedule: [5] },
      { ...event, type: 'b', schedule: [7] },
      { ...event, type: 'c', schedule: [5] },
    ]);
    expect(groups.map(({ types }) => types)).toEqual([['a', 'c'], ['b']]);
  });

  test('of an attempt are split into phases; the rest is what they leave', () => {
    expect(phasesOf({ dnsMs: 1, connectMs: 2, tlsMs: 3, firstByteMs: 10, totalMs: 20 })).toEqual([
      { name: 'name lookup', ms: 1 },
      { name: 'connecting', ms: 2 },
      { name: 'TLS', ms: 3 },
      { name: 'waiting', ms: 10 },
      { name: 'the rest', ms: 4 },
    ]);
    expect(phasesOf({ connectMs: 5, totalMs: 5 })).toEqual([{ name: 'connecting', ms: 5 }]);
  });
});

test('quotes a request for a shell', () => {
  const request = {
    method: 'POST' as const,
    url: 'https://example.com/a?b=c&d',
    headers: [{ name: 'X-Name', value: "O'Hara" }],
    body: '{"a":"$HOME `x`"}',
  };
  expect(asCurl(request)).toBe(
    `curl -X POST 'https://example.com/a?b=c&d' \\\n  -H 'X-Name: O'\\''Hara' \\\n  --data-binary '{"a":"$HOME \`x\`"}'`,
  );
});

test('the form offers event types and, where it may, the groups that they are in', () => {
  const types = ['user', 'invoice.paid', 'invoice.item.added'];
  expect(withGroups(types, false)).toEqual(types);
  expect(withGroups(types, true)).toEqual([
    'invoice.*',
    'invoice.item.*',
    'invoice.item.added',
    'invoice.paid',
    'user',
  ]);
});

test('a test event has one of the types that the subscription takes', () => {
  const types = ['user.created', 'invoice.paid', 'invoice.item.added'];
  expect(testTypes([], types)).toEqual(types);
  expect(testTypes(['invoice.*', 'invoice.paid', 'own.type'], types)).toEqual([
    'invoice.paid',
    'invoice.item.added',
    'own.type',
  ]);
});

test.each([
  [{ total: 5, recovered: 2, skipped: 0 }, true, '2 of 5 deliveries sent again'],
  [{ total: null, recovered: 1, skipped: 3 }, true, '1 delivery sent again, 3 needed nothing'],
  [
    { total: 5, recovered: 5, skipped: 0 },
    false,
    '5 of 5 deliveries recovered; they are paused until the receiver is enabled',
  ],
])('the progress %j of a recovery, enabled %s: %s', (progress, isEnabled, text) => {
  expect(progressText(progress, isEnabled, USUAL_WORDS)).toBe(text);
});
