/** Giving deliveries that a batch carried a workflow of their own. */
import { startDelivery, type WorkflowStarter } from '../../dispatch/start.js';
import type { BatchedDelivery } from '../../store/batches/batched.js';
import { releaseClaims } from '../../store/batches/claims.js';
import { resumePointOf } from '../../store/deliveries/delivery-starts.js';
import type { Store } from '../../store/store.js';
import { FailureType, type ResumePoint } from '../../workflows/types.js';

/** How many starts are under way at once. */
const CONCURRENCY = 20;
/** How long one start may take, in milliseconds. */
const START_DEADLINE_MS = 10_000;

/** The deliveries that one batch hands over. */
export class WorkflowStartQueue {
  readonly #waiting: { readonly delivery: BatchedDelivery; readonly resumeFrom: ResumePoint | undefined }[] = [];
  readonly #underWay = new Set<Promise<void>>();
  #started: string[] = [];
  #failure: unknown;
  count = 0;

  constructor(
    private readonly store: Store,
    private readonly starter: WorkflowStarter,
    /** Whether the batch stood still for so long that another worker may be carrying it. */
    private readonly isStale: () => boolean,
  ) {}

  /** Starts its workflow soon; with its first attempt where nothing else is said. */
  add(delivery: BatchedDelivery, resumeFrom?: ResumePoint): void {
    this.count += 1;
    this.#waiting.push({ delivery, resumeFrom });
    this.#startMore();
  }

  /** Starts the workflow of one whose attempt a killed predecessor recorded. */
  after(delivery: BatchedDelivery): void {
    const message = delivery.stateReason ?? 'not accepted';
    const failed = delivery.state === 'failed';
    this.add(delivery, failed ? { kind: 'ended', type: FailureType.stopped, message } : resumePointOf(delivery));
  }

  /** Waits for all of them. Throws when one could not be started; none of those is given up. */
  async finish(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
    if (this.#started.length > 0) await releaseClaims(this.store, this.#started);
    this.#started = [];
    if (this.#failure !== undefined) throw this.#failure as Error;
  }

  #startMore(): void {
    while (this.#underWay.size < CONCURRENCY && this.#waiting.length > 0) {
      const { delivery, resumeFrom: begin } = this.#waiting.shift()!;
      const start = this.#start(delivery, begin).finally(() => {
        this.#underWay.delete(start);
        this.#startMore();
      });
      this.#underWay.add(start);
    }
  }

  async #start(
    { delivery, account, subscription, event }: BatchedDelivery,
    resumeFrom: ResumePoint | undefined,
  ): Promise<void> {
    const deliveryStart = {
      deliveryId: delivery.id,
      run: 0,
      account,
      subscriptionId: subscription.id,
      eventType: event.type,
      url: subscription.url,
      ...(resumeFrom ? { resumeFrom } : {}),
    };
    try {
      // With nothing to begin from it would make the first attempt, as that other worker may.
      if (resumeFrom === undefined) refuseIfStale(this.isStale());
      const deadline = Date.now() + START_DEADLINE_MS;
      await this.starter.client.withDeadline(deadline, () => startDelivery(this.starter, deliveryStart));
      this.#started.push(delivery.id);
    } catch (error) {
      this.#failure ??= error;
    }
  }
}

/** Throws when a batch must send nothing more, and have nothing more sent. */
export function refuseIfStale(stale: boolean): void {
  if (stale) throw new Error('the worker stood still for too long to go on');
}
