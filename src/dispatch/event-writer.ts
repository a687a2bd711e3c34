/**
 * From requests to committed rows and on to the dispatcher.
 *
 * A request is planned for its account as the directory has it, and committed only if that is how the account still is;
 * otherwise it is planned again. Requests that come while others are being committed share the next commit; one that comes
 * alone waits for nobody.
 */
import type { Directory, DirectoryEntry } from '../store/subscriptions/subscription-cache.js';
import { insertCurrentEvents, type Lane } from '../store/events/events.js';
import { isRefused } from '../store/refused.js';
import type { Store } from '../store/store.js';
import { countEmitted } from '../telemetry/metrics.js';
import { inCurrentTrace, type PlannedEvent } from './fan-out.js';
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
export interface Plan<Answer> {
  readonly events: readonly PlannedEvent[];
  readonly answer: Answer;
}

/** Plans a request for an account, possibly several times; throws when it is refused. Counts what is to be committed. */
export type Planner<Answer> = (entry: DirectoryEntry, size: CommitSize) => Plan<Answer>;

/** Names a request that is to be answered once. */
export interface OnceKey {
  readonly key: string;
  /** SHA-256 of the request. */
  readonly fingerprint: Buffer;
}

/** A plan, or why there is none: that is an answer too, and true only of the account as it was planned for. */
type Outcome<Answer> = { readonly bytes: number; readonly events: readonly PlannedEvent[] } & (
  { readonly refused: false; readonly answer: Answer } | { readonly refused: true; readonly error: unknown }
);

/** A request that may share a commit. */
interface SharedRequest extends Waiting {
  readonly planned: readonly PlannedEvent[];
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
export class Intake {
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
    private readonly directory: Directory,
    /** Bytes that the events and bodies of one request may have. */
    private readonly maxBytes: number,
  ) {}

  /**
   * Commits the events of one request, all of them or none, lets their deliveries be started and gives the answer. Throws
   * what the planner throws; NoSuchAccount; CommitTooLarge and TooMuchWaiting; with `once` AnsweredBefore when its request
   * had its answer.
   */
  async take<Answer>(accountId: string, planner: Planner<Answer>, once?: OnceKey): Promise<Answer> {
    let bytes = 0;
    for (let tries = 0; tries < MAX_OUTDATED_PLANS; tries += 1) {
      const entry = await this.directory.find(accountId);
      if (!entry) throw new NoSuchAccount();
      const outcome = this.#plan(planner, entry);
      const isCurrent =
        once && !outcome.refused
          ? await this.#commitOnce(entry, outcome, withAnswer(accountId, once, outcome.answer))
          : await this.#share(entry, outcome);
      if (isCurrent && outcome.refused) throw outcome.error;
      if (isCurrent && !outcome.refused) return outcome.answer;
      this.directory.drop(entry);
      bytes = outcome.bytes;
    }
    return this.#commitLocked(accountId, bytes, planner, once);
  }

  #plan<Answer>(planner: Planner<Answer>, entry: DirectoryEntry): Outcome<Answer> {
    const size = new CommitSize(this.maxBytes);
    try {
      const { events, answer } = planner(entry, size);
      return { events: inCurrentTrace(events), bytes: size.bytes, refused: false, answer };
    } catch (error) {
      return { events: [], bytes: 0, refused: true, error };
    }
  }

  #share({ account, version }: DirectoryEntry, { events, bytes }: Outcome<unknown>): Promise<boolean> {
    return new Promise((done, failed) => {
      this.#shared.add({ accountId: account.id, version, planned: events, events: events.length, bytes, done, failed });
    });
  }

  async #commitShared(requests: readonly SharedRequest[]): Promise<void> {
    const versions = new Map(requests.map(({ accountId, version }) => [accountId, version]));
    // Of two that were planned for different versions of their account, at least the first is outdated.
    const latest = requests.filter(({ accountId, version }) => versions.get(accountId) === version);
    const planned = latest.flatMap((request) => request.planned);
    const lane = this.#laneFor(planned);
    let outdated: Set<string>;
    try {
      const rows = planned.map(({ row }) => row);
      outdated = await insertCurrentEvents(this.store.pool, rows, versions, lane);
    } catch (error) {
      // One that the database refuses must not take the others with it.
      if (requests.length > 1 && isRefused(error)) for (const request of requests) await this.#commitShared([request]);
      else for (const { failed } of requests) failed(error);
      return;
    }
    const committed = new Set(latest.filter(({ accountId }) => !outdated.has(accountId)));
    this.#afterCommit(
      Array.from(committed).flatMap((request) => request.planned),
      lane,
    );
    for (const request of requests) request.done(committed.has(request));
  }

  #commitOnce({ account, version }: DirectoryEntry, outcome: Outcome<unknown>, once: Once): Promise<boolean> {
    return this.#alone(account.id, outcome, async () => {
      const lane = this.#laneFor(outcome.events);
      const versions = new Map([[account.id, version]]);
      const committed = await commitOnce(this.store, outcome.events, once, lane, versions);
      if (committed) this.#afterCommit(outcome.events, lane);
      return committed;
    });
  }

  #commitLocked<Answer>(accountId: string, bytes: number, planner: Planner<Answer>, once?: OnceKey): Promise<Answer> {
    return this.#alone(accountId, { bytes, events: [] }, async () => {
      const { planned, lane, answer } = await commitLocked(this.store, accountId, (entry) => {
        const outcome = this.#plan(planner, entry);
        if (outcome.refused) throw outcome.error;
        const { events, answer } = outcome;
        const lane = this.#laneFor(events);
        return { planned: events, answer, lane, once: once && withAnswer(accountId, once, answer) };
      });
      this.#afterCommit(planned, lane);
      return answer;
    });
  }

  /** Does this when it is the request's turn to have a transaction of its own. */
  #alone<T>(
    accountId: string,
    { events, bytes }: { readonly events: readonly PlannedEvent[]; readonly bytes: number },
    work: () => Promise<T>,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#single.add({ accountId, events: events.length, bytes, commit: () => work().then(resolve, reject) });
    });
  }

  #laneFor(planned: readonly PlannedEvent[]): Lane {
    return this.dispatcher.laneFor(planned.reduce((sum, { startables }) => sum + startables.length, 0));
  }

  #afterCommit(planned: readonly PlannedEvent[], lane: Lane): void {
    countEmitted(planned.map(({ row }) => row));
    this.dispatcher.dispatch(
      planned.flatMap(({ startables }) => startables),
      lane,
    );
  }
}

const withAnswer = (accountId: string, { key, fingerprint }: OnceKey, answer: unknown): Once => ({
  accountId,
  key,
  answer: { fingerprint, answer },
});
