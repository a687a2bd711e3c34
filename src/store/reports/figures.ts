/** Figures about the attempts of a subscription. */
import { lowestIdAt } from '../../contract/ids.js';
import { longQuery, type Store } from '../store.js';

/** A group of attempts with the same event type, result and band of durations. */
export interface AttemptFigures {
  readonly eventType: string;
  /** Whether they ended their delivery, as accepted or failed, or another attempt followed. */
  readonly result: 'accepted' | 'failed' | 'retried';
  /** How many of the times `slowerThanMs` they reached or exceeded. */
  readonly band: number;
  readonly attempts: number;
  /** The sum of their durations, in milliseconds. */
  readonly totalMs: number;
}

/** Deliveries are searched by their creation, which is at most this long before the attempts that are counted. */
const MAX_DELIVERY_MS = 24 * 3_600_000;

/**
 * Counts the attempts of a subscription since a time; `slowerThanMs` is ascending. Interrupted attempts and those of
 * deliveries that were created more than a day before the time are not counted.
 */
export async function attemptFigures(
  store: Store,
  { subscriptionId, since, slowerThanMs }: { subscriptionId: string; since: Date; slowerThanMs: readonly number[] },
): Promise<AttemptFigures[]> {
  const query = longQuery(
    `SELECT d.event_type AS "eventType", ended.result, ended.band,
            count(*)::int AS attempts, sum(a.duration_ms)::float8 AS "totalMs"
     FROM deliveries d
     JOIN attempts a ON a.delivery_id = d.id AND a.delivery_id >= $2
     CROSS JOIN LATERAL (
       SELECT width_bucket(a.duration_ms, $4::int[]) AS band,
              CASE WHEN a.outcome = 'accepted' THEN 'accepted'
                   -- The last attempt of a failed run, or of an earlier run before a redelivery.
                   WHEN (d.state = 'failed' OR a.run < d.run) AND NOT EXISTS (
                     SELECT FROM attempts later
                     WHERE later.delivery_id = d.id AND later.delivery_id >= $2 AND later.number = a.number + 1 AND later.run = a.run
                   ) THEN 'failed'
                   ELSE 'retried' END AS result
     ) ended
     WHERE d.subscription_id = $1 AND d.id >= $2 AND a.started_at >= $3 AND a.outcome <> 'interrupted'
     GROUP BY 1, 2, 3`,
    [subscriptionId, lowestIdAt('dlv', new Date(since.getTime() - MAX_DELIVERY_MS)), since, slowerThanMs],
  );
  return (await store.pool.query<AttemptFigures>(query)).rows;
}
