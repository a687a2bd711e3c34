/** Starting workflows in the background. */
import type { Client } from '@temporalio/client';
import pino from 'pino';
import { createDispatcher } from '../../../src/dispatch/dispatcher.js';
import type { DeliveryStart } from '../../../src/store/deliveries/delivery-starts.js';

const log = pino({ level: 'silent' });

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
  const dispatcher = createDispatcher({ client, eager: false }, log);
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
  const dispatcher = createDispatcher({ client, eager: false }, log);
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
  const dispatcher = createDispatcher({ client, eager: false }, log);
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

test('waits for more deliveries after a batch of more than twenty, and not after a smaller one', async () => {
  const ended = { result: () => Promise.resolve() };
  const client = {
    withDeadline: (_deadline: number, work: () => Promise<unknown>) => work(),
    withAbortSignal: (_signal: AbortSignal, work: () => Promise<unknown>) => work(),
    workflow: { start: () => Promise.resolve(ended) },
  };
  const dispatcher = createDispatcher({ client: client as unknown as Client, eager: false }, log);
  dispatcher.dispatch(many(2), 'batch');
  expect(dispatcher.modeFor(1)).toBe('batch');
  await settle();
  expect(dispatcher.modeFor(1)).toBe('single');
  dispatcher.dispatch(many(21), 'batch');
  await settle();
  expect(dispatcher.modeFor(1)).toBe('batch');
  await dispatcher.stop();
  expect(dispatcher.modeFor(1)).toBe('single');
});
