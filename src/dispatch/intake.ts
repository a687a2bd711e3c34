/**
 * From planned events to committed rows and on to the dispatcher. Requests that come while others are being committed
 * share the next commit; one that comes alone waits for nobody.
 */
import { insertEvents, type Lane } from '../store/events.js';
import { isRefused } from '../store/refused.js';
import type { Store } from '../store/store.js';
import { countEmitted } from '../telemetry/metrics.js';
import { commitOnce, inCurrentTrace, type Once, type PlannedEvent } from './accept.js';
import type { Dispatcher } from './dispatcher.js';

/** Commits of several requests under way at once. */
const COMMITS_AT_ONCE = 2;
/** Events of one commit at most, unless a single request has more. */
const MOST_EVENTS = 500;

interface Waiting {
  readonly planned: readonly PlannedEvent[];
  readonly committed: () => void;
  readonly failed: (error: unknown) => void;
}

/** One for each process that accepts events. */
export class Intake {
  readonly #waiting: Waiting[] = [];
  #committing = 0;

  constructor(
    private readonly store: Store,
    private readonly dispatcher: Dispatcher,
  ) {}

  /**
   * Commits the events of one request, all of them or none, and lets their deliveries be started. With `once`, throws
   * AnsweredBefore when its request had its answer.
   */
  async take(events: readonly PlannedEvent[], once?: Once): Promise<void> {
    const planned = inCurrentTrace(events);
    if (once) {
      const lane = this.dispatcher.laneFor(countDeliveries(planned));
      await commitOnce(this.store, planned, once, lane);
      this.#afterCommit(planned, lane);
    } else if (planned.length > 0) {
      await new Promise<void>((committed, failed) => {
        this.#waiting.push({ planned, committed, failed });
        this.#commitMore();
      });
    }
  }

  #commitMore(): void {
    while (this.#committing < COMMITS_AT_ONCE && this.#waiting.length > 0) {
      this.#committing += 1;
      void this.#commit(this.#next()).finally(() => {
        this.#committing -= 1;
        this.#commitMore();
      });
    }
  }

  #next(): Waiting[] {
    let events = 0;
    const end = this.#waiting.findIndex(({ planned }, index) => (events += planned.length) > MOST_EVENTS && index > 0);
    return this.#waiting.splice(0, end === -1 ? this.#waiting.length : end);
  }

  async #commit(requests: readonly Waiting[]): Promise<void> {
    const planned = requests.flatMap((request) => request.planned);
    const lane = this.dispatcher.laneFor(countDeliveries(planned));
    try {
      await insertEvents(
        this.store.pool,
        planned.map(({ row }) => row),
        lane,
      );
    } catch (error) {
      // One that the database refuses must not take the others with it.
      if (requests.length > 1 && isRefused(error)) for (const request of requests) await this.#commit([request]);
      else for (const { failed } of requests) failed(error);
      return;
    }
    this.#afterCommit(planned, lane);
    for (const { committed } of requests) committed();
  }

  #afterCommit(planned: readonly PlannedEvent[], lane: Lane): void {
    countEmitted(planned.map(({ row }) => row));
    this.dispatcher.dispatch(
      planned.flatMap(({ startables }) => startables),
      lane,
    );
  }
}

function countDeliveries(planned: readonly PlannedEvent[]): number {
  return planned.reduce((sum, { startables }) => sum + startables.length, 0);
}
