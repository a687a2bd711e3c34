import { EgressFailure, timeoutFailure, type Stage } from './failures.js';
import type { Timings } from './types.js';

/** Maximum delay of a Node.js timer, in milliseconds; a longer one would fire immediately. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The stages that each part of the timings consists of. */
const PARTS: Readonly<Record<Exclude<keyof Timings, 'totalMs'>, readonly Stage[]>> = {
  dnsMs: ['lookup'],
  connectMs: ['proxy', 'connect'],
  tlsMs: ['tls'],
  firstByteMs: ['response'],
};

/**
 * The only timeout of a request. Its signal aborts when the time is up or the caller aborts, with the failure to report
 * as its reason. The code that sends the request records the current stage here.
 */
export class Deadline {
  /** Host (and port) that the request is waiting for; changes with redirects. */
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
   * @param limitMs time limit of the request, in milliseconds.
   * @param account id of the account that the request is sent for.
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
    // Not AbortSignal.any: it would leak listeners on a signal that lives as long as the process.
    if (given?.aborted === true) this.#giveUp();
    else given?.addEventListener('abort', this.#giveUp, { once: true });
  }

  /** The stage that the request is in. */
  get stage(): Stage {
    return this.#stage;
  }

  set stage(stage: Stage) {
    this.#recordStage();
    this.#stage = stage;
  }

  /** Durations so far, including the current stage. */
  get timings(): Timings {
    this.#recordStage();
    const parts = Object.entries(PARTS).flatMap(([name, stages]) => {
      const spent = stages.flatMap((stage) => this.#spent.get(stage) ?? []);
      return spent.length === 0 ? [] : [[name, toTenths(spent.reduce((sum, each) => sum + each))]];
    });
    return {
      ...(Object.fromEntries(parts) as Omit<Timings, 'totalMs'>),
      totalMs: toTenths(performance.now() - this.#startedAt),
    };
  }

  /** Milliseconds since the request started. */
  get elapsedMs(): number {
    return Math.round(performance.now() - this.#startedAt);
  }

  /** Clears the timer and the listener. */
  stop(): void {
    clearTimeout(this.#timer);
    this.given?.removeEventListener('abort', this.#giveUp);
  }

  #recordStage(): void {
    const now = performance.now();
    this.#spent.set(this.#stage, (this.#spent.get(this.#stage) ?? 0) + now - this.#stageSince);
    this.#stageSince = now;
  }

  readonly #giveUp = (): void => {
    this.#controller.abort(new EgressFailure('timeout', 'The request was aborted before its response was complete'));
  };
}

function toTenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}
