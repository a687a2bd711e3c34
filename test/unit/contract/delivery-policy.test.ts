/** Delivery policies: their bounds, how levels are merged, and what follows for one delivery. */
import fc from 'fast-check';
import { deliveryPolicySchema, presets, type DeliveryPolicy } from '../../../src/contract/delivery-policy.js';
import { applyResponseRules, deliveryRules, effectivePolicy } from '../../../src/contract/delivery-rules.js';
import type { ResponseClass } from '../../../src/contract/types.js';
import { contracts, contractOf } from '../../../src/providers/registry.js';

const account = { id: 'acc_1', name: 'Acme', scope: {}, settings: {}, secrets: {} };
const standard = contractOf('standard');
const scopeOf = (subscriptionPolicy: DeliveryPolicy | null) => ({
  account,
  eventType: 'invoice.paid',
  subscriptionPolicy,
});
const rulesOf = (policy: DeliveryPolicy, id = 'dlv_1') => deliveryRules(standard, id, scopeOf(policy));
const H = 3_600;

describe('the document', () => {
  test.each<[unknown, string]>([
    [{ schedule: { waits: [0] } }, 'schedule.waits.0'],
    [{ schedule: { waits: Array.from({ length: 51 }, () => 1) } }, 'schedule.waits'],
    [{ schedule: { waits: [7 * 24 * H + 1] } }, 'schedule.waits.0'],
    [{ schedule: { waits: Array.from({ length: 5 }, () => 7 * 24 * H) } }, 'schedule'],
    [{ schedule: { initial: 1, factor: 2, max: 60 } }, 'schedule'],
    [{ schedule: { preset: 'svix', waits: [1] } }, 'schedule'],
    [{ schedule: { preset: 'other' } }, 'schedule.preset'],
    [{ schedule: {} }, 'schedule'],
    [{ jitter: 1.1 }, 'jitter'],
    [{ timeLimitS: 61 }, 'timeLimitS'],
    [{ timeLimitS: 0.5 }, 'timeLimitS'],
    [{ acceptedStatuses: [] }, 'acceptedStatuses'],
    [{ acceptedStatuses: [99] }, 'acceptedStatuses.0'],
    [{ stopStatuses: ['6xx'] }, 'stopStatuses.0'],
    [{ retryAfterMaxS: 24 * H + 1 }, 'retryAfterMaxS'],
    [{ slowDown: { on: [429] } }, 'slowDown.factor'],
    [{ slowDown: { on: ['refused'], factor: 2 } }, 'slowDown.on.0'],
  ])('refuses %j and names %s', (policy, path) => {
    const { error } = deliveryPolicySchema.safeParse(policy);
    expect(error?.issues[0]?.path.join('.')).toBe(path);
  });

  test('accepts every field within its bounds', () => {
    const policy: DeliveryPolicy = {
      schedule: { waits: [] },
      jitter: 0.2,
      timeLimitS: 60,
      acceptedStatuses: ['2xx', 304],
      stopStatuses: [410, '4xx'],
      retryAfterMaxS: 24 * H,
      slowDown: { on: [429, 'timeout'], factor: 2 },
    };
    expect(deliveryPolicySchema.parse(policy)).toEqual(policy);
  });
});

