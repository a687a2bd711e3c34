/** Notifications between processes: none is lost between two, nor during a claim. */
import { EventEmitter } from 'node:events';
import pino from 'pino';
import { Claimer } from '../../../../src/activities/direct/claimer.js';
import { createNotifier } from '../../../../src/store/direct/notifications.js';
import type { Store } from '../../../../src/store/store.js';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

test('notifies again for what was committed after the last notification', async () => {
  const query = jest.fn(async () => ({ rows: [] }));
  const notify = createNotifier({ pool: { query } } as unknown as Store);
  notify();
  notify();
  notify();
  expect(query).toHaveBeenCalledTimes(1);
  await jest.advanceTimersByTimeAsync(1_000);
  expect(query).toHaveBeenCalledTimes(2);
});

test('claims again when it was notified during a claim', async () => {
  const client = Object.assign(new EventEmitter(), { query: async () => undefined, release: () => undefined });
  const claims: (() => void)[] = [];
  const pool = {
    connect: async () => client,
    query: () => new Promise((resolve) => claims.push(() => resolve({ rows: [] }))),
  };
  const claimer = new Claimer({
    store: { pool } as unknown as Store,
    log: pino({ level: 'silent' }),
    lease: { id: 'snd_1', isFresh: true },
    waiting: () => 0,
    onClaimed: () => undefined,
  });
  claimer.start();
  await jest.advanceTimersByTimeAsync(0);
  expect(claims).toHaveLength(1);
  client.emit('notification');
  claims[0]!();
  await jest.advanceTimersByTimeAsync(0);
  expect(claims).toHaveLength(2);
  claims[1]!();
  const stopped = claimer.stop();
  await jest.advanceTimersByTimeAsync(0);
  await stopped;
});
