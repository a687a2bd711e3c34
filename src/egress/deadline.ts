import { EgressFailure, timeoutFailure, type Stage } from './failures.js';
import type { Timings } from './types.js';

/** The longest wait that a timer takes, in milliseconds; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** Which stages a part consists of. */
const PARTS: Readonly<Record<Exclude<keyof Timings, 'totalMs'>, readonly Stage[]>> = {
  dnsMs: ['lookup'],
  connectMs: ['proxy', 'connect'],
  tlsMs: ['tls'],
  firstByteMs: ['response'],
};

/**
 * The one clock of a request: its signal aborts when the time is up or the caller gives up, and its reason is the
 * failure to report. Whoever works on the request notes here how far it has come.
 */
export class Deadline {
  /** Host (and port) it is waiting for; redirects change it. */
  host = '';
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #startedAt = performance.now();
  #stage: Stage = 'queue';
  #stageSince = this.#startedAt;
  /** Milliseconds spent in each stage. */
  readonly #spent = new Map<Stage, number>();

  /**
   * @param limitMs time that the request may take, in milliseconds.
   * @param account whose request it is.
   */
  constructor(
    limitMs: number,
    private readonly given?: AbortSignal,
    readonly account = '',
  ) {
    this.signal = this.#controller.signal;
    this.#timer = setTimeout(
      () => this.#controller.abort(timeoutFailure(this.stage, this.host, limitMs)),
      Math.min(limitMs, MAX_TIMER_MS),
    );
    // By hand and not with AbortSignal.any: a signal that lives as long as the process must not collect followers.
    if (given?.aborted === true) this.#giveUp();
    else given?.addEventListener('abort', this.#giveUp, { once: true });
  }

  /** What the request is waiting for. */
  get stage(): Stage {
    return this.#stage;
  }

  set stage(stage: Stage) {
    this.#noteStage();
    this.#stage = stage;
  }

  /** How long its parts took so far, the present stage included. */
  get timings(): Timings {
    this.#noteStage();
    const parts = Object.entries(PARTS).flatMap(([name, stages]) => {
      const spent = stages.flatMap((stage) => this.#spent.get(stage) ?? []);
      return spent.length === 0 ? [] : [[name, toTenths(spent.reduce((sum, each) => sum + each))]];
    });
    return {
      ...(Object.fromEntries(parts) as Omit<Timings, 'totalMs'>),
      totalMs: toTenths(performance.now() - this.#startedAt),
    };
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

  #noteStage(): void {
    const now = performance.now();
    this.#spent.set(this.#stage, (this.#spent.get(this.#stage) ?? 0) + now - this.#stageSince);
    this.#stageSince = now;
  }

  readonly #giveUp = (): void => {
    this.#controller.abort(new EgressFailure('timeout', 'The request was stopped before its answer was complete'));
  };
}

function toTenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
