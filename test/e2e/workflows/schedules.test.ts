/** Every schedule of every contract, attempt by attempt, in the test server's time. */
import { contracts, contractOf } from '../../../src/providers/registry.js';
import { saveHistory } from '../../support/histories.js';
import { emitExample } from '../../support/subscriptions.js';
import { responded, openTimeMachine, type TimeSkippingEnv } from '../../support/time-skipping.js';

jest.setTimeout(120_000);

let machine: TimeSkippingEnv;
beforeAll(async () => {
  machine = await openTimeMachine();
});
afterAll(() => machine.close());

const S = 1_000;
const M = 60 * S;
const H = 60 * M;
const times = (wait: number, count: number): number[] => Array.from({ length: count }, () => wait);

/** The waits that each provider documents or that were chosen where it is silent; written down again on purpose. */
const expected: [provider: string, settings: object, eventType: string, waits: number[]][] = [
  ['postscript', {}, 'shop.incoming_message', times(5 * M, 12)],
  ['postack', {}, 'message.received', [5 * S, 5 * M, 30 * M, 2 * H, 5 * H, 10 * H, 10 * H]],
  ['postpress', {}, 'message_received', [1, 5, 15, 30, 60].map((n) => n * M)],
  ['postmark', {}, 'Bounce', [1, 5, 10, 10, 10, 15, 30, 60, 120, 360].map((n) => n * M)],
  ['postmark', {}, 'Open', [1, 5, 15].map((n) => n * M)],
  ['postmark', { contract: '2026' }, 'Delivery', [1, 5, 10, 10, 10, 15].map((n) => n * M)],
  ['bird', {}, 'sms.inbound', [...[1, 2, 4, 8].map((n) => n * M), ...times(15 * M, 31)]],
  ['standard', {}, 'user.created', [5 * S, 5 * M, 30 * M, 2 * H, 5 * H, 10 * H, 14 * H, 20 * H, 24 * H]],
];

/** Emits an example and gives the delivery's workflow a start; resolves to its id once the workflow has ended. */
async function run(provider: string, settings: object, eventType: string): Promise<{ id: string; error?: Error }> {
  const { deliveryId } = await emitExample(machine.api.ask, provider, eventType, { settings });
  const deliveryStart = machine.deliveryStarts.find((candidate) => candidate.deliveryId === deliveryId)!;
  const handle = await machine.start(deliveryStart);
  const error = await handle.result().then(
    () => undefined,
    (reason: Error) => reason,
  );
  return { id: deliveryId, error };
}

/** The time between one attempt and the next, in milliseconds of the server. */
function gaps(): number[] {
  return machine.sent.slice(1).map(({ at }, index) => at - machine.sent[index]!.at);
}

function expectGaps(waits: number[]): void {
  const actual = gaps();
  expect(actual).toHaveLength(waits.length);
  // A wait is counted from the failure, which is a moment later than the start of the attempt.
  actual.forEach((gap, index) => expect(Math.abs(gap - waits[index]!)).toBeLessThan(1_500));
}

describe.each(expected)('%s %j %s', (provider, settings, eventType, waits) => {
  test('is attempted at every time of the schedule and then fails visibly', async () => {
    machine.script(500);
    const { id, error } = await run(provider, settings, eventType);
    expectGaps(waits);
    expect(error).toMatchObject({ cause: { type: 'DeliveryExhausted' } });
    const { body } = await machine.api.ask('GET', `/v1/deliveries/${id}`);
    expect(body).toMatchObject({
      state: 'failed',
      attemptCount: waits.length + 1,
      nextAttemptAt: null,
      lastStatus: 500,
    });
    await saveHistory(machine.environment.client, `exhausted-${provider}-${eventType}`, id);
    expect(body.attempts.map(({ number }: { number: number }) => number)).toEqual(
      Array.from({ length: waits.length + 1 }, (_, index) => index + 1),
    );
  });

  test('may succeed on the last attempt, with the same body as on the first', async () => {
    machine.script(...waits.map(() => 500), 200);
    const { id, error } = await run(provider, settings, eventType);
    expect(error).toBeUndefined();
    expectGaps(waits);
    expect(new Set(machine.sent.map(({ body }) => body)).size).toBe(1);
    await saveHistory(machine.environment.client, `accepted-at-last-${provider}-${eventType}`, id);
    const { body } = await machine.api.ask('GET', `/v1/deliveries/${id}`);
    expect(body).toMatchObject({ state: 'delivered', attemptCount: waits.length + 1 });
  });
});

