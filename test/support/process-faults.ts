/** Faults on demand: a database whose statements fail, and deliveries without a workflow. */
import { MockActivityEnvironment } from '@temporalio/testing';
import type { Client } from '@temporalio/client';
import { sweep } from '../../src/activities/maintenance/sweep.js';
import { fanOut, type FanOut } from '../../src/dispatch/fan-out.js';
import { findAccount } from '../../src/store/accounts/accounts.js';
import { BY_WORKFLOW, insertEvents, type DispatchMode } from '../../src/store/events/events.js';
import type { Store } from '../../src/store/store.js';
import { enabledSubscriptions } from '../../src/store/subscriptions/subscriptions.js';
import type { SweepReport } from '../../src/workflows/types.js';

export interface Faults {
  /** Lets the next `times` executions of a named statement fail. */
  fail(name: string, times?: number): void;
  /** The number of remaining failures. */
  readonly remaining: number;
}

/** Lets statements of a store fail, as they do when the database shuts down. */
export function injectFaults({ pool }: Store): Faults {
  const failures = new Map<string, number>();
  const query = pool.query.bind(pool) as (...args: unknown[]) => unknown;
  jest.spyOn(pool, 'query').mockImplementation((...args: unknown[]) => {
    const { name = '' } = (args[0] ?? {}) as { name?: string };
    const remaining = failures.get(name) ?? 0;
    if (remaining === 0) return query(...args);
    failures.set(name, remaining - 1);
    const error = new Error('terminating connection due to administrator command');
    return Promise.reject(Object.assign(error, { code: '57P01' }));
  });
  return {
    fail: (name, times = 1) => void failures.set(name, times),
    get remaining() {
      return Array.from(failures.values()).reduce((sum, count) => sum + count, 0);
    },
  };
}

/** One sweep, as in the maintenance activity. */
export function sweepOnce(store: Store, client: Client): Promise<SweepReport> {
  return new MockActivityEnvironment().run(() => sweep({ store, client }));
}

/** Commits an event without starting its deliveries, as when the process dies after the commit. */
export async function commitOnly(
  store: Store,
  accountId: string,
  type: string,
  data: unknown,
  mode: DispatchMode = BY_WORKFLOW,
): Promise<FanOut & { readonly deliveryIds: string[] }> {
  const account = (await findAccount(store, accountId))!;
  const input = { type, occurredAt: new Date(), text: JSON.stringify(data), data, channels: [] };
  const planned = fanOut(account, await enabledSubscriptions(store, account.id), input);
  await insertEvents(store, store.pool, [planned.row], new Map([[accountId, mode]]));
  return { ...planned, deliveryIds: planned.deliveryStarts.map(({ deliveryId }) => deliveryId) };
}

/** Dates deliveries back, as if nothing had happened to them for some seconds. */
export async function age({ pool }: Store, ids: readonly string[], seconds: number): Promise<void> {
  await pool.query(
    `UPDATE deliveries SET updated_at = updated_at - make_interval(secs => $2),
       next_attempt_at = next_attempt_at - make_interval(secs => $2) WHERE id = ANY($1)`,
    [ids, seconds],
  );
}
