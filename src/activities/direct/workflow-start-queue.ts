/** Starts a workflow for each direct delivery that its sender does not finish. */
import { startDelivery, type WorkflowStarter } from '../../dispatch/start.js';
import { resumePointOf } from '../../store/deliveries/delivery-starts.js';
import type { AttemptMaterial } from '../../store/attempts/attempts.js';
import { FailureType } from '../../workflows/failure.js';
import type { ResumePoint } from '../../workflows/types.js';
import type { Lease } from './lease.js';

/** Starts in flight at once. */
const CONCURRENCY = 20;
/** How long one start may take, in milliseconds. */
const START_DEADLINE_MS = 10_000;

/** A delivery to start; without `resumeFrom` its workflow makes the first attempt. */
interface Start {
  readonly delivery: StartedDelivery;
  readonly resumeFrom: ResumePoint | undefined;
  /** The sender that had the delivery when it was added. */
  readonly senderId: string;
}

/** What starting a workflow needs of a delivery. */
type StartedDelivery = Pick<AttemptMaterial, 'account' | 'delivery' | 'event' | 'subscription' | 'priority'>;

/** What is called once a start has ended; they do not reject. */
export interface StartEvents {
  readonly onStarted: (deliveryId: string) => void;
  readonly onFailed: (deliveryId: string, senderId: string, error: unknown) => void;
}

export class WorkflowStartQueue {
  #waiting: Start[] = [];
  readonly #inFlight = new Set<Promise<void>>();

  constructor(
    private readonly starter: WorkflowStarter,
    private readonly lease: Pick<Lease, 'id' | 'isFresh'>,
    private readonly events: StartEvents,
  ) {}

  /** Starts the delivery's workflow soon; without `resumeFrom` it makes the first attempt. */
  add({ account, delivery, event, subscription, priority }: StartedDelivery, resumeFrom?: ResumePoint): void {
    // Without the body, which is not needed any more.
    this.#waiting.push({
      delivery: { account, delivery, event, subscription, priority },
      resumeFrom,
      senderId: this.lease.id,
    });
    this.#startMore();
  }

  /** Starts the workflow of a delivery whose first attempt was recorded before. */
  addAttempted(delivery: AttemptMaterial): void {
    const message = delivery.stateReason ?? 'not accepted';
    const failed = delivery.state === 'failed';
    this.add(delivery, failed ? { kind: 'ended', type: FailureType.stopped, message } : resumePointOf(delivery));
  }

  /** Completes the starts in flight and those with an outcome, which only a workflow can record; drops the others. */
  async stop(): Promise<void> {
    this.#waiting = this.#waiting.filter(({ resumeFrom }) => resumeFrom?.kind === 'unrecorded');
    while (this.#inFlight.size > 0) await Promise.all(this.#inFlight);
  }

  #startMore(): void {
    while (this.#inFlight.size < CONCURRENCY && this.#waiting.length > 0) {
      const start = this.#start(this.#waiting.shift()!).finally(() => {
        this.#inFlight.delete(start);
        this.#startMore();
      });
      this.#inFlight.add(start);
    }
  }

  async #start({ delivery: start, resumeFrom, senderId }: Start): Promise<void> {
    const { delivery, account, subscription, event, priority } = start;
    try {
      // Without a resume point the workflow makes the first attempt, which another sender may be making.
      const hasClaim = this.lease.isFresh && senderId === this.lease.id;
      if (resumeFrom === undefined && !hasClaim) throw new Error('the lease of the sender has expired');
      await this.starter.client.withDeadline(Date.now() + START_DEADLINE_MS, () =>
        startDelivery(this.starter, {
          deliveryId: delivery.id,
          run: 0,
          account,
          subscriptionId: subscription.id,
          eventType: event.type,
          url: subscription.url,
          resumeFrom,
          priority,
        }),
      );
      this.events.onStarted(delivery.id);
    } catch (error) {
      this.events.onFailed(delivery.id, senderId, error);
    }
  }
}
