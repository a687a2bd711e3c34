/**
 * A sender makes the first attempts of direct deliveries, one for each worker process. It has a lease in the database, and
 * sends only what it has claimed there, so no two senders send the same delivery. A delivery that is not accepted gets a
 * workflow at its position of the schedule, or waits without one while the breaker of its subscription is open; when that
 * closes, a sender makes its next attempt. What a sender leaves behind when it dies is claimed by others.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import { isOpen } from '../../contract/breaker.js';
import { deliveryRules } from '../../contract/delivery-rules.js';
import { remaining } from '../../contract/schedule.js';
import type { SenderPort } from '../../dispatch/dispatcher.js';
import { materialOf, pauseOf, type FanOut } from '../../dispatch/fan-out.js';
import { isPostponed } from '../../dispatch/payload/transform-bodies.js';
import type { WorkflowStarter } from '../../dispatch/start.js';
import { contractOf } from '../../providers/registry.js';
import type { DeliveryStart } from '../../store/deliveries/delivery-starts.js';
import type { AttemptMaterial } from '../../store/attempts/attempts.js';
import { loadDirect } from '../../store/direct/material.js';
import { unclaim } from '../../store/direct/senders.js';
import { toAttemptLog, type AttemptLog } from '../../telemetry/attempts.js';
import { countDirect } from '../../telemetry/metrics.js';
import { hasFailed, sendAndClassify, type SharedDependencies } from '../attempt/attempt.js';
import type { AttemptResult } from '../attempt/classify.js';
import { save, toUnrecordedOutcome } from '../attempt/save.js';
import type { AttemptContext } from '../attempt/send.js';
import { positionOf } from '../breakers.js';
import { FailureCounter, replaceOptionsAfterFailures } from '../subscription-health.js';
import { Claimer } from './claimer.js';
import { FirstAttempts, type FirstAttempt } from './first-attempts.js';
import { Holder } from './holder.js';
import { Lease } from './lease.js';
import { StartRecorder } from './start-recorder.js';
import { WorkflowStartQueue } from './workflow-start-queue.js';

/** Deliveries that wait in memory with their bodies; new ones beyond that are committed without a claim. */
const MAX_WAITING = 4_000;
/** Their bodies' size, in UTF-16 code units. */
const MAX_WAITING_BYTES = 16 * 1_024 * 1_024;
/** How long a delivery's account and subscription are used without reading them again, in milliseconds. */
const MAX_AGE_MS = 5_000;
/** Wait before a delivery is tried again whose host name could not be looked up, in milliseconds: doubles each time. */
const FIRST_REJECTED_MS = 250;
const MAX_REJECTED_MS = 5_000;
/** After so many such waits the delivery gets a workflow. */
const MAX_REJECTIONS = 15;

export interface SenderDependencies extends SharedDependencies {
  readonly starter: WorkflowStarter;
  readonly log: Logger;
}

export class Sender implements SenderPort {
  readonly #attempts: FirstAttempts;
  readonly #starts: WorkflowStartQueue;
  readonly #failures: FailureCounter;
  readonly #attemptLog: AttemptLog;
  readonly #lease: Lease;
  readonly #recorder: StartRecorder;
  readonly #holder: Holder;
  readonly #claimer: Claimer;
  /** Claimed deliveries that are not finished. */
  readonly #held = new Set<string>();
  readonly #saving = new Set<Promise<void>>();
  readonly #timers = new Set<NodeJS.Timeout>();
  /** Resolves the wait of `stop` when an attempt has ended or is saved. */
  #ended: (() => void) | undefined;
  #isStopping = false;

