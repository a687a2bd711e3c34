/** Filters of subscriptions: what they let through, and what they refuse. */
import fc from 'fast-check';
import type { Event } from '../../../../src/contract/entities.js';
import {
  FilterBudget,
  FilterError,
  filterInput,
  filterText,
  MAX_CONDITIONS,
  MAX_DEPTH,
  MAX_FILTER_BYTES,
  passesFilter,
  withoutFiltered,
} from '../../../../src/dispatch/payload/filter.js';

const event = (data: unknown, { type = 'invoice.paid', channels = [] as string[] } = {}): Event => ({
  id: 'evt_1',
  type,
  occurredAt: new Date('2026-11-29T12:00:00Z'),
  channels,
  text: JSON.stringify(data),
  data,
});

const passes = (filter: unknown, subject: Event): boolean =>
  passesFilter(filterText(filter), filterInput(subject), new FilterBudget(subject.text.length));

const order = event(
  {
    total: 120,
    currency: 'EUR',
    paid: true,
    note: null,
    customer: { name: 'Kim Larsen', 'e.mail': 'kim@example.com' },
    items: [
      { sku: 'A-1', price: 5, tags: ['new'] },
      { sku: 'B-2', price: 115, tags: [] },
    ],
  },
  { channels: ['eu'] },
);

test.each<[unknown, boolean]>([
  [{ 'data.total': 120 }, true],
  [{ 'data.total': '120' }, false],
  [{ 'data.total': { eq: 120.0 } }, true],
  [{ 'data.total': { ne: 120 } }, false],
  [{ 'data.total': { gte: 120, lt: 121 } }, true],
  [{ 'data.total': { gt: 120 } }, false],
  [{ 'data.total': { lte: 120 } }, true],
  [{ 'data.total': { gt: '1' } }, false],
  [{ 'data.currency': { in: ['EUR', 'DKK'] } }, true],
  [{ 'data.currency': { nin: ['EUR', 'DKK'] } }, false],
  [{ 'data.currency': { gt: 'DKK' } }, true],
  [{ timestamp: { gte: '2026-11-29T00:00:00.000Z' } }, true],
  [{ type: { startsWith: 'invoice.' } }, true],
  [{ type: { endsWith: '.created' } }, false],
  [{ channels: { contains: 'eu' } }, true],
  [{ 'data.customer.name': { contains: 'Lars' } }, true],
  [{ 'data.customer.e\\.mail': 'kim@example.com' }, true],
  [{ 'data.customer.e.mail': 'kim@example.com' }, false],
  [{ 'data.items.1.price': 115 }, true],
  [{ 'data.items.2.price': { exists: true } }, false],
  [{ 'data.items.*.price': { gt: 100 } }, true],
  [{ 'data.items.*.sku': { ne: 'B-2' } }, false],
  [{ 'data.items.*.sku': { ne: 'C-3' } }, true],
  // Both bounds must hold for the same element.
  [{ 'data.items.*.price': { gt: 5, lt: 115 } }, false],
  [{ 'data.items.*.tags': { contains: 'new' } }, true],
  [{ 'data.items.*.tags.*': 'new' }, true],
  [{ 'data.note': null }, true],
  [{ 'data.note': { exists: true } }, true],
  [{ 'data.none': null }, false],
  [{ 'data.none': { exists: false } }, true],
  [{ 'data.none.deeper': { ne: 1 } }, true],
  [{ 'data.total.deeper': { exists: true } }, false],
  [{ not: { 'data.paid': true } }, false],
  [{ any: [{ 'data.total': 1 }, { 'data.paid': true }] }, true],
  [{ any: [{ 'data.total': 1 }, { 'data.paid': false }] }, false],
  [{ all: [{ 'data.total': 120 }, { not: { any: [{ 'data.currency': 'USD' }] } }], 'data.paid': true }, true],
])('%j is %s', (filter, expected) => expect(passes(filter, order)).toBe(expected));

test('reaches nothing of prototypes', () => {
  const names = ['__proto__', 'constructor', 'toString', 'length', 'items.length', 'customer.hasOwnProperty'];
  for (const name of names)
    expect([name, passes({ [`data.${name}`]: { exists: true } }, order)]).toEqual([name, false]);
  const own = event(JSON.parse('{"__proto__": {"a": 1}, "length": 2}'));
  expect(passes({ 'data.__proto__.a': 1, 'data.length': 2 }, own)).toBe(true);
});

