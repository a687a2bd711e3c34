/** What is still to be done, for whoever watches. */
import type { Store } from '../store.js';

/**
 * States are named as metrics name them: a delivery that is pending in the database is waiting there, whether for its own
 * workflow or for a batch.
 */
export interface Backlog {
  /** Open deliveries, each state counted up to `COUNTED_AT_MOST`. */
  readonly counts: Readonly<Record<'waiting' | 'retrying' | 'paused', number>>;
  /** How long ago the attempt was due that has been due the longest, in seconds; 0 when none is due. */
  readonly overdueS: Readonly<Record<'waiting' | 'retrying', number>>;
  /** How long ago the maintenance sweep was last completed, in seconds. */
  readonly sweepAgeS: number;
}

/** Beyond this the backlog is large, and counting it exactly would cost more than the figure is worth. */
const MAX_COUNTED = 100_000;

/** Loads the backlog. Every part of the statement reads a partial index, from its oldest end or a bounded part of it. */
export async function loadBacklog(store: Store): Promise<Backlog> {
  const { rows } = await store.pool.query<Record<string, number>>({
    name: 'load-backlog',
    text: `
      SELECT unowned.count + started.count AS waiting, retrying.count AS retrying, paused.count AS paused,
             greatest(extract(epoch FROM now() - least(
               (SELECT min(updated_at) FROM deliveries WHERE NOT owned AND state = 'pending'),
               (SELECT min(coalesce(next_attempt_at, updated_at)) FROM deliveries WHERE owned AND state = 'pending')
             )), 0)::float8 AS waiting_due,
             greatest(extract(epoch FROM now() - (SELECT min(next_attempt_at) FROM deliveries WHERE state = 'retrying')), 0)::float8
               AS retrying_due,
             (SELECT greatest(extract(epoch FROM now() - completed_at), 0)::float8 FROM last_sweep WHERE singleton) AS sweep_age
      FROM
        (SELECT count(*)::int FROM (SELECT FROM deliveries WHERE NOT owned AND state = 'pending' LIMIT $1) AS bounded) unowned,
        (SELECT count(*)::int FROM (SELECT FROM deliveries WHERE owned AND state = 'pending' LIMIT $1) AS bounded) started,
        (SELECT count(*)::int FROM (SELECT FROM deliveries WHERE state = 'retrying' LIMIT $1) AS bounded) retrying,
        (SELECT count(*)::int FROM (SELECT FROM deliveries WHERE state = 'paused' LIMIT $1) AS bounded) paused`,
    values: [MAX_COUNTED],
  });
  const {
    waiting = 0,
    retrying = 0,
    paused = 0,
    waiting_due: waitingDue = 0,
    retrying_due: retryingDue = 0,
    sweep_age: sweepAgeS = 0,
  } = rows[0]!;
  return {
    counts: { waiting: Math.min(waiting, MAX_COUNTED), retrying, paused },
    overdueS: { waiting: waitingDue, retrying: retryingDue },
    sweepAgeS,
  };
}
