import { EgressFailure, timeoutFailure, type Stage } from './failures.js';

/** The longest wait that a timer takes, in milliseconds; a longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * The one clock of a request: its signal aborts when the time is up or the caller gives up, and its reason is the
 * failure to report. Whoever works on the request notes here how far it has come.
 */
export class Deadline {
  /** What the request is waiting for. */
  stage: Stage = 'queue';
  /** Host (and port) it is waiting for; redirects change it. */
  host = '';
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #startedAt = performance.now();

  /** @param limitMs time that the request may take, in milliseconds. */
  constructor(
    limitMs: number,
    private readonly given?: AbortSignal,
  ) {
    this.signal = this.#controller.signal;
    this.#timer = setTimeout(
      () => this.#controller.abort(timeoutFailure(this.stage, this.host, limitMs)),
      Math.min(limitMs, LONGEST_TIMER_MS),
    );
    // By hand and not with AbortSignal.any: a signal that lives as long as the process must not collect followers.
    if (given?.aborted === true) this.#giveUp();
    else given?.addEventListener('abort', this.#giveUp, { once: true });
  }

  /** Milliseconds since the start. */
  get elapsedMs(): number {
    return Math.round(performance.now() - this.#startedAt);
  }

  /** Stops the clock. */
  stop(): void {
    clearTimeout(this.#timer);
    this.given?.removeEventListener('abort', this.#giveUp);
  }

  readonly #giveUp = (): void => {
    this.#controller.abort(new EgressFailure('timeout', 'The request was stopped before its answer was complete'));
  };
}
