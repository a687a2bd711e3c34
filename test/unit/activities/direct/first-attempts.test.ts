/** Which first attempt is sent next, and what is given up. */
import { ConcurrencyLimiter } from '../../../../src/activities/admission/concurrency-limiter.js';
import { FirstAttempts, type FirstAttempt } from '../../../../src/activities/direct/first-attempts.js';
import { MAX_PERMIT_WAIT_MS } from '../../../../src/workflows/limits.js';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
});

function attempt(accountId: string, subscriptionId: string, number: number, priority = 'normal'): FirstAttempt {
  const delivery = {
    account: { id: accountId, dispatchWeight: 1 },
    subscription: { id: subscriptionId },
    delivery: { id: `${accountId} ${subscriptionId} ${number}` },
    body: '12345',
    priority,
  };
  return { delivery, schedule: [], timeLimitMs: 10_000, loadedAt: 0, rejections: 0 } as unknown as FirstAttempt;
}

/** Attempts that end when they are taken from `inFlight`. */
function parts(maxConcurrentAttempts = 50) {
  const sent: string[] = [];
  const givenUp: string[] = [];
  const inFlight: { readonly id: string; readonly end: () => void }[] = [];
  const idOf = ({ delivery }: FirstAttempt) => delivery.delivery.id;
  const attempts = new FirstAttempts({
    limiter: new ConcurrencyLimiter(),
    maxConcurrentAttempts,
    send: (one) => {
      sent.push(idOf(one));
      return new Promise((resolve) => inFlight.push({ id: idOf(one), end: resolve }));
    },
    giveUp: (one) => void givenUp.push(idOf(one)),
    onProgress: () => undefined,
  });
  const add = (accountId: string, subscriptionId: string, count: number) => {
    for (let number = 1; number <= count; number += 1) attempts.add(attempt(accountId, subscriptionId, number));
  };
  /** Ends attempts in flight, the oldest first. */
  const end = async (count: number) => {
    for (const one of inFlight.splice(0, count)) one.end();
    await jest.advanceTimersByTimeAsync(0);
  };
  return { attempts, sent, givenUp, inFlight, add, end };
}

test('rotates over accounts, and over the subscriptions of each', () => {
  const { attempts, sent, add } = parts();
  add('busy', 'a', 3);
  add('busy', 'b', 3);
  add('quiet', 'c', 1);
  attempts.sendMore();
  expect(sent.slice(0, 4)).toEqual(['busy a 1', 'quiet c 1', 'busy b 1', 'busy a 2']);
});

test('sends the high priority of an account first, also for a receiver that is busy, and changes nothing for others', async () => {
  const { attempts, sent, add, end } = parts(1);
  add('acc', 'a', 2);
  add('other', 'b', 1);
  attempts.sendMore();
  expect(sent).toEqual(['acc a 1', 'other b 1']);
  attempts.add(attempt('acc', 'a', 3, 'low'));
  attempts.add(attempt('acc', 'a', 4, 'high'));
  attempts.sendMore();
  await end(1);
  await end(2);
  await end(1);
  expect(sent).toEqual(['acc a 1', 'other b 1', 'acc a 4', 'acc a 2', 'acc a 3']);
});

test('moves a receiver forward in the rotation when a delivery of a higher priority arrives', () => {
  const { attempts, sent, add } = parts();
  add('acc', 'a', 2);
  add('acc', 'b', 1);
  attempts.add(attempt('acc', 'b', 2, 'high'));
  attempts.sendMore();
  // Its former entry in the rotation is skipped.
  expect(sent).toEqual(['acc b 2', 'acc a 1', 'acc a 2', 'acc b 1']);
});

test('has no more attempts of a subscription in flight than allowed, and continues when one ends', async () => {
  const { attempts, sent, add, end } = parts(2);
  add('acc', 'a', 4);
  add('acc', 'b', 1);
  attempts.sendMore();
  expect(sent).toEqual(['acc a 1', 'acc b 1', 'acc a 2']);
  await end(1);
  expect(sent.slice(3)).toEqual(['acc a 3']);
});

