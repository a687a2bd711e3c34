/** Heartbeats of a burst. */
import { heartbeat } from '@temporalio/activity';

const HEARTBEAT_MS = 2_000;
/** After such a silence, in milliseconds, Temporal may have had another worker carry the burst: its heartbeat timeout. */
const STALE_AFTER_MS = 10_000;

/** Tells Temporal that the burst is being carried, and notices when that was not told for too long. */
export class Pulse {
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
  say(sign: number): void {
    this.#sign = sign;
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
