/** Relations between the limits of workflows, activities and the worker. */
import { defaults } from '../../../src/config/defaults.js';
import { RETRY_WAITS_MS } from '../../../src/lib/retry.js';
import { contracts } from '../../../src/providers/registry.js';
import {
  ATTEMPT_MARGIN_MS,
  HEARTBEAT_INTERVAL_MS,
  HEARTBEAT_TIMEOUT_MS,
  MAX_PERMIT_WAIT_MS,
  MAX_RESERVATION_WAIT_MS,
  SENDER_FRESH_MS,
  SENDER_LEASE_MS,
  SENDER_RENEWAL_MS,
  SHUTDOWN_GRACE_MS,
  WORKER_CAPACITY,
} from '../../../src/workflows/limits.js';

test('sends several heartbeats within the timeout, and renews a lease several times while it is fresh', () => {
  expect(HEARTBEAT_INTERVAL_MS).toBeLessThan(HEARTBEAT_TIMEOUT_MS / 3);
  expect(SENDER_RENEWAL_MS).toBeLessThan(SENDER_FRESH_MS / 3);
});

test('starts no attempt so late that the lease may expire before the request is sent', () => {
  expect(SENDER_FRESH_MS + 1_000).toBeLessThan(SENDER_LEASE_MS);
});

test('waits for a permit, a reservation and the retries of a write within the margin of an attempt', () => {
  const retries = RETRY_WAITS_MS.reduce((sum, wait) => sum + wait, 0);
  expect(MAX_PERMIT_WAIT_MS + MAX_RESERVATION_WAIT_MS + retries).toBeLessThan(ATTEMPT_MARGIN_MS);
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