test('has at most a hundred quick attempts in flight, and lets slow ones not count', async () => {
  const { attempts, inFlight, add } = parts(50);
  for (const id of ['a', 'b', 'c']) add('acc', id, 50);
  attempts.sendMore();
  expect(inFlight).toHaveLength(100);
  await jest.advanceTimersByTimeAsync(300);
  expect(inFlight).toHaveLength(150);
});

test('gives up what waits for a receiver that hangs, and nothing of others', async () => {
  const { attempts, givenUp, add, end } = parts(2);
  add('acc', 'hangs', 5);
  attempts.sendMore();
  await jest.advanceTimersByTimeAsync(MAX_PERMIT_WAIT_MS + 100);
  expect(givenUp).toEqual(['acc hangs 3', 'acc hangs 4', 'acc hangs 5']);
  add('acc', 'well', 4);
  attempts.sendMore();
  await end(4);
  await jest.advanceTimersByTimeAsync(10_000);
  expect(givenUp).toHaveLength(3);
});

test('keeps the deliveries of a slow receiver in bounds, and does not count them as waiting', async () => {
  const { attempts, givenUp, add, end } = parts(1);
  add('acc', 'slow', 2_100);
  attempts.sendMore();
  expect(attempts.waiting).toBe(2_099);
  await jest.advanceTimersByTimeAsync(300);
  expect(givenUp).toHaveLength(99);
  expect(attempts.waiting).toBe(0);
  attempts.add(attempt('acc', 'slow', 2_101));
  expect(givenUp).toHaveLength(100);
  // A quick response: it is not slow any more.
  await end(1);
  await end(1);
  expect(attempts.waiting).toBeGreaterThan(1_990);
});

test('takes no receiver for slow because this process was too busy to read its responses', async () => {
  const { attempts, givenUp, add, end } = parts();
  const now = performance.now.bind(performance);
  let busyMs = 0;
  jest.spyOn(performance, 'now').mockImplementation(() => now() + busyMs);
  add('acc', 'quick', 3_000);
  attempts.sendMore();
  busyMs = 1_000;
  await jest.advanceTimersByTimeAsync(100);
  expect(givenUp).toEqual([]);
  expect(attempts.waiting).toBe(2_950);
  await end(50);
  // The next ones are slow themselves.
  await jest.advanceTimersByTimeAsync(300);
  expect(attempts.waiting).toBe(0);
  expect(givenUp).toHaveLength(900);
});

test('gives up large deliveries of a slow receiver earlier', async () => {
  const { attempts, givenUp, add } = parts(1);
  add('acc', 'slow', 2);
  attempts.sendMore();
  await jest.advanceTimersByTimeAsync(300);
  const { delivery, ...rest } = attempt('acc', 'slow', 3);
  const large = { ...rest, delivery: { ...delivery, body: 'x'.repeat(8 * 1_024 * 1_024) } };
  attempts.add(large);
  expect(givenUp).toEqual([]);
  attempts.add(large);
  expect(givenUp).toEqual(['acc slow 3']);
});

test('counts the bodies that wait', async () => {
  const { attempts, add, end } = parts(1);
  add('acc', 'a', 4);
  expect(attempts.waitingBytes).toBe(20);
  attempts.sendMore();
  expect(attempts.waitingBytes).toBe(15);
  await end(1);
  expect(attempts.waitingBytes).toBe(10);
  attempts.clear();
  expect(attempts.waitingBytes).toBe(0);
});

test('returns what waits when it is cleared, and sends none of it', async () => {
  const { attempts, sent, add, end } = parts(1);
  add('acc', 'a', 3);
  attempts.sendMore();
  expect(attempts.clear()).toHaveLength(2);
  await end(1);
  expect(sent).toHaveLength(1);
  expect(attempts.inFlight).toBe(0);
});
