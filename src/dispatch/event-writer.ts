/**
 * From requests to committed rows and on to the dispatcher.
 *
 * A request is planned for its account as the directory has it, and committed only if that is how the account still is;
 * otherwise it is planned again. Requests that come while others are being committed share the next commit; one that comes
 * alone waits for nobody.
 */
import type { SubscriptionCache, CachedSubscriptions } from '../store/subscriptions/subscription-cache.js';
import { insertCurrentEvents, type DispatchMode } from '../store/events/events.js';
import { isRefused } from '../store/refused.js';
import type { Store } from '../store/store.js';
import { countEmitted } from '../telemetry/metrics.js';
import { inCurrentTrace, type FanOut } from './fan-out.js';
import { commitLocked, commitOnce, NoSuchAccount, type Once } from './commit.js';
import { CommitQueue, type Waiting } from './commit-queue.js';
import { CommitSize } from './commit-size.js';
import type { Dispatcher } from './dispatcher.js';

/** Commits of several requests in flight at once. */
const SHARED_COMMITS = 2;
/** Transactions of single requests in flight at once; half of the connections, as each takes several round trips. */
const SINGLE_COMMITS = 10;
/** How often a request is planned for an account that changes every time; then its changes are made to wait. */
const MAX_OUTDATED_PLANS = 3;

/** What a request comes to: the events to commit, and what it is answered with once they are. */
export interface Plan<Response> {
  readonly events: readonly FanOut[];
  readonly reply: Response;
}

/** Plans a request for an account, possibly several times; throws when it is refused. Counts what is to be committed. */
export type Planner<Response> = (entry: CachedSubscriptions, size: CommitSize) => Plan<Response>;

/** Names a request that is to be answered once. */
export interface OnceKey {
  readonly key: string;
  /** SHA-256 of the request. */
  readonly fingerprint: Buffer;
}

/** A plan, or why there is none: that is an answer too, and true only of the account as it was planned for. */
type Outcome<Response> = { readonly bytes: number; readonly events: readonly FanOut[] } & (
  { readonly refused: false; readonly reply: Response } | { readonly refused: true; readonly error: unknown }
);

/** A request that may share a commit. */
interface SharedRequest extends Waiting {
  readonly fanOuts: readonly FanOut[];
  readonly version: string;
  /** Called with whether it is committed; otherwise its plan is outdated. */
  readonly done: (committed: boolean) => void;
  readonly failed: (error: unknown) => void;
}

/** A request with a transaction of its own, which does not reject. */
interface SingleRequest extends Waiting {
  readonly commit: () => Promise<void>;
}

