/** Starting workflows in the background. */
import type { Client } from '@temporalio/client';
import pino from 'pino';
import { DirectRate } from '../../../src/dispatch/direct-rate.js';
import {
  createDispatcher,
  remoteSender,
  type DispatcherSettings,
  type SenderPort,
} from '../../../src/dispatch/dispatcher.js';
import type { FanOut } from '../../../src/dispatch/fan-out.js';
import type { StoredAccount } from '../../../src/store/accounts/accounts.js';
import type { DeliveryStart } from '../../../src/store/deliveries/delivery-starts.js';

const log = pino({ level: 'silent' });

const settings: DispatcherSettings = { workflows: 'always', sender: remoteSender(() => undefined) };

const account: DeliveryStart['account'] = {
  id: 'acc_1',
  provider: 'standard',
  name: 'Acme',
  scope: {},
  settings: {},
  secrets: {},
  validatePayloads: true,
  receivesOperationalEvents: false,
  disableAfterHours: null,
  retentionDays: null,
  dispatchWeight: 1,
  maxSubscriptions: null,
  externalId: null,
  metadata: {},
  contactEmail: null,
  environment: 'live',
  workflows: null,
  featureFlags: [],
  pausedAt: null,
  pausedReason: null,
  resumeRate: null,
  policy: null,
  createdAt: new Date(),
};

function deliveryStart(number: number): DeliveryStart {
  return {
    deliveryId: `dlv_${number}`,
    run: 0,
    account,
    subscriptionId: 'sub_1',
    eventType: 'user.created',
    url: 'https://hooks.example.com/in',
  };
}

const many = (count: number) => Array.from({ length: count }, (_, number) => deliveryStart(number));

/** A client whose starts end when `end` is called. */
function slowClient() {
  const inFlight: { id: string; end: (error?: Error) => void }[] = [];
  let max = 0;
  const client = {
    withDeadline: (_deadline: number, work: () => Promise<unknown>) => work(),
    workflow: {
      start: (_type: string, { workflowId }: { workflowId: string }) =>
        new Promise<void>((resolve, reject) => {
          const start = {
            id: workflowId,
            end: (error?: Error) => {
              inFlight.splice(inFlight.indexOf(start), 1);
              if (error) reject(error);
              else resolve();
            },
          };
          inFlight.push(start);
          max = Math.max(max, inFlight.length);
        }),
    },
  };
  return { client: client as unknown as Client, inFlight, max: () => max };
}

