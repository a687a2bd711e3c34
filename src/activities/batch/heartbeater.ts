/** Heartbeats of a batch. */
import { heartbeat } from '@temporalio/activity';

const HEARTBEAT_MS = 2_000;
/** After such a silence, in milliseconds, Temporal may have had another worker carry the batch: its heartbeat timeout. */
const STALE_AFTER_MS = 10_000;

/** Tells Temporal that the batch is being carried, and notices when that was not told for too long. */
export class Heartbeater {
  #lastBeat = performance.now();
  #stale = false;
  #sign: number | undefined;
  // A process that has nothing else to do may end.
  readonly #timer = setInterval(() => this.#beat(), HEARTBEAT_MS).unref();

  get isStale(): boolean {
    this.#stale ||= performance.now() - this.#lastBeat > STALE_AFTER_MS;
    return this.#stale;
  }

  /** Adds to the heartbeats what whoever comes after must know. */
  setDetails(details: number): void {
    this.#sign = details;
    this.#beat();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #beat(): void {
    if (this.isStale) return;
    this.#lastBeat = performance.now();
    heartbeat(this.#sign);
  }
}
