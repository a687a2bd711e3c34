/** Starting workflows in the background: bounded, undisturbed by failures, and over when it is stopped. */
import type { Client } from '@temporalio/client';
import pino from 'pino';
import { createDispatcher } from '../../../src/dispatch/dispatcher';
import type { DeliveryStart } from '../../../src/store/deliveries/delivery-starts';

const log = pino({ level: 'silent' });

function deliveryStart(number: number): DeliveryStart {
  return {
    deliveryId: `dlv_${number}`,
    run: 0,
    account: {
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
    },
    subscriptionId: 'sub_1',
    eventType: 'user.created',
    url: 'https://hooks.example.com/in',
  };
}

const many = (count: number) => Array.from({ length: count }, (_, number) => deliveryStart(number));

/** A client whose starts end when they are told to. */
function slowClient() {
  const underWay: { id: string; end: (error?: Error) => void }[] = [];
  let most = 0;
  const client = {
    withDeadline: (_deadline: number, work: () => Promise<unknown>) => work(),
    workflow: {
      start: (_type: string, { workflowId }: { workflowId: string }) =>
        new Promise<void>((resolve, reject) => {
          const start = {
            id: workflowId,
            end: (error?: Error) => {
              underWay.splice(underWay.indexOf(start), 1);
              if (error) reject(error);
              else resolve();
            },
          };
          underWay.push(start);
          most = Math.max(most, underWay.length);
        }),
    },
  };
  return { client: client as unknown as Client, underWay, most: () => most };
}

/** Lets everything happen that needs no more than promises. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

test('no more than fifty starts are under way at once, and each delivery is started once', async () => {
  const { client, underWay, most } = slowClient();
  const dispatcher = createDispatcher({ client, eager: false }, log);
  dispatcher.dispatch(many(120));
  const seen: string[] = [];
  while (underWay.length > 0) {
    for (const { id, end } of [...underWay]) {
      seen.push(id);
      end();
    }
    await settle();
  }
  expect(most()).toBe(50);
  expect(seen).toHaveLength(120);
  expect(new Set(seen)).toEqual(new Set(many(120).map(({ deliveryId }) => `delivery-${deliveryId}`)));
});

test('a start that fails is left to the sweep and keeps no other from being made', async () => {
  const { client, underWay } = slowClient();
  const warnings: unknown[] = [];
  const dispatcher = createDispatcher(
    { client, eager: false },
    {
      ...log,
      warn: (context: unknown) => void warnings.push(context),
    },
  );
  dispatcher.dispatch(many(51));
  for (const { end } of [...underWay]) end(new Error('Temporal is away'));
  await settle();
  expect(underWay.map(({ id }) => id)).toEqual(['delivery-dlv_50']);
  expect(warnings).toHaveLength(50);
  expect(warnings[0]).toMatchObject({ deliveryId: 'dlv_0', err: { message: 'Temporal is away' } });
});

test('a stop waits for the starts under way and makes no more', async () => {
  const { client, underWay } = slowClient();
  const dispatcher = createDispatcher({ client, eager: false }, log);
  dispatcher.dispatch(many(60));
  let stopped = false;
  const stopping = dispatcher.stop().then(() => (stopped = true));
  await settle();
  expect(stopped).toBe(false);
  for (const { end } of [...underWay]) end();
  await stopping;
  expect(underWay).toEqual([]);
  dispatcher.dispatch(many(1));
  await settle();
  expect(underWay).toEqual([]);
});

test('what is more than can be kept is left to the sweep', async () => {
  const { client, underWay } = slowClient();
  const dispatcher = createDispatcher({ client, eager: false }, log);
  for (const count of [200_000, 1_000]) expect(() => dispatcher.dispatch(many(count))).not.toThrow();
  let started = 0;
  while (underWay.length > 0) {
    started += underWay.length;
    for (const { end } of [...underWay]) end();
    await settle();
  }
  expect(started).toBeGreaterThanOrEqual(50_000);
  expect(started).toBeLessThanOrEqual(50_100);
});

test('a batch that was worth one gathers what comes next, and a small one does not', async () => {
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
