/** Limits on the attempts of a subscription that hold across processes: slots for concurrency, turns for a rate. */
import { onlyRow, type Store } from '../store.js';

/** What the owner of a subscription limits; nothing where a field is absent. */
export interface AttemptLimits {
  /** Attempts under way at once. */
  readonly maxConcurrentAttempts?: number;
  /** Attempts begun per second. */
  readonly ratePerSecond?: number;
}

/** Two takers that picked the same slot: the slower one picks again, this often at most. */
const PICKS = 5;

/**
 * Takes one of `limit` slots of a subscription for a holder, which keeps it until it frees it or `seconds` have passed.
 * False when all are taken. One statement and no lock: the primary key is what makes two takers of one slot impossible.
 */
export async function acquirePermit(
  store: Store,
  { subscriptionId, limit, holder, seconds }: PermitRequest,
): Promise<boolean> {
  for (let pick = 0; pick < PICKS; pick += 1) {
    const row = onlyRow(
      await store.pool.query<{ free: boolean; taken: boolean }>({
        name: 'acquire-permit',
        text: `
          WITH free AS (
            SELECT n FROM generate_series(1, $2::int) AS n
            WHERE NOT EXISTS (SELECT FROM attempt_permits s
                              WHERE s.subscription_id = $1 AND s.permit = n AND s.expires_at > now())
            ORDER BY random() LIMIT 1
          ), taken AS (
            INSERT INTO attempt_permits AS s (subscription_id, permit, holder, expires_at)
            SELECT $1, n, $3, now() + make_interval(secs => $4) FROM free
            ON CONFLICT (subscription_id, permit)
              DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at WHERE s.expires_at <= now()
            RETURNING s.permit
          )
          SELECT EXISTS (SELECT FROM free) AS free, EXISTS (SELECT FROM taken) AS taken`,
        values: [subscriptionId, limit, holder, seconds],
      }),
    )!;
    if (row.taken) return true;
    if (!row.free) return false;
  }
  return false;
}

export interface PermitRequest {
  readonly subscriptionId: string;
  readonly limit: number;
  /** Unique to the attempt. */
  readonly holder: string;
  /** After this a holder counts as dead. */
  readonly seconds: number;
}

/** Frees what `takeSlot` took. */
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
 * Books the next turn of a subscription with a rate and gives the milliseconds until then; undefined, and nothing
 * booked, when that is more than `horizonMs` away. Turns are evenly spaced, so there are no batches.
 */
export async function reserve(
  store: Store,
  { subscriptionId, ratePerSecond, horizonMs }: { subscriptionId: string; ratePerSecond: number; horizonMs: number },
): Promise<number | undefined> {
  const row = onlyRow(
    await store.pool.query<{ wait: number }>({
      name: 'book-turn',
      text: `
        INSERT INTO attempt_reservations AS t (subscription_id, next_at)
        VALUES ($1, clock_timestamp() + make_interval(secs => $2))
        ON CONFLICT (subscription_id) DO UPDATE
          SET next_at = greatest(t.next_at, clock_timestamp()) + make_interval(secs => $2)
          WHERE t.next_at < clock_timestamp() + make_interval(secs => $3)
        RETURNING extract(epoch FROM next_at - clock_timestamp())::float8 - $2 AS wait`,
      values: [subscriptionId, 1 / ratePerSecond, horizonMs / 1_000],
    }),
  );
  return row && Math.max(row.wait * 1_000, 0);
}

/** Notes when a delivery that was turned away comes back; without that it would soon look lost or overdue. */
export async function recordDeferral(
  store: Store,
  { deliveryId, run }: { deliveryId: string; run: number },
  at: Date,
): Promise<void> {
  await store.pool.query({
    name: 'note-coming-back',
    text: `UPDATE deliveries SET next_attempt_at = $3, owned = true, updated_at = now()
           WHERE id = $1 AND run = $2 AND state IN ('pending', 'retrying')`,
    values: [deliveryId, run, at],
  });
}