/** One for each process that accepts events. */
export class EventWriter {
  readonly #shared = new CommitQueue<SharedRequest>(
    { concurrency: SHARED_COMMITS, maxRequests: Infinity },
    (requests) => this.#commitShared(requests),
  );
  readonly #single = new CommitQueue<SingleRequest>({ concurrency: SINGLE_COMMITS, maxRequests: 1 }, ([request]) =>
    request!.commit(),
  );

  constructor(
    private readonly store: Store,
    private readonly dispatcher: Dispatcher,
    private readonly subscriptions: SubscriptionCache,
    /** Bytes that the events and bodies of one request may have. */
    private readonly maxBytes: number,
  ) {}

  /**
   * Commits the events of one request, all of them or none, lets their deliveries be started and gives the answer. Throws
   * what the planner throws; NoSuchAccount; CommitTooLarge and TooMuchWaiting; with `once` AnsweredBefore when its request
   * had its answer.
   */
  async take<Response>(accountId: string, planner: Planner<Response>, once?: OnceKey): Promise<Response> {
    let bytes = 0;
    for (let tries = 0; tries < MAX_OUTDATED_PLANS; tries += 1) {
      const entry = await this.subscriptions.find(accountId);
      if (!entry) throw new NoSuchAccount();
      const outcome = this.#plan(planner, entry);
      const isCurrent =
        once && !outcome.refused
          ? await this.#commitOnce(entry, outcome, withResponse(accountId, once, outcome.reply))
          : await this.#share(entry, outcome);
      if (isCurrent && outcome.refused) throw outcome.error;
      if (isCurrent && !outcome.refused) return outcome.reply;
      this.subscriptions.drop(entry);
      bytes = outcome.bytes;
    }
    return this.#commitLocked(accountId, bytes, planner, once);
  }

  #plan<Response>(planner: Planner<Response>, entry: CachedSubscriptions): Outcome<Response> {
    const size = new CommitSize(this.maxBytes);
    try {
      const { events, reply: answer } = planner(entry, size);
      return { events: inCurrentTrace(events), bytes: size.bytes, refused: false, reply: answer };
    } catch (error) {
      return { events: [], bytes: 0, refused: true, error };
    }
  }

  #share({ account, version }: CachedSubscriptions, { events, bytes }: Outcome<unknown>): Promise<boolean> {
    return new Promise((done, failed) => {
      this.#shared.add({ accountId: account.id, version, fanOuts: events, events: events.length, bytes, done, failed });
    });
  }

  async #commitShared(requests: readonly SharedRequest[]): Promise<void> {
    const versions = new Map(requests.map(({ accountId, version }) => [accountId, version]));
    // Of two that were planned for different versions of their account, at least the first is outdated.
    const latest = requests.filter(({ accountId, version }) => versions.get(accountId) === version);
    const fanOuts = latest.flatMap((request) => request.fanOuts);
    const mode = this.#laneFor(fanOuts);
    let outdated: Set<string>;
    try {
      const rows = fanOuts.map(({ row }) => row);
      outdated = await insertCurrentEvents(this.store.pool, rows, versions, mode);
    } catch (error) {
      // One that the database refuses must not take the others with it.
      if (requests.length > 1 && isRefused(error)) for (const request of requests) await this.#commitShared([request]);
      else for (const { failed } of requests) failed(error);
      return;
    }
    const committed = new Set(latest.filter(({ accountId }) => !outdated.has(accountId)));
    this.#afterCommit(
      Array.from(committed).flatMap((request) => request.fanOuts),
      mode,
    );
    for (const request of requests) request.done(committed.has(request));
  }

  #commitOnce({ account, version }: CachedSubscriptions, outcome: Outcome<unknown>, once: Once): Promise<boolean> {
    return this.#alone(account.id, outcome, async () => {
      const mode = this.#laneFor(outcome.events);
      const versions = new Map([[account.id, version]]);
      const committed = await commitOnce(this.store, outcome.events, once, mode, versions);
      if (committed) this.#afterCommit(outcome.events, mode);
      return committed;
    });
  }

  #commitLocked<Response>(
    accountId: string,
    bytes: number,
    planner: Planner<Response>,
    once?: OnceKey,
  ): Promise<Response> {
    return this.#alone(accountId, { bytes, events: [] }, async () => {
      const { fanOuts, mode, response } = await commitLocked(this.store, accountId, (entry) => {
        const outcome = this.#plan(planner, entry);
        if (outcome.refused) throw outcome.error;
        const { events, reply: answer } = outcome;
        const mode = this.#laneFor(events);
        return { fanOuts: events, response: answer, mode, once: once && withResponse(accountId, once, answer) };
      });
      this.#afterCommit(fanOuts, mode);
      return response;
    });
  }

  /** Does this when it is the request's turn to have a transaction of its own. */
  #alone<T>(
    accountId: string,
    { events, bytes }: { readonly events: readonly FanOut[]; readonly bytes: number },
    work: () => Promise<T>,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#single.add({ accountId, events: events.length, bytes, commit: () => work().then(resolve, reject) });
    });
  }

  #laneFor(fanOuts: readonly FanOut[]): DispatchMode {
    return this.dispatcher.modeFor(fanOuts.reduce((sum, { deliveryStarts }) => sum + deliveryStarts.length, 0));
  }

  #afterCommit(fanOuts: readonly FanOut[], mode: DispatchMode): void {
    countEmitted(fanOuts.map(({ row }) => row));
    this.dispatcher.dispatch(
      fanOuts.flatMap(({ deliveryStarts }) => deliveryStarts),
      mode,
    );
  }
}

const withResponse = (accountId: string, { key, fingerprint }: OnceKey, reply: unknown): Once => ({
  accountId,
  key,
  response: { fingerprint, response: reply },
});