  constructor(private readonly dependencies: SenderDependencies) {
    const { store, limiter, maxConcurrentAttempts, starter, log } = dependencies;
    this.#attemptLog = toAttemptLog(log);
    this.#failures = new FailureCounter({ store, log: this.#attemptLog });
    this.#recorder = new StartRecorder(store, log, (id) => this.#held.delete(id));
    this.#lease = new Lease({
      store,
      log,
      isHeld: (id) => this.#held.has(id),
      onRenewed: () => void this.#failures.write(),
      onLost: () => this.#drop(),
    });
    this.#holder = new Holder({
      store,
      log,
      breakers: dependencies.breakers,
      lease: this.#lease,
      onDone: (id) => this.#held.delete(id),
      onClosed: (delivery) => this.#addAll([delivery]),
    });
    this.#starts = new WorkflowStartQueue(starter, this.#lease, {
      onStarted: (id) => this.#recorder.started(id),
      onFailed: (id, senderId, error) => this.#recorder.failed(id, senderId, error),
    });
    this.#attempts = new FirstAttempts({
      limiter,
      maxConcurrentAttempts,
      send: (attempt) => this.#send(attempt),
      giveUp: ({ delivery }) => this.#startWorkflow(delivery),
      onProgress: () => {
        this.#ended?.();
        this.#claimer.claimMore();
      },
    });
    this.#claimer = new Claimer({
      store,
      log,
      lease: this.#lease,
      waiting: () => this.#attempts.waiting,
      onClaimed: (deliveries) => this.#addAll(deliveries),
    });
  }

  /** Rejects when the database is unavailable. */
  async start(): Promise<void> {
    await this.#lease.start();
    this.#claimer.start();
  }

  claimFor(deliveries: number, bytes: number): string | undefined {
    const { waiting, waitingBytes } = this.#attempts;
    const hasRoom = waiting + deliveries <= MAX_WAITING && waitingBytes + bytes <= MAX_WAITING_BYTES;
    return hasRoom && !this.#isStopping && this.#lease.isFresh ? this.#lease.id : undefined;
  }

  send({ row, deliveryStarts }: FanOut, senderId: string): void {
    // Otherwise the lease was lost since the commit, and another sender has them.
    if (senderId !== this.#lease.id) return;
    for (const delivery of deliveryStarts) this.#add(materialOf(delivery, row));
    this.#attempts.sendMore();
  }

  offer(deliveries: readonly DeliveryStart[]): void {
    this.#claimer.offer(deliveries);
  }

  /** Stops sending, waits for the attempts in flight and releases the others. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#claimer.stop();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#drop();
    while (this.#attempts.inFlight + this.#saving.size > 0)
      await new Promise<void>((resolve) => (this.#ended = resolve));
    await this.#starts.stop();
    await this.#recorder.finish();
    await this.#failures.write();
    await this.#lease.end();
  }

  /** Forgets what waits: others send it once it is released. */
  #drop(): void {
    for (const { delivery } of this.#attempts.clear()) this.#held.delete(delivery.delivery.id);
  }

  #addAll(deliveries: readonly AttemptMaterial[]): void {
    for (const delivery of deliveries) this.#add(delivery);
    this.#attempts.sendMore();
  }

  #add(delivery: AttemptMaterial, rejections = 0): void {
    const { subscription, subscriptionDeleted, account, event, eventTypePolicy, bodyError } = delivery;
    this.#held.add(delivery.delivery.id);
    const limited = Object.keys(subscription.limits).length > 0;
    // One that was attempted may have a workflow already, which then waits.
    if (delivery.state !== 'pending') this.#starts.addAttempted(delivery);
    else if (this.dependencies.breakers.mustWait(delivery)) this.#hold(delivery);
    else if (
      isPostponed(bodyError) ||
      subscriptionDeleted ||
      !subscription.enabled ||
      limited ||
      pauseOf(account, subscription) !== undefined
    )
      this.#startWorkflow(delivery);
    else {
      const scope = { account, eventType: event.type, eventTypePolicy, subscriptionPolicy: subscription.policy };
      const rules = deliveryRules(contractOf(account.provider), delivery.delivery.id, scope);
      this.#attempts.add({ delivery, rules, loadedAt: performance.now(), rejections });
    }
  }

  #startWorkflow(delivery: AttemptMaterial): void {
    countDirect('workflow');
    this.#starts.add(delivery);
  }

  /** Never rejects. */
  async #send(attempt: FirstAttempt): Promise<void> {
    const { delivery } = attempt;
    const { id } = delivery.delivery;
    const { store, egress, log } = this.dependencies;
    const senderId = this.#lease.id;
    try {
      if (this.dependencies.breakers.mustWait(delivery)) return this.#hold(delivery);
      if (performance.now() - attempt.loadedAt > MAX_AGE_MS && !(await this.#isUnchanged(attempt))) return;
      // Checked last, as the next step sends: with another lease the delivery may belong to another sender.
      if (!this.#lease.isFresh || senderId !== this.#lease.id || this.#isStopping) return void this.#held.delete(id);
      const result = await sendAndClassify(egress, contractOf(delivery.account.provider), this.#contextOf(attempt));
      if (!result) return this.#sendLater(attempt);
      if (result.countsAsFailure) this.#failures.add(delivery, result.startedAt);
      this.dependencies.breakers.count(delivery, hasFailed(result));
      this.#finish(this.#saveAndContinue(delivery, result));
    } catch (error) {
      // An error of ours: the delivery is released, and tried again later.
      log.error({ err: error, deliveryId: id }, 'a first attempt failed with an unexpected error');
      this.#held.delete(id);
      await unclaim(store, senderId, [id]).catch(() => undefined);
    }
  }

  /** Whether account and subscription are as they were when the delivery was loaded; otherwise it is loaded again. */
  async #isUnchanged({ delivery: { delivery, subscription, account } }: FirstAttempt): Promise<boolean> {
    const [current] = await loadDirect(this.dependencies.store, [delivery.id]);
    const isSame =
      current?.subscription.updatedAt.getTime() === subscription.updatedAt.getTime() &&
      isOpen(current.subscription.breaker) === isOpen(subscription.breaker) &&
      !current.subscriptionDeleted &&
      isDeepStrictEqual(current.account, account);
    if (current && !isSame) this.#add(current);
    if (!current) this.#held.delete(delivery.id);
    return isSame;
  }

  #contextOf({ delivery, rules }: FirstAttempt): AttemptContext {
    const { timeLimitMs, responseRules } = rules;
    const position = positionOf(delivery);
    const schedule = remaining(rules.schedule, position);
    return {
      material: delivery,
      task: { deliveryId: delivery.delivery.id, run: 0, schedule, position, timeLimitMs, responseRules },
      attemptOfRound: 1,
      waitMs: schedule[0],
      number: delivery.attempts + 1,
      runId: this.#lease.id,
      sender: this.#lease.id,
      log: this.#attemptLog,
    };
  }

  /** Makes a delivery wait for the breaker of its subscription. */
  #hold(delivery: AttemptMaterial): void {
    this.#finish(this.#holder.hold(delivery));
  }

  /** Has `stop` wait for something that does not reject. */
  #finish(work: Promise<void>): void {
    const finished = work.finally(() => {
      this.#saving.delete(finished);
      this.#ended?.();
    });
    this.#saving.add(finished);
  }

  /** Nothing was sent, because too many host names were being looked up. */
  #sendLater({ delivery, rejections }: FirstAttempt): void {
    if (rejections === MAX_REJECTIONS) return this.#startWorkflow(delivery);
    const waitMs = Math.min(FIRST_REJECTED_MS * 2 ** rejections, MAX_REJECTED_MS) * (0.5 + Math.random() / 2);
    const senderId = this.#lease.id;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (senderId !== this.#lease.id) return void this.#held.delete(delivery.delivery.id);
      this.#add(delivery, rejections + 1);
      this.#attempts.sendMore();
    }, waitMs).unref();
    this.#timers.add(timer);
  }

  /** Saves an attempt, and starts a workflow for its delivery unless it was accepted. Never rejects. */
  async #saveAndContinue(delivery: AttemptMaterial, result: AttemptResult): Promise<void> {
    const { store, outcomes, log } = this.dependencies;
    const { id } = delivery.delivery;
    try {
      await save(outcomes, result);
    } catch (error) {
      log.debug({ err: error, deliveryId: id }, 'cannot record an outcome now; its workflow will');
      return this.#starts.add(delivery, { kind: 'unrecorded', outcome: toUnrecordedOutcome(result) });
    }
    this.dependencies.breakers.recorded(delivery);
    if (result.state === 'delivered') {
      countDirect('accepted');
      this.#held.delete(id);
      return;
    }
    if (result.state === 'retrying') {
      if (await this.dependencies.breakers.mustWaitAfter(delivery)) return this.#hold(delivery);
      countDirect('workflow');
      const at = result.nextAttemptAt?.getTime() ?? 0;
      return this.#starts.add(delivery, { kind: 'scheduled', position: positionOf(delivery) + 1, at });
    }
    countDirect('workflow');
    const contract = contractOf(delivery.account.provider);
    await replaceOptionsAfterFailures({ store, log: this.#attemptLog }, contract, delivery);
    const message = result.stateReason ?? 'not accepted';
    this.#starts.add(delivery, { kind: 'ended', type: result.failureType!, message });
  }
}
