/** Starts a workflow for each delivery of a batch that the batch does not finish. */
import { startDelivery, type WorkflowStarter } from '../../dispatch/start.js';
import type { BatchedDelivery } from '../../store/batches/batched.js';
import { releaseClaims } from '../../store/batches/claims.js';
import { resumePointOf } from '../../store/deliveries/delivery-starts.js';
import type { Store } from '../../store/store.js';
import { FailureType } from '../../workflows/failure.js';
import type { ResumePoint } from '../../workflows/types.js';
import { throwIfStale } from './heartbeater.js';

/** Starts in flight at once. */
const CONCURRENCY = 20;
/** How long one start may take, in milliseconds. */
const START_DEADLINE_MS = 10_000;

export class WorkflowStartQueue {
  readonly #waiting: { readonly delivery: BatchedDelivery; readonly resumeFrom: ResumePoint | undefined }[] = [];
  readonly #inFlight = new Set<Promise<void>>();
  #started: string[] = [];
  #failure: unknown;
  /** Deliveries that were added. */
  count = 0;

  constructor(
    private readonly store: Store,
    private readonly starter: WorkflowStarter,
    /** Whether another worker may be processing the batch. */
    private readonly isStale: () => boolean,
  ) {}

  /** Starts the delivery's workflow soon; without `resumeFrom` it makes the first attempt. */
  add(delivery: BatchedDelivery, resumeFrom?: ResumePoint): void {
    this.count += 1;
    this.#waiting.push({ delivery, resumeFrom });
    this.#startMore();
  }

  /** Starts the workflow of a delivery whose first attempt was recorded by an earlier try of the batch. */
  addAttempted(delivery: BatchedDelivery): void {
    const message = delivery.stateReason ?? 'not accepted';
    const failed = delivery.state === 'failed';
    this.add(delivery, failed ? { kind: 'ended', type: FailureType.stopped, message } : resumePointOf(delivery));
  }

  /** Waits for all starts. Throws when one failed; the others are completed first. */
  async finish(): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.all(this.#inFlight);
    if (this.#started.length > 0) await releaseClaims(this.store, this.#started);
    this.#started = [];
    if (this.#failure !== undefined) throw this.#failure as Error;
  }

  #startMore(): void {
    while (this.#inFlight.size < CONCURRENCY && this.#waiting.length > 0) {
      const { delivery, resumeFrom } = this.#waiting.shift()!;
      const start = this.#start(delivery, resumeFrom).finally(() => {
        this.#inFlight.delete(start);
        this.#startMore();
      });
      this.#inFlight.add(start);
    }
  }

  async #start(
    { delivery, account, subscription, event }: BatchedDelivery,
    resumeFrom: ResumePoint | undefined,
  ): Promise<void> {
    try {
      // Without a resume point the workflow makes the first attempt, which another worker may be making.
      if (resumeFrom === undefined) throwIfStale(this.isStale());
      const deadline = Date.now() + START_DEADLINE_MS;
      await this.starter.client.withDeadline(deadline, () =>
        startDelivery(this.starter, {
          deliveryId: delivery.id,
          run: 0,
          account,
          subscriptionId: subscription.id,
          eventType: event.type,
          url: subscription.url,
          resumeFrom,
        }),
      );
      this.#started.push(delivery.id);
    } catch (error) {
      this.#failure ??= error;
    }
  }
}
