/** The rate of deliveries above which first attempts are made directly, without a workflow. */

/** Deliveries per second that may have a workflow each: a workflow costs some 55 ms of processor, so a sixth of a core. */
const WORKFLOWS_PER_SECOND = 3;
/** Deliveries that may exceed that rate for a moment. */
const MAX_BURST = 10;

/**
 * A token bucket with hysteresis: when it is empty, deliveries are direct until it is full again. So at a steady rate all
 * deliveries are treated alike, and the mode does not change from one to the next.
 */
export class DirectRate {
  #tokens = MAX_BURST;
  #updatedAt: number;
  #isDirect = false;

  /** `now` is a clock in milliseconds. */
  constructor(private readonly now: () => number = () => performance.now()) {
    this.#updatedAt = now();
  }

  /** Whether this number of new deliveries is direct. Counts them. */
  isDirect(deliveries: number): boolean {
    const now = this.now();
    this.#tokens = Math.min(this.#tokens + ((now - this.#updatedAt) / 1_000) * WORKFLOWS_PER_SECOND, MAX_BURST);
    this.#updatedAt = now;
    if (this.#tokens === MAX_BURST) this.#isDirect = false;
    this.#tokens -= deliveries;
    if (this.#tokens < 0) {
      this.#tokens = 0;
      this.#isDirect = true;
    }
    return this.#isDirect;
  }
}
