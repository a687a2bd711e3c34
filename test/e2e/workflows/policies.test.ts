/** Delivery policies, attempt by attempt, in the test server's time. */
import fc from 'fast-check';
import { presets, type DeliveryPolicy } from '../../../src/contract/delivery-policy.js';
import type { Exchange } from '../../../src/egress/types.js';
import { openTimeMachine, responded, type TimeSkippingEnv } from '../../support/time-skipping.js';

jest.setTimeout(120_000);

let machine: TimeSkippingEnv;
beforeAll(async () => {
  machine = await openTimeMachine();
});
afterAll(() => machine.close());

const S = 1_000;
const timedOut: Exchange = { kind: 'failure', reason: 'timeout', message: 'too slow', durationMs: 5 };

/** Emits an event to a subscription with this policy, and delivers it to its end. */
async function deliver(
  policy: DeliveryPolicy | null,
  others: { eventType?: DeliveryPolicy; account?: DeliveryPolicy } = {},
) {
  const { ask } = machine.api;
  const account = (
    await ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme', policy: others.account ?? null })
  ).body;
  await ask('PUT', '/v1/event-types/invoice.paid', { policy: others.eventType ?? null });
  const subscription = await ask('POST', `/v1/accounts/${account.id}/subscriptions`, {
    url: 'https://hooks.example.com/in',
    eventTypes: ['invoice.paid'],
    policy,
  });
  if (subscription.status !== 201) throw new Error(subscription.text);
  const emitted = await ask('POST', `/v1/accounts/${account.id}/events`, { type: 'invoice.paid', data: {} });
  const { id } = emitted.body.deliveries[0];
  const handle = await machine.start(machine.deliveryStarts.find(({ deliveryId }) => deliveryId === id)!);
  await handle.result().catch(() => undefined);
  return (await ask('GET', `/v1/deliveries/${id}`)).body;
}

function expectGaps(waits: readonly number[]): void {
  const gaps = machine.sent.slice(1).map(({ at }, index) => at - machine.sent[index]!.at);
  expect(gaps).toHaveLength(waits.length);
  // A wait is counted from the failure, which is a moment later than the start of the attempt.
  gaps.forEach((gap, index) => expect(Math.abs(gap - waits[index]!)).toBeLessThan(1_500));
}

test.each<[DeliveryPolicy, readonly number[]]>([
  [{ schedule: { waits: [10, 600, 30] } }, [10, 600, 30]],
  [{ schedule: { waits: [] } }, []],
  [{ schedule: { initial: 10, factor: 3, max: 200, attempts: 6 } }, [10, 30, 90, 200, 200]],
  ...Object.keys(presets).map((preset): [DeliveryPolicy, readonly number[]] => [
    { schedule: { preset: preset as keyof typeof presets } },
    presets[preset as keyof typeof presets],
  ]),
])('%j is attempted at every time of the schedule and then fails', async (policy, waits) => {
  machine.script(500);
  const delivery = await deliver(policy);
  expectGaps(waits.map((wait) => wait * S));
  expect(delivery).toMatchObject({ state: 'failed', attemptCount: waits.length + 1 });
});

test('jitter moves each wait within its share, and the API shows the same times', async () => {
  machine.script(500, 500, 200);
  const waits = [1_000, 2_000];
  const delivery = await deliver({ schedule: { waits }, jitter: 0.5 });
  expect(delivery).toMatchObject({ state: 'delivered', attemptCount: 3 });
  const gaps = machine.sent.slice(1).map(({ at }, index) => (at - machine.sent[index]!.at) / S);
  gaps.forEach((gap, index) => {
    expect(gap).toBeGreaterThan(waits[index]! * 0.5 - 2);
    expect(gap).toBeLessThan(waits[index]! * 1.5 + 2);
  });
});

test('the policies of event type and account apply where the subscription has none', async () => {
  machine.script(404);
  const eventType = { schedule: { waits: [20, 20] }, timeLimitS: 30 };
  const delivery = await deliver({ timeLimitS: 40 }, { eventType, account: { stopStatuses: [404], timeLimitS: 50 } });
  expect(delivery).toMatchObject({ state: 'failed', attemptCount: 1, stateReason: expect.stringMatching('404') });
  expect(machine.sent[0]!.timeLimitMs).toBe(40_000);
  machine.script(500);
  expect(await deliver(null, { eventType })).toMatchObject({ state: 'failed', attemptCount: 3 });
  expect(machine.sent[0]!.timeLimitMs).toBe(30_000);
});

/** One outcome of a receiver. */
type Step = { readonly status: number; readonly retryAfterS?: number } | 'timeout';

type Policy = Required<Omit<DeliveryPolicy, 'schedule' | 'jitter' | 'timeLimitS' | 'breaker'>> & {
  readonly schedule: { readonly waits: number[] };
};
const policies: fc.Arbitrary<Policy> = fc.record({
  schedule: fc.record({ waits: fc.array(fc.integer({ min: 1, max: 5_000 }), { maxLength: 5 }) }),
  acceptedStatuses: fc.constantFrom<Policy['acceptedStatuses'][]>([202], ['2xx', 304]),
  stopStatuses: fc.constantFrom<Policy['stopStatuses'][]>([], [404], ['4xx']),
  retryAfterMaxS: fc.constantFrom(0, 3_600),
  slowDown: fc.constantFrom<Policy['slowDown'][]>({ on: [429, 'timeout'], factor: 3 }, { on: ['5xx'], factor: 2 }),
});
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ status: fc.constantFrom(200, 202, 304, 404, 429, 500, 503) }),
    fc.record({ status: fc.constantFrom(429, 500), retryAfterS: fc.integer({ min: 1, max: 10_000 }) }),
    fc.constant('timeout' as const),
  ),
  { minLength: 6, maxLength: 6 },
);

/** What a delivery must do, written down again as simply as possible. */
function model({ schedule: { waits }, ...policy }: Policy, script: readonly Step[]) {
  const has = (list: readonly (number | string)[], status: number) =>
    list.includes(status) || list.includes(`${String(status)[0]}xx`);
  const gaps: number[] = [];
  for (const step of script) {
    if (step !== 'timeout' && has(policy.acceptedStatuses, step.status)) return { state: 'delivered', gaps };
    if (step !== 'timeout' && has(policy.stopStatuses, step.status)) return { state: 'failed', gaps };
    const wait = waits[gaps.length];
    if (wait === undefined) return { state: 'failed', gaps };
    const { on, factor } = policy.slowDown;
    const isSlow = step === 'timeout' ? on.includes('timeout') : has(on, step.status);
    const asked = step === 'timeout' ? 0 : Math.min(step.retryAfterS ?? 0, policy.retryAfterMaxS);
    gaps.push(Math.max(wait * (isSlow ? factor : 1), asked) * S);
  }
  throw new Error('the script is too short');
}

test('does what a small model does, whatever the policy and the outcomes', async () => {
  await fc.assert(
    fc.asyncProperty(policies, steps, async (policy, script) => {
      machine.script(
        ...script.map((step) =>
          step === 'timeout'
            ? timedOut
            : responded(step.status, step.retryAfterS === undefined ? {} : { 'retry-after': String(step.retryAfterS) }),
        ),
      );
      const expected = model(policy, script);
      const delivery = await deliver(policy);
      expectGaps(expected.gaps);
      expect(delivery).toMatchObject({ state: expected.state, attemptCount: expected.gaps.length + 1 });
    }),
    { numRuns: 25 },
  );
});
