/**
 * Decides how first attempts are made, and starts committed deliveries in the background.
 *
 * At a low rate each delivery gets its own workflow at once. Above it, and for many at once, a sender makes the first
 * attempts directly, and only deliveries that were not accepted get a workflow.
 */
import type { Logger } from 'pino';
import type { WorkflowMode } from '../config/defaults.js';
import type { DeliveryStart } from '../store/deliveries/delivery-starts.js';
import { modeOf, type DispatchMode, type DispatchModes } from '../store/events/events.js';
import type { SupersededDelivery } from '../store/events/supersede.js';
import { countEnd } from '../telemetry/metrics.js';
import { deliveryWorkflowId } from '../workflows/names.js';
import { deliverySignals } from '../workflows/signals.js';
import { DirectRate } from './direct-rate.js';
import { FairQueue, Fifo } from './fair-queue.js';
import type { FanOut } from './fan-out.js';
import { startDelivery, type WorkflowStarter } from './start.js';

/** Starts of workflows in flight at once. */
const MAX_STARTS = 50;
/** Workflows of superseded deliveries that are ended at once. */
const MAX_ENDS = 10;
/** How long one start may take, in milliseconds; after that the sweep starts the delivery. */
const START_DEADLINE_MS = 10_000;
/** Deliveries that wait in memory; the sweep starts further ones. */
const MAX_QUEUE_LENGTH = 50_000;

export interface Dispatcher {
  /** How these new deliveries are to be committed now. */
  modesFor(fanOuts: readonly FanOut[]): DispatchModes;
  /** Starts the workflows of these deliveries soon. The sweep starts those that cannot be started now. */
  dispatch(deliveryStarts: readonly DeliveryStart[]): void;
  /** Starts new deliveries that were committed with these modes. */
  dispatchNew(fanOuts: readonly FanOut[], modes: DispatchModes): void;
  /**
   * Ends the workflows of superseded deliveries soon. One that cannot be reached ends when it is about to make its next
   * attempt; if it is paused, it ends when the delivery is redelivered.
   */
  endSuperseded(deliveries: readonly SupersededDelivery[]): void;
  /** Waits for the starts in flight. The sweep starts the deliveries that still wait. */
  stop(): Promise<void>;
}

/** The sender of this process, or the way to those of other processes. */
export interface SenderPort {
  /**
   * The id with which this number of deliveries is committed as claimed; undefined when too many wait. `bytes` is the size
   * of their bodies, in UTF-16 code units.
   */
  claimFor(deliveries: number, bytes: number): string | undefined;
  /** Sends deliveries that were committed as claimed with this id. */
  send(fanOut: FanOut, senderId: string): void;
  /** Claims and sends deliveries that were committed without a claim. */
  offer(deliveries: readonly DeliveryStart[]): void;
}

/** The port of a process without a sender: it leaves all deliveries unclaimed, and `notify` notifies the senders. */
export const remoteSender = (notify: () => void): SenderPort => ({
  claimFor: () => undefined,
  send: notify,
  offer: notify,
});

export interface DispatcherSettings {
  /** When a delivery gets a workflow, unless its account has a setting of its own. */
  readonly workflows: WorkflowMode;
  readonly sender: SenderPort;
}