/** Waits until all resolved promises are processed. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

test('has at most fifty starts in flight, and starts each delivery once', async () => {
  const { client, inFlight, max } = slowClient();
  const dispatcher = createDispatcher({ client, eager: false }, log, settings);
  dispatcher.dispatch(many(120));
  const seen: string[] = [];
  while (inFlight.length > 0) {
    for (const { id, end } of [...inFlight]) {
      seen.push(id);
      end();
    }
    await settle();
  }
  expect(max()).toBe(50);
  expect(seen).toHaveLength(120);
  expect(new Set(seen)).toEqual(new Set(many(120).map(({ deliveryId }) => `delivery-${deliveryId}`)));
});

test('continues with other starts when one fails', async () => {
  const { client, inFlight } = slowClient();
  const warnings: unknown[] = [];
  const dispatcher = createDispatcher(
    { client, eager: false },
    {
      ...log,
      warn: (context: unknown) => void warnings.push(context),
    },
    settings,
  );
  dispatcher.dispatch(many(51));
  for (const { end } of [...inFlight]) end(new Error('Temporal is unavailable'));
  await settle();
  expect(inFlight.map(({ id }) => id)).toEqual(['delivery-dlv_50']);
  expect(warnings).toHaveLength(50);
  expect(warnings[0]).toMatchObject({ deliveryId: 'dlv_0', err: { message: 'Temporal is unavailable' } });
});

test('waits for the starts in flight and starts no more when stopped', async () => {
  const { client, inFlight } = slowClient();
  const dispatcher = createDispatcher({ client, eager: false }, log, settings);
  dispatcher.dispatch(many(60));
  let stopped = false;
  const stopping = dispatcher.stop().then(() => (stopped = true));
  await settle();
  expect(stopped).toBe(false);
  for (const { end } of [...inFlight]) end();
  await stopping;
  expect(inFlight).toEqual([]);
  dispatcher.dispatch(many(1));
  await settle();
  expect(inFlight).toEqual([]);
});

test('drops deliveries beyond the maximum queue length', async () => {
  const { client, inFlight } = slowClient();
  const dispatcher = createDispatcher({ client, eager: false }, log, settings);
  for (const count of [200_000, 1_000]) expect(() => dispatcher.dispatch(many(count))).not.toThrow();
  let started = 0;
  while (inFlight.length > 0) {
    started += inFlight.length;
    for (const { end } of [...inFlight]) end();
    await settle();
  }
  expect(started).toBeGreaterThanOrEqual(50_000);
  expect(started).toBeLessThanOrEqual(50_100);
});

describe('new deliveries', () => {
  const fanOut = (accountId: string, count: number, choices: Partial<StoredAccount>): FanOut =>
    ({
      row: { accountId, deliveries: [] },
      deliveryStarts: many(count).map((start) => ({
        ...start,
        account: { ...start.account, ...choices },
        body: '12345',
      })),
    }) as unknown as FanOut;

  function parts(workflows: DispatcherSettings['workflows'], room = 100) {
    const { client, inFlight } = slowClient();
    const sent: string[] = [];
    const offered: string[] = [];
    const idsOf = (deliveries: readonly DeliveryStart[]) => deliveries.map(({ deliveryId }) => deliveryId);
    const sender: SenderPort = {
      claimFor: (deliveries, bytes) => (deliveries <= room && bytes === 5 * deliveries ? 'snd_1' : undefined),
      send: ({ deliveryStarts }) => void sent.push(...idsOf(deliveryStarts)),
      offer: (deliveries) => void offered.push(...idsOf(deliveries)),
    };
    let now = 0;
    const dispatcher = createDispatcher(
      { client, eager: false },
      log,
      { workflows, sender },
      new DirectRate(() => now),
    );
    const emit = (count: number, choices: Partial<StoredAccount> = {}) => {
      const fanOuts = [fanOut('acc_1', count, choices)];
      dispatcher.dispatchNew(fanOuts, dispatcher.modesFor(fanOuts));
    };
    return { emit, inFlight, sent, offered, pass: (ms: number) => (now += ms) };
  }

  test('get workflows at once, always', () => {
    const { emit, inFlight } = parts('always');
    emit(40);
    expect(inFlight).toHaveLength(40);
  });

  test('are sent directly, on_retry: claimed, or offered when too many wait', () => {
    const { emit, inFlight, sent, offered } = parts('on_retry', 5);
    emit(5);
    expect(sent).toHaveLength(5);
    emit(6);
    expect(offered).toHaveLength(6);
    expect(inFlight).toEqual([]);
  });

  test('get workflows at a low rate, and are sent directly above it until it is low again', () => {
    const { emit, inFlight, sent, pass } = parts('adaptive');
    for (let count = 0; count < 30; count += 1) {
      emit(1);
      pass(1_000 / 3);
    }
    expect(inFlight).toHaveLength(30);
    for (let count = 0; count < 30; count += 1) {
      emit(1);
      pass(50);
    }
    expect(sent.length).toBeGreaterThanOrEqual(18);
    const before = inFlight.length;
    // Still direct at a rate that would be low enough, as the mode is kept for a while.
    emit(1);
    pass(5_000);
    expect(inFlight).toHaveLength(before);
    emit(1);
    expect(inFlight).toHaveLength(before + 1);
  });

  test("follow the setting of their account before the installation's", () => {
    const { emit, inFlight, sent } = parts('on_retry');
    emit(2, { workflows: 'always' });
    expect(inFlight).toHaveLength(2);
    emit(3, { workflows: null });
    expect(sent).toHaveLength(3);
  });

  test('are sent directly when an event has many', () => {
    const { emit, sent } = parts('adaptive');
    emit(11);
    expect(sent).toHaveLength(11);
  });
});