const nested = (depth: number): unknown => (depth === 0 ? { type: 'a' } : { not: nested(depth - 1) });

test.each<[unknown, string, RegExp]>([
  [{}, '', /at least one condition/],
  [[], '', /must be an object/],
  [{ total: 1 }, 'total', /must begin with type, timestamp, channels or data/],
  [{ '*.a': 1 }, '["*.a"]', /must begin with/],
  [{ 'data..a': 1 }, '["data..a"]', /empty parts/],
  [{ 'data.': 1 }, '["data."]', /empty parts/],
  [{ 'data.a\\': 1 }, '["data.a\\\\"]', /single backslash/],
  [{ [`data${'.a'.repeat(10)}`]: 1 }, `["data${'.a'.repeat(10)}"]`, /more than 10 parts/],
  [{ 'data.a': {} }, '["data.a"]', /must have an operator/],
  [{ 'data.a': [1] }, '["data.a"]', /must be a string, a number/],
  [{ 'data.a': { eq: {} } }, '["data.a"].eq', /must be a string, a number/],
  [{ 'data.a': { regex: '.*' } }, '["data.a"].regex', /is not an operator; use eq, ne/],
  [{ 'data.a': { gte: true } }, '["data.a"].gte', /must be a number/],
  [{ 'data.a': { in: [] } }, '["data.a"].in', /1 to 100/],
  [{ 'data.a': { in: Array.from({ length: 101 }, (_, n) => n) } }, '["data.a"].in', /1 to 100/],
  [{ 'data.a': { exists: 1 } }, '["data.a"].exists', /true or false/],
  [{ 'data.a': { startsWith: 1 } }, '["data.a"].startsWith', /must be a string/],
  [{ any: [] }, 'any', /at least one filter/],
  [{ any: [{ type: 'a' }, { 'data.a': { gt: null } }] }, 'any[1]["data.a"].gt', /must be a number/],
  [{ not: [] }, 'not', /must be an object/],
  [nested(MAX_DEPTH + 1), 'not.'.repeat(MAX_DEPTH + 1).slice(0, -1), /deeper than 8/],
  [
    { all: Array.from({ length: MAX_CONDITIONS + 1 }, (_, n) => ({ [`data.a${n}`]: n })) },
    'all[32]["data.a32"]',
    /one condition too many/,
  ],
  [{ type: 'a'.repeat(MAX_FILTER_BYTES) }, '', /longer than 8192 bytes/],
])('refuses %j', (filter, path, message) => {
  let error: unknown;
  try {
    filterText(filter);
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(FilterError);
  expect((error as FilterError).path).toBe(path);
  expect((error as FilterError).message).toMatch(message);
});

test('accepts what is at the limits', () => {
  expect(passes(nested(MAX_DEPTH), event({}, { type: 'a' }))).toBe(true);
  const all = Array.from({ length: MAX_CONDITIONS }, () => ({ type: 'a' }));
  expect(passes({ all }, event({}, { type: 'a' }))).toBe(true);
});

test('lets an event through whose filters look at too many elements', () => {
  const many = event(Array.from({ length: 1_000 }, () => 1));
  const never = { all: Array.from({ length: 15 }, () => ({ any: [{ 'data.*': 2 }, { type: 'invoice.paid' }] })) };
  const receivers = Array.from({ length: 100 }, (_, n) => ({
    id: n,
    filter: filterText({ ...never, 'data.0': n + 10 }),
  }));
  // Each of the first filters rejects it; when the budget is used up, the rest is delivered rather than lost.
  const passed = withoutFiltered(receivers, many);
  expect(passed.length).toBeGreaterThan(0);
  expect(passed.length).toBeLessThan(100);
  expect(passed.at(-1)!.id).toBe(99);
});

test('evaluates equal filters once, and nothing without filters', () => {
  const plain = [{ filter: null }, { filter: null }];
  expect(withoutFiltered(plain, order)).toBe(plain);
  const filter = filterText({ 'data.total': { lt: 100 } });
  const mixed = [{ filter }, { filter: null }, { filter }];
  expect(withoutFiltered(mixed, order)).toEqual([{ filter: null }]);
});

/** A model of the grammar: as slow and as plain as possible. */
function model(filter: Record<string, unknown>, subject: unknown): boolean {
  return Object.entries(filter).every(([key, value]) => {
    if (key === 'not') return !model(value as Record<string, unknown>, subject);
    if (key === 'all') return (value as Record<string, unknown>[]).every((inner) => model(inner, subject));
    if (key === 'any') return (value as Record<string, unknown>[]).some((inner) => model(inner, subject));
    const values = key.split('.').reduce<unknown[]>(
      (found, part) =>
        found.flatMap((one) => {
          if (part === '*') return Array.isArray(one) ? one : [];
          return Object.entries(Object(one) as object)
            .filter(([name]) => name === part && typeof one === 'object')
            .map(([, member]) => member as unknown);
        }),
      [subject],
    );
    const wanted = (typeof value === 'object' && value !== null ? value : { eq: value }) as Record<string, unknown>;
    // eslint-disable-next-line @typescript-eslint/no-explicit-any -- values of any type are compared
    const tests: Record<string, (found: any, operand: any) => boolean> = {
      eq: (found, operand) => found === operand,
      gt: (found, operand) => typeof found === typeof operand && found > operand,
      lte: (found, operand) => typeof found === typeof operand && found <= operand,
      in: (found, operand) => operand.includes(found),
      contains: (found, operand) =>
        (Array.isArray(found) && found.includes(operand)) ||
        (typeof found === 'string' && typeof operand === 'string' && found.includes(operand)),
    };
    const positive = Object.entries(wanted).filter(([name]) => name in tests);
    const one = values.some((found) => positive.every(([name, operand]) => tests[name]!(found, operand)));
    if (positive.length > 0 && !one) return false;
    if ('ne' in wanted && values.some((found) => found === wanted.ne)) return false;
    if ('nin' in wanted && values.some((found) => (wanted.nin as unknown[]).includes(found))) return false;
    return !('exists' in wanted) || wanted.exists === values.length > 0;
  });
}

const scalar = fc.constantFrom<unknown>(null, true, 0, 1, 2.5, '', 'a', 'ab', 'b');
const data = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', '0', 'length'), tie('value'), { maxKeys: 3 }),
  ),
})).value;
const path = fc
  .array(fc.constantFrom('a', 'b', '0', '1', '*', 'length'), { maxLength: 3 })
  .map((parts) => ['data', ...parts].join('.'));