export function createDispatcher(
  starter: WorkflowStarter,
  log: Logger,
  { workflows, sender }: DispatcherSettings,
  rate = new DirectRate(),
): Dispatcher {
  const waiting = new FairQueue<DeliveryStart>();
  const ends = new SupersededWorkflows(starter, log);
  const starts = new Set<Promise<void>>();
  let isStopping = false;

  const startMore = (): void => {
    while (!isStopping && starts.size < MAX_STARTS && waiting.size > 0) {
      const start = startOne(waiting.take(1)[0]!).finally(() => {
        starts.delete(start);
        startMore();
      });
      starts.add(start);
    }
  };

  async function startOne(deliveryStart: DeliveryStart): Promise<void> {
    try {
      await starter.client.withDeadline(Date.now() + START_DEADLINE_MS, () => startDelivery(starter, deliveryStart));
    } catch (error) {
      log.warn({ err: error, deliveryId: deliveryStart.deliveryId }, 'cannot start a delivery now; the sweep will');
    }
  }

  const dispatch = (deliveryStarts: readonly DeliveryStart[]): void => {
    const capacity = Math.max(MAX_QUEUE_LENGTH - waiting.size, 0);
    for (const deliveryStart of deliveryStarts.slice(0, capacity)) waiting.add(deliveryStart);
    startMore();
  };

  const isDirect = (mode: WorkflowMode, deliveries: number): boolean => {
    if (mode === 'adaptive') return rate.isDirect(deliveries);
    return mode === 'on_retry';
  };

  return {
    modesFor(fanOuts) {
      const sizes = new Map<string, { mode: WorkflowMode; deliveries: number; bytes: number }>();
      for (const { row, deliveryStarts } of fanOuts) {
        if (deliveryStarts.length === 0) continue;
        const mode = deliveryStarts[0]!.account.workflows ?? workflows;
        const size = sizes.get(row.accountId) ?? { mode, deliveries: 0, bytes: 0 };
        size.deliveries += deliveryStarts.length;
        for (const { body } of deliveryStarts) size.bytes += body.length;
        sizes.set(row.accountId, size);
      }
      const modes = new Map<string, DispatchMode>();
      for (const [accountId, { mode, deliveries, bytes }] of sizes) {
        if (isDirect(mode, deliveries))
          modes.set(accountId, { direct: true, senderId: sender.claimFor(deliveries, bytes) });
      }
      return modes;
    },
    dispatch,
    dispatchNew(fanOuts, modes) {
      for (const fanOut of fanOuts) {
        const { row, deliveryStarts } = fanOut;
        const mode = modeOf(row, modes);
        if (deliveryStarts.length === 0) continue;
        if (!mode.direct) dispatch(deliveryStarts.map(withoutBody));
        else if (mode.senderId === undefined) sender.offer(deliveryStarts.map(withoutBody));
        else sender.send(fanOut, mode.senderId);
      }
    },
    endSuperseded: (deliveries) => ends.add(deliveries),
    async stop() {
      isStopping = true;
      await Promise.all([...starts, ends.stop()]);
    },
  };
}

/** What waits in memory holds no bodies. */
function withoutBody(start: DeliveryStart): DeliveryStart {
  const { deliveryId, run, account, subscriptionId, eventType, url, resumeFrom, expiresAt, priority } = start;
  const { subscriptionPolicy, eventTypePolicy } = start;
  const policies = { subscriptionPolicy, eventTypePolicy };
  return { deliveryId, run, account, subscriptionId, eventType, url, resumeFrom, expiresAt, priority, ...policies };
}

/** Ends the workflows of superseded deliveries. */
class SupersededWorkflows {
  readonly #waiting = new Fifo<SupersededDelivery>();
  readonly #inFlight = new Set<Promise<void>>();
  #isStopping = false;

  constructor(
    private readonly starter: WorkflowStarter,
    private readonly log: Logger,
  ) {}

  add(deliveries: readonly SupersededDelivery[]): void {
    for (const delivery of deliveries) {
      countEnd(delivery.provider, 'cancelled');
      if (this.#waiting.size < MAX_QUEUE_LENGTH) this.#waiting.push(delivery);
    }
    this.#endMore();
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#inFlight);
  }

  #endMore(): void {
    while (!this.#isStopping && this.#inFlight.size < MAX_ENDS && this.#waiting.size > 0) {
      const end = this.#endOne(this.#waiting.shift()!).finally(() => {
        this.#inFlight.delete(end);
        this.#endMore();
      });
      this.#inFlight.add(end);
    }
  }

  async #endOne({ id, reason }: SupersededDelivery): Promise<void> {
    const { client } = this.starter;
    try {
      const workflow = client.workflow.getHandle(deliveryWorkflowId(id));
      await client.withDeadline(Date.now() + START_DEADLINE_MS, () => workflow.signal(deliverySignals.cancel, reason));
    } catch (error) {
      // Often it has none: it was not started yet, or waits because of a pause.
      this.log.debug({ err: error, deliveryId: id }, 'cannot end the workflow of a superseded delivery now');
    }
  }
}
