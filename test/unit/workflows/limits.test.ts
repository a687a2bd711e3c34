/** Relations between the limits of workflows, activities and the worker. */
import { defaults } from '../../../src/config/defaults.js';
import { RETRY_WAITS_MS } from '../../../src/lib/retry.js';
import { contracts } from '../../../src/providers/registry.js';
import {
  ATTEMPT_MARGIN_MS,
  BATCH_HEARTBEAT_INTERVAL_MS,
  BATCH_HEARTBEAT_TIMEOUT_MS,
  HEARTBEAT_INTERVAL_MS,
  HEARTBEAT_TIMEOUT_MS,
  MAX_PERMIT_WAIT_MS,
  MAX_RESERVATION_WAIT_MS,
  SHUTDOWN_GRACE_MS,
  WORKER_CAPACITY,
} from '../../../src/workflows/limits.js';

test.each([
  ['a batch', BATCH_HEARTBEAT_INTERVAL_MS, BATCH_HEARTBEAT_TIMEOUT_MS],
  ['other activities', HEARTBEAT_INTERVAL_MS, HEARTBEAT_TIMEOUT_MS],
])('sends several heartbeats of %s within the timeout', (_what, interval, timeout) => {
  expect(interval).toBeLessThan(timeout / 3);
});

test('waits for a permit, a reservation and the retries of a write within the margin of an attempt', () => {
  const retries = RETRY_WAITS_MS.reduce((sum, wait) => sum + wait, 0);
  expect(MAX_PERMIT_WAIT_MS + MAX_RESERVATION_WAIT_MS + retries).toBeLessThan(ATTEMPT_MARGIN_MS);
});

test('waits for a permit of a batch within its heartbeat timeout', () => {
  expect(MAX_PERMIT_WAIT_MS).toBeLessThan(BATCH_HEARTBEAT_TIMEOUT_MS);
});

test('lets one subscription use at most half of a worker by default', () => {
  expect(defaults.maxConcurrentAttempts).toBeLessThanOrEqual(WORKER_CAPACITY / 2);
});

test('waits for the longest attempt of every contract when a worker shuts down', () => {
  for (const contract of contracts) {
    for (const { type } of contract.events) {
      expect(contract.timeLimitMs(type, {} as never) + ATTEMPT_MARGIN_MS).toBeLessThan(SHUTDOWN_GRACE_MS);
    }
  }
});
