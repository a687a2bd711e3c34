/**
 * Times and counts that must agree between workflows, activities and the worker. Pure, as workflow code imports it.
 * test/unit/workflows/limits.test.ts checks their relations.
 */

/**
 * How much longer than the contract's time limit an attempt's activity may take, in milliseconds: for loading the
 * delivery, waiting for a permit and recording the outcome. After it Temporal may start the attempt on another worker, so
 * a worker that is later than this sends nothing, and a permit in the database expires.
 */
export const ATTEMPT_MARGIN_MS = 15_000;

/** Longest wait for a permit inside the worker, in milliseconds; longer waits are timers of the workflow. */
export const MAX_PERMIT_WAIT_MS = 2_000;
/** Longest wait for a reservation inside the worker, in milliseconds; longer waits are timers of the workflow. */
export const MAX_RESERVATION_WAIT_MS = 1_000;

/** After this many milliseconds without a renewal other senders take over the deliveries of a sender. */
export const SENDER_LEASE_MS = 10_000;
export const SENDER_RENEWAL_MS = 2_000;
/**
 * A sender starts attempts for so many milliseconds after it has asked for a renewal. Shorter than the lease, as a request
 * is sent a little after this is checked.
 */
export const SENDER_FRESH_MS = 8_000;

/** Heartbeats of the activities of a recovery and of the sweep. */
export const HEARTBEAT_TIMEOUT_MS = 30_000;
export const HEARTBEAT_INTERVAL_MS = 5_000;

/** Attempts in flight at once in one worker; each is little more than an open socket. */
export const WORKER_CAPACITY = 400;

/** How long a worker that shuts down waits for its activities, in milliseconds: longer than any attempt takes. */
export const SHUTDOWN_GRACE_MS = 150_000;