test('the table above covers every contract', () => {
  expect([...new Set(expected.map(([provider]) => provider))].sort()).toEqual(contracts.map((c) => c.provider).sort());
});

test.each([
  ['postmark', {}, 'Bounce', 403],
  ['postmark', { contract: '2026' }, 'Bounce', 404],
  ['standard', {}, 'user.created', 410],
])('%s %j %s stops at once on %i', async (provider, settings, eventType, status) => {
  machine.script(status);
  const { id, error } = await run(provider, settings, eventType);
  expect(machine.sent).toHaveLength(1);
  await saveHistory(machine.environment.client, `stopped-${provider}-${status}`, id);
  expect(error).toMatchObject({ cause: { type: 'DeliveryStopped' } });
  const { body } = await machine.api.ask('GET', `/v1/deliveries/${id}`);
  expect(body).toMatchObject({ state: 'failed', attemptCount: 1, lastStatus: status });
  expect(body.stateReason).toMatch(String(status));
});

test('410 disables a Standard Webhooks subscription', async () => {
  machine.script(410);
  const { id } = await run('standard', {}, 'user.created');
  const { subscriptionId } = (await machine.api.ask('GET', `/v1/deliveries/${id}`)).body;
  const { body } = await machine.api.ask('GET', `/v1/subscriptions/${subscriptionId}`);
  expect(body).toMatchObject({ enabled: false, disabledReason: expect.stringMatching('410') });
});

test.each(['timeout', 'refused', 'tls', 'dns', 'blocked', 'reset'] as const)(
  'a failure for %s is recorded with its reason and retried by the schedule',
  async (reason) => {
    machine.script({ kind: 'failure', reason, message: `it failed: ${reason}`, durationMs: 5 }, 200);
    const { id, error } = await run('postmark', {}, 'Open');
    expect(error).toBeUndefined();
    expectGaps([1 * M]);
    const { body } = await machine.api.ask('GET', `/v1/deliveries/${id}`);
    expect(body.attempts[0]).toMatchObject({
      outcome: 'failed',
      reason,
      status: null,
      message: `it failed: ${reason}`,
    });
    expect(body).toMatchObject({ state: 'delivered', attemptCount: 2 });
  },
);

test('Retry-After is honoured within the bounds of the contract', async () => {
  machine.script(responded(429, { 'retry-after': '8' }), responded(503, { 'retry-after': '100000' }), 200);
  await run('standard', {}, 'user.created');
  expectGaps([8 * S, 10 * M]);
});

test('the history of an exhausted delivery stays short and holds no payload, secret or address', async () => {
  machine.script(500);
  const { id } = await run('bird', {}, 'sms.inbound');
  const history = await machine.environment.client.workflow.getHandle(`delivery-${id}`).fetchHistory();
  expect(history.events!.length).toBeLessThan(15);
  const text = Buffer.from(JSON.stringify(history, (_key, value: unknown) => decoded(value))).toString();
  const { body } = machine.sent[0]!;
  expect(text).not.toContain(body.slice(20, 60));
  expect(text).not.toContain('/in');
  expect(contractOf('bird').provider).toBe('bird');
});

/** Payloads are bytes; read as text they can be searched. */
function decoded(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  if (typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer' && 'data' in value) {
    return Buffer.from(value.data as number[]).toString('utf8');
  }
  return value;
}