describe('schedules', () => {
  test('of presets are those of their sources', () => {
    expect(presets).toEqual({
      standard_webhooks: [5, 300, 1_800, 2 * H, 5 * H, 10 * H, 14 * H, 20 * H, 24 * H],
      svix: [5, 300, 1_800, 2 * H, 5 * H, 10 * H, 10 * H],
      stripe: [300, 600, 1_200, 2_400, 4_800, 9_600, 19_200, 38_400, 12 * H, 12 * H, 12 * H, 12 * H],
      shopify: [60, 120, 240, 480, 960, 1_920, 3_840, 7_680],
    });
    const waitsMs = presets.standard_webhooks.map((wait) => wait * 1_000);
    expect(standard.schedule('invoice.paid', account)).toEqual(waitsMs);
  });

  test('of a series grow by the factor up to the longest wait', () => {
    const { schedule } = rulesOf({ schedule: { initial: 10, factor: 3, max: 200, attempts: 6 } });
    expect(schedule).toEqual([10_000, 30_000, 90_000, 200_000, 200_000]);
  });

  test('with jitter stay within its share, and are the same for the same delivery', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 86_400 }), { maxLength: 30 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        fc.string({ minLength: 1 }),
        (waits, jitter, id) => {
          const { schedule } = rulesOf({ schedule: { waits }, jitter }, id);
          expect(rulesOf({ schedule: { waits }, jitter }, id).schedule).toEqual(schedule);
          expect(schedule).toHaveLength(waits.length);
          schedule.forEach((waitMs, index) => {
            expect(waitMs).toBeGreaterThanOrEqual(Math.max(Math.floor(waits[index]! * 1_000 * (1 - jitter)), 1_000));
            expect(waitMs).toBeLessThanOrEqual(Math.max(Math.ceil(waits[index]! * 1_000 * (1 + jitter)), 1_000));
          });
        },
      ),
    );
  });

  test('with jitter spread the deliveries of an outage evenly', () => {
    const waits = Array.from(
      { length: 1_000 },
      (_, index) => rulesOf({ jitter: 0.5 }, `dlv_${index}`).schedule[1]! / 300_000,
    );
    const quarters = [0.5, 0.75, 1, 1.25].map(
      (from) => waits.filter((wait) => wait >= from && wait < from + 0.25).length,
    );
    for (const count of quarters) expect(Math.abs(count - 250)).toBeLessThan(60);
  });
});

test('the nearest level that has a field decides it', () => {
  const scope = {
    account: {
      ...account,
      policy: { timeLimitS: 3, jitter: 0.3 },
      installationPolicy: { timeLimitS: 4, retryAfterMaxS: 4 },
    },
    eventType: 'invoice.paid',
    eventTypePolicy: { timeLimitS: 2, stopStatuses: [410] },
    subscriptionPolicy: { timeLimitS: 1 },
  };
  expect(effectivePolicy(scope)).toEqual({
    policy: { timeLimitS: 1, stopStatuses: [410], jitter: 0.3, retryAfterMaxS: 4 },
    sources: {
      timeLimitS: 'subscription',
      stopStatuses: 'eventType',
      jitter: 'account',
      retryAfterMaxS: 'installation',
    },
  });
});

test('without policies, and for contracts that allow none, the contract decides', () => {
  for (const contract of contracts) {
    const eventType = contract.events[0]!.type;
    const plain = {
      schedule: contract.schedule(eventType, accountOf(contract.provider)),
      timeLimitMs: expect.any(Number),
    };
    const scope = { account: accountOf(contract.provider), eventType };
    expect(deliveryRules(contract, 'dlv_1', scope)).toEqual(plain);
    if (contract.hasDeliveryPolicy) continue;
    const installationPolicy = { schedule: { waits: [1] }, acceptedStatuses: [500] };
    const refused = {
      ...scope,
      account: { ...scope.account, installationPolicy },
      eventTypePolicy: installationPolicy,
    };
    expect(deliveryRules(contract, 'dlv_1', refused)).toEqual(plain);
  }
  expect(contracts.filter(({ hasDeliveryPolicy }) => hasDeliveryPolicy).map(({ provider }) => provider)).toEqual([
    'standard',
  ]);
});

function accountOf(provider: string) {
  const { accounts } = contractOf(provider);
  return { ...account, scope: accounts.newScope((size) => Buffer.alloc(size)), settings: accounts.settings.parse({}) };
}

