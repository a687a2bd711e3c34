/** What is shown of one delivery beside its row: the attempts to come and the request as it would be sent. */
import { nextAttempts } from '../../../../src/api/deliveries/detail.js';
import { contractOf } from '../../../../src/providers/registry.js';
import { startApiWithDatabase, type TestApi } from '../../../support/api.js';
import type { TestDatabase } from '../../../support/database.js';
import { recordAttempt } from '../../../../src/store/attempts/recording.js';
import { emitted, exampleOf, newAccount, newSubscription, samples } from '../../../support/samples.js';

let api: TestApi & { readonly database: TestDatabase };
beforeAll(async () => {
  api = await startApiWithDatabase();
});
afterAll(() => api.close());

describe('coming attempts', () => {
  const now = new Date('2026-03-02T10:00:00Z');
  const at = (minutes: number) => new Date(now.getTime() + minutes * 60_000);
  const schedule = [5, 10, 30].map((minutes) => minutes * 60_000);

  test('of a delivery that has made none are all, from now on', () => {
    const pending = { state: 'pending', schedulePosition: null, nextAttemptAt: null } as const;
    expect(nextAttempts(pending, schedule, now)).toEqual([
      { position: 0, waitMs: 0, at: now },
      { position: 1, waitMs: 300_000, at: at(5) },
      { position: 2, waitMs: 600_000, at: at(15) },
      { position: 3, waitMs: 1_800_000, at: at(45) },
    ]);
  });

  test('begin at the time that is known, or now when that has passed', () => {
    const retrying = { state: 'retrying', schedulePosition: 1 } as const;
    expect(nextAttempts({ ...retrying, nextAttemptAt: at(7) }, schedule, now)).toEqual([
      { position: 2, waitMs: 600_000, at: at(7) },
      { position: 3, waitMs: 1_800_000, at: at(37) },
    ]);
    expect(nextAttempts({ ...retrying, nextAttemptAt: at(-7) }, schedule, now)[0]?.at).toEqual(now);
  });

  test('of a paused delivery have no time, and of a finished one there are none', () => {
    const progress = { schedulePosition: 2, nextAttemptAt: null } as const;
    expect(nextAttempts({ ...progress, state: 'paused' }, schedule, now)).toEqual([
      { position: 3, waitMs: 1_800_000, at: null },
    ]);
    for (const state of ['delivered', 'failed', 'cancelled'] as const) {
      expect(nextAttempts({ ...progress, state }, schedule, now)).toEqual([]);
    }
    expect(nextAttempts({ ...progress, state: 'pending', schedulePosition: 3 }, schedule, now)).toEqual([]);
  });
});

test.each(samples)('the request of a delivery of $provider is shown as it would be sent', async (sample) => {
  const { provider, eventType, secrets } = sample;
  const account = await newAccount(api.ask, provider, { settings: sample.settings, scope: sample.scope });
  // Filters that the example does not pass, or that leave its fields out, are not what this is about.
  const subscription = await newSubscription(api.ask, account.id as string, provider, {
    ...('eventFilters' in sample.subscription ? { eventFilters: [] } : {}),
    ...('channels' in sample.subscription ? { channels: [] } : {}),
    ...('accountIds' in sample.subscription ? { accountIds: [] } : {}),
  });
  const event = { type: eventType, data: exampleOf(provider) };
  const { body: accepted } = await api.ask('POST', `/v1/accounts/${account.id}/events`, event);
  const path = `/v1/deliveries/${accepted.deliveries[0].id}`;
  const { status, body, text } = await api.ask('GET', `${path}/request`);
  expect(status).toBe(200);
  expect(body).toMatchObject({ method: 'POST', url: subscription.url, body: expect.stringMatching(/./) });
  for (const secret of secrets) expect(text).not.toContain(secret);
  const names = body.headers.map(({ name }: { name: string }) => name.toLowerCase());
  expect(names).toEqual(
    expect.arrayContaining(contractOf(provider).about.signature.headers.map((name) => name.toLowerCase())),
  );
  const waits = contractOf(provider).schedule(eventType, account);
  expect((await api.ask('GET', path)).body.schedule.map(({ waitMs }: { waitMs: number }) => waitMs)).toEqual([
    0,
    ...waits,
  ]);
});

test('the request of an attempt is shown as it was sent, whatever was edited since', async () => {
  const { ask, database } = api;
  const { deliveryId, subscription } = await emitted(ask, 'standard');
  const sent = (number: number, url: string) => ({
    ...{ deliveryId, run: 0, number, startedAt: new Date(), durationMs: 1, timings: null, outcome: 'refused' as const },
    ...{ status: 500, reason: 'status', message: null, url, responseHeaders: {}, responseExcerpt: '' },
    requestHeaders: [
      { name: 'webhook-id', value: 'msg_1' },
      { name: 'X-Tenant', value: '***' },
    ],
    ...{ responseTruncated: false, state: 'retrying' as const, stateReason: null, disable: false },
    ...{ nextAttemptAt: null, schedulePosition: number - 1, recordedBy: 'run-1' },
  });
  const path = `/v1/deliveries/${deliveryId}/request`;
  const { body: preview } = await ask('GET', path);
  expect(preview).toMatchObject({ attempt: null, url: subscription.url });
  await recordAttempt(database.store, sent(1, 'https://first.example.com/'));
  await recordAttempt(database.store, sent(2, 'https://second.example.com/'));
  const headers = [
    { name: 'webhook-id', value: 'msg_1' },
    { name: 'X-Tenant', value: '***' },
  ];
  const { body } = preview;
  expect((await ask('GET', path)).body).toEqual({
    ...{ attempt: 2, method: 'POST', url: 'https://second.example.com/', headers, body },
  });
  expect((await ask('GET', `${path}?attempt=1`)).body).toMatchObject({ attempt: 1, url: 'https://first.example.com/' });
  expect((await ask('GET', `${path}?attempt=3`)).status).toBe(404);
});