const condition = fc.oneof(
  scalar,
  fc
    .record(
      {
        ...{ eq: scalar, ne: scalar, contains: scalar, exists: fc.boolean() },
        ...{ gt: fc.constantFrom<unknown>(0, 1, 'a'), lte: fc.constantFrom<unknown>(1, 'ab') },
        ...{
          in: fc.array(scalar, { minLength: 1, maxLength: 3 }),
          nin: fc.array(scalar, { minLength: 1, maxLength: 3 }),
        },
      },
      { requiredKeys: [] },
    )
    .filter((operators) => Object.keys(operators).length > 0),
);
const filters = fc.letrec((tie) => ({
  filter: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.dictionary(path, condition, { minKeys: 1, maxKeys: 2 }),
    fc.record({ not: tie('filter') }),
    fc.record({ all: fc.array(tie('filter'), { minLength: 1, maxLength: 2 }) }),
    fc.record({ any: fc.array(tie('filter'), { minLength: 1, maxLength: 2 }) }),
  ),
})).filter as fc.Arbitrary<Record<string, unknown>>;

/** Operators of a filter; a plain value is one. */
function conditionsOf(filter: unknown): number {
  if (Array.isArray(filter)) return filter.reduce<number>((sum, inner) => sum + conditionsOf(inner), 0);
  if (typeof filter !== 'object' || filter === null) return 1;
  return Object.entries(filter).reduce((sum, [key, value]) => {
    const isOperand = ['in', 'nin'].includes(key);
    return sum + (isOperand ? 1 : conditionsOf(value));
  }, 0);
}

test('agrees with the model', () => {
  fc.assert(
    fc.property(filters, data, (filter, value) => {
      const subject = event(value);
      fc.pre(conditionsOf(filter) <= MAX_CONDITIONS);
      expect(passes(filter, subject)).toBe(model(filter, { data: value }));
    }),
    { numRuns: 2_000 },
  );
});
