/** Heartbeats of a batch. */
import { heartbeat } from '@temporalio/activity';
import { BATCH_HEARTBEAT_INTERVAL_MS, BATCH_HEARTBEAT_TIMEOUT_MS } from '../../workflows/limits.js';

/**
 * Sends heartbeats, and detects when none was sent for longer than the heartbeat timeout: Temporal may then have started
 * the batch on another worker.
 */
export class Heartbeater {
  #lastAt = performance.now();
  #stale = false;
  #details: number | undefined;
  // Unreferenced, so that it does not keep an idle process alive.
  readonly #timer = setInterval(() => this.#heartbeat(), BATCH_HEARTBEAT_INTERVAL_MS).unref();

  get isStale(): boolean {
    this.#stale ||= performance.now() - this.#lastAt > BATCH_HEARTBEAT_TIMEOUT_MS;
    return this.#stale;
  }

  /** Sets the details that the next try of the activity gets. */
  setDetails(details: number): void {
    this.#details = details;
    this.#heartbeat();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #heartbeat(): void {
    if (this.isStale) return;
    this.#lastAt = performance.now();
    heartbeat(this.#details);
  }
}

/** Throws when a batch must not send anything more, and must not start a workflow that would. */
export function throwIfStale(isStale: boolean): void {
  if (isStale) throw new Error('the worker sent no heartbeat for too long to continue');
}
