/** Limits of a subscription's attempts across processes: permits for concurrency, reservations for a rate. */
import { onlyRow, type Store } from '../store.js';

/** Limits that a subscription's owner has set; an absent field is no limit. */
export interface AttemptLimits {
  /** Attempts in flight at once. */
  readonly maxConcurrentAttempts?: number;
  /** Attempts started per second. */
  readonly ratePerSecond?: number;
}

/** Maximum tries to acquire a permit; when two callers try the same one, the slower one tries another. */
const MAX_TRIES = 5;

/**
 * Acquires one of `limit` permits of a subscription for a holder, until it is released or `seconds` have passed; false when
 * none is free. One statement without a lock: the primary key prevents two holders of one permit.
 */
export async function acquirePermit(
  store: Store,
  { subscriptionId, limit, holder, seconds }: PermitRequest,
): Promise<boolean> {
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const row = onlyRow(
      await store.pool.query<{ free: boolean; acquired: boolean }>({
        name: 'acquire-permit',
        text: `
          WITH free AS (
            SELECT n FROM generate_series(1, $2::int) AS n
            WHERE NOT EXISTS (SELECT FROM attempt_permits s
                              WHERE s.subscription_id = $1 AND s.permit = n AND s.expires_at > now())
            ORDER BY random() LIMIT 1
          ), acquired AS (
            INSERT INTO attempt_permits AS s (subscription_id, permit, holder, expires_at)
            SELECT $1, n, $3, now() + make_interval(secs => $4) FROM free
            ON CONFLICT (subscription_id, permit)
              DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at WHERE s.expires_at <= now()
            RETURNING s.permit
          )
          SELECT EXISTS (SELECT FROM free) AS free, EXISTS (SELECT FROM acquired) AS acquired`,
        values: [subscriptionId, limit, holder, seconds],
      }),
    )!;
    if (row.acquired) return true;
    if (!row.free) return false;
  }
  return false;
}

export interface PermitRequest {
  readonly subscriptionId: string;
  readonly limit: number;
  /** Unique to the attempt. */
  readonly holder: string;
  /** After this the permit expires. */
  readonly seconds: number;
}

/** Releases the permit of a holder. */
export async function releasePermit(
  store: Store,
  { subscriptionId, holder }: Pick<PermitRequest, 'subscriptionId' | 'holder'>,
): Promise<void> {
  await store.pool.query({
    name: 'release-permit',
    text: 'DELETE FROM attempt_permits WHERE subscription_id = $1 AND holder = $2',
    values: [subscriptionId, holder],
  });
}

/**
 * Reserves the next start time of a subscription with a rate, and returns the milliseconds until then. Undefined, without
 * a reservation, when that is beyond `horizonMs`. Reservations are evenly spaced, so there are no spikes.
 */
export async function reserve(
  store: Store,
  { subscriptionId, ratePerSecond, horizonMs }: { subscriptionId: string; ratePerSecond: number; horizonMs: number },
): Promise<number | undefined> {
  const row = onlyRow(
    await store.pool.query<{ wait: number }>({
      name: 'reserve',
      text: `
        INSERT INTO attempt_reservations AS r (subscription_id, next_at)
        VALUES ($1, clock_timestamp() + make_interval(secs => $2))
        ON CONFLICT (subscription_id) DO UPDATE
          SET next_at = greatest(r.next_at, clock_timestamp()) + make_interval(secs => $2)
          WHERE r.next_at < clock_timestamp() + make_interval(secs => $3)
        RETURNING extract(epoch FROM next_at - clock_timestamp())::float8 - $2 AS wait`,
      values: [subscriptionId, 1 / ratePerSecond, horizonMs / 1_000],
    }),
  );
  return row && Math.max(row.wait * 1_000, 0);
}

/** Records when a rejected attempt is retried; otherwise the delivery would look lost or overdue. */
export async function recordDeferral(
  store: Store,
  { deliveryId, run }: { deliveryId: string; run: number },
  at: Date,
): Promise<void> {
  await store.pool.query({
    name: 'record-deferral',
    text: `UPDATE deliveries SET next_attempt_at = $3, owned = true, updated_at = now()
           WHERE id = $1 AND run = $2 AND state IN ('pending', 'retrying')`,
    values: [deliveryId, run, at],
  });
}