describe('outcomes', () => {
  const now = new Date('2026-01-01T00:00:00Z');
  const classify = (
    policy: DeliveryPolicy,
    status: number | 'timeout' | 'dns',
    waitMs?: number,
    retryAfter?: string,
  ) => {
    const rules = rulesOf(policy).responseRules!;
    const headers: Record<string, string> = retryAfter === undefined ? {} : { 'retry-after': retryAfter };
    const response = typeof status === 'number' ? { status, headers } : undefined;
    const byContract: ResponseClass = response
      ? standard.classifyResponse(response, { account, eventType: 'invoice.paid', now, waitMs })
      : { kind: 'retry' };
    const failure = typeof status === 'string' ? status : undefined;
    return applyResponseRules(rules, byContract, { response, failure, now, waitMs });
  };

  test.each<[DeliveryPolicy, number, ResponseClass['kind']]>([
    [{ acceptedStatuses: ['2xx', 304] }, 204, 'accepted'],
    [{ acceptedStatuses: ['2xx', 304] }, 304, 'accepted'],
    [{ acceptedStatuses: [202] }, 200, 'retry'],
    [{ acceptedStatuses: [202] }, 410, 'stop'],
    [{ acceptedStatuses: [410] }, 410, 'accepted'],
    [{ stopStatuses: ['4xx'] }, 404, 'stop'],
    [{ stopStatuses: ['4xx'] }, 500, 'retry'],
    [{ stopStatuses: ['4xx'] }, 200, 'accepted'],
    [{ stopStatuses: [] }, 410, 'retry'],
    [{ acceptedStatuses: [404], stopStatuses: ['4xx'] }, 404, 'accepted'],
  ])('%j classifies %i as %s', (policy, status, kind) => {
    expect(classify(policy, status, 1_000).kind).toBe(kind);
  });

  test('only the contract disables a subscription', () => {
    expect(classify({ stopStatuses: ['4xx'] }, 410)).toMatchObject({ kind: 'stop', disable: true });
    expect(classify({ stopStatuses: ['4xx'] }, 404)).toEqual({
      kind: 'stop',
      reason: 'the receiver responded with 404, a status that stops',
    });
  });

  test.each<[DeliveryPolicy, number | 'timeout' | 'dns', string | undefined, number | undefined]>([
    [{ retryAfterMaxS: 7_200 }, 429, '3600', 3_600_000],
    [{ retryAfterMaxS: 7_200 }, 500, '3600', 3_600_000],
    [{ retryAfterMaxS: 7_200 }, 429, '9999', 7_200_000],
    [{ retryAfterMaxS: 7_200 }, 429, '5', undefined],
    [{ retryAfterMaxS: 0 }, 429, '5000', undefined],
    [{ retryAfterMaxS: 7_200 }, 429, undefined, undefined],
    [{ slowDown: { on: [429, 'timeout'], factor: 3 } }, 429, undefined, 180_000],
    [{ slowDown: { on: [429, 'timeout'], factor: 3 } }, 429, '100', 180_000],
    [{ slowDown: { on: [429, 'timeout'], factor: 3 } }, 'timeout', undefined, 180_000],
    [{ slowDown: { on: [429, 'timeout'], factor: 3 } }, 'dns', undefined, undefined],
    [{ slowDown: { on: ['5xx'], factor: 3 } }, 503, undefined, 180_000],
    [{ slowDown: { on: ['5xx'], factor: 3 }, retryAfterMaxS: 7_200 }, 503, '600', 600_000],
  ])('%j after %s with Retry-After %s waits %s instead of a minute', (policy, status, retryAfter, waitMs) => {
    const expected = waitMs === undefined ? { kind: 'retry' } : { kind: 'retry', retryAfterMs: waitMs };
    expect(classify(policy, status, 60_000, retryAfter)).toMatchObject(expected);
    expect((classify(policy, status, 60_000, retryAfter) as { retryAfterMs?: number }).retryAfterMs ?? 60_000).toBe(
      waitMs ?? 60_000,
    );
    expect(classify(policy, status, undefined, retryAfter).kind).toBe('retry');
  });
});
