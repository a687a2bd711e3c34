/**
 * Commits the events of requests and dispatches their deliveries.
 *
 * A request is planned for its account as cached, and committed only if the account has not changed; otherwise it is
 * planned again. Requests that arrive during a commit share the next one; a request that arrives alone is committed at
 * once.
 */
import { BatchWriter } from '../lib/batch-writer.js';
import { insertCurrentEvents, keyId, type DispatchModes } from '../store/events/events.js';
import { findResponse } from '../store/events/idempotency.js';
import { insertSuperseding, supersedes, type SupersededDelivery } from '../store/events/supersede.js';
import { isRefused, type Queryable, type Store } from '../store/store.js';
import type { SubscriptionCache, CachedSubscriptions } from '../store/subscriptions/subscription-cache.js';
import { countEmitted } from '../telemetry/metrics.js';
import { commitLocked, IdempotentReplay, NoSuchAccount, type Once } from './commit.js';
import { CommitQueue, type Waiting } from './commit-queue.js';
import { CommitSize } from './commit-size.js';
import type { Dispatcher } from './dispatcher.js';
import { inCurrentTrace, withoutBlocked, type FanOut } from './fan-out.js';
import { hasPendingBodies, postponeBodies, transformBodies } from './payload/transform-bodies.js';

/** Shared commits in flight at once. */
const SHARED_COMMITS = 2;
/** Transactions of single requests in flight at once; half of the connections, as each needs several round trips. */
const SINGLE_COMMITS = 10;
/** How often a request is planned for an account that changes each time; after that the account is locked. */
const MAX_OUTDATED_PLANS = 3;

/** The events of a request to commit, and its response after the commit. */
export interface Plan<Response> {
  readonly events: readonly FanOut[];
  readonly reply: Response;
}

/** Plans a request for an account, possibly several times, and counts its size; throws when the request is refused. */
export type Planner<Response> = (entry: CachedSubscriptions, size: CommitSize) => Plan<Response>;

/** The idempotency key of a request. */
export interface OnceKey {
  readonly key: string;
  /** SHA-256 of the request. */
  readonly fingerprint: Buffer;
}

/** A plan, or the error that refuses the request. The error too is valid only if the account has not changed. */
type Outcome<Response> = { readonly size: CommitSize; readonly events: readonly FanOut[] } & (
  { readonly refused: false; readonly reply: Response } | { readonly refused: true; readonly error: unknown }
);

/** A request that may share a commit. */
interface SharedRequest extends Waiting {
  readonly fanOuts: readonly FanOut[];
  readonly version: string;
  readonly once: Once | undefined;
}

/** What became of a request: its plan is outdated, or its idempotency key was used before. */
type Committed = 'committed' | 'outdated' | 'repeated';

/** A request with a transaction of its own. */
interface SingleRequest extends Waiting {
  readonly commit: () => Promise<unknown>;
}

/** One for each process that accepts events. */
export class EventWriter {
  readonly #shared = new BatchWriter<SharedRequest, Committed>(new CommitQueue(), {
    concurrency: SHARED_COMMITS,
    write: (requests) => this.#commitShared(requests),
    isRefused,
  });
  readonly #single = new BatchWriter<SingleRequest, unknown>(new CommitQueue(1), {
    concurrency: SINGLE_COMMITS,
    write: async ([request]) => [await request!.commit()],
    isRefused,
  });

  constructor(
    private readonly store: Store,
    private readonly dispatcher: Dispatcher,
    private readonly subscriptions: SubscriptionCache,
    /** Maximum bytes of the events and bodies of one request. */
    private readonly maxBytes: number,
  ) {}

  /**
   * Commits all events of one request or none, dispatches their deliveries and returns the response. Throws what the
   * planner throws, NoSuchAccount, CommitTooLarge and TooMuchWaiting; with `once` also IdempotentReplay.
   */
  async write<Response>(accountId: string, planner: Planner<Response>, once?: OnceKey): Promise<Response> {
    try {
      return await this.#commit(accountId, planner, once);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      // What was valid once may not be now, as with a time that has passed. Only here, as a transaction of the request is
      // closed: if each needed a second connection, many at once would deadlock on the pool.
      if (once) await this.#throwReplay(accountId, once.key);
      throw error.reason;
    }
  }

  /** Throws Refused with what the planner throws. */
  async #commit<Response>(accountId: string, planner: Planner<Response>, once?: OnceKey): Promise<Response> {
    let bytes = 0;
    for (let tries = 0; tries < MAX_OUTDATED_PLANS; tries += 1) {
      const entry = await this.subscriptions.find(accountId);
      if (!entry) throw new NoSuchAccount();
      const planned = this.#plan(planner, entry);
      // Waits only where there is something to transform.
      const outcome = hasPendingBodies(planned.events) ? await this.#withTransformedBodies(planned) : planned;
      const result = await this.#share(
        entry,
        outcome,
        once && !outcome.refused ? withResponse(accountId, once, outcome.reply) : undefined,
      );
      if (result === 'committed') {
        if (outcome.refused) throw new Refused(outcome.error);
        return outcome.reply;
      }
      if (result === 'outdated') this.subscriptions.drop(entry);
      else await this.#throwReplay(accountId, once!.key);
      bytes = outcome.size.bytes;
    }
    return this.#commitLocked(accountId, bytes, planner, once);
  }

  #plan<Response>(planner: Planner<Response>, entry: CachedSubscriptions): Outcome<Response> {
    const size = new CommitSize(this.maxBytes);
    try {
      const { events, reply } = planner(entry, size);
      return { events: inCurrentTrace(events), size, refused: false, reply };
    } catch (error) {
      return { events: [], size: new CommitSize(), refused: true, error };
    }
  }

  async #withTransformedBodies<Response>(outcome: Outcome<Response>): Promise<Outcome<Response>> {
    return { ...outcome, events: await transformBodies(this.store, outcome.events, outcome.size) };
  }

  /** Throws IdempotentReplay, unless the first request with the key was not committed after all. */
  async #throwReplay(accountId: string, key: string): Promise<void> {
    const first = await findResponse(this.store, accountId, key);
    if (first) throw new IdempotentReplay(first);
  }

  #share(
    { account, version }: CachedSubscriptions,
    { events, size: { bytes } }: Outcome<unknown>,
    once: Once | undefined,
  ): Promise<Committed> {
    const { id: accountId, parentId } = account;
    return this.#shared.write({ accountId, parentId, version, fanOuts: events, events: events.length, bytes, once });
  }

  async #commitShared(requests: readonly SharedRequest[]): Promise<Committed[]> {
    const versions = new Map(requests.map(({ accountId, version }) => [accountId, version]));
    // Of two requests that were planned for different versions of an account, at least the first is outdated.
    const latest = requests.filter(({ accountId, version }) => versions.get(accountId) === version);
    // Of those with the same idempotency key, the first is committed.
    const byKey = new Map<string, SharedRequest>();
    for (const request of latest)
      if (request.once && !byKey.has(keyId(request.once))) byKey.set(keyId(request.once), request);
    const written = latest.filter((request) => !request.once || byKey.get(keyId(request.once)) === request);
    const fanOuts = written.flatMap((request) => request.fanOuts);
    const modes = this.dispatcher.modesFor(fanOuts);
    const rows = fanOuts.map(({ row }) => row);
    const keyed = Array.from(byKey.values(), ({ once, fanOuts }) => ({
      ...once!,
      events: fanOuts.map(({ row }) => row),
    }));
    const insert = (client: Queryable) => insertCurrentEvents(this.store, client, rows, versions, modes, keyed);
    const { result, superseded } = rows.some(supersedes)
      ? await insertSuperseding(this.store, rows, insert)
      : { result: await insert(this.store.pool), superseded: [] };
    const { outdated, repeated, blocked } = result;
    const committed = new Set(
      written.filter(({ accountId, once }) => !outdated.has(accountId) && !(once && repeated.has(keyId(once)))),
    );
    this.#afterCommit(
      Array.from(committed).flatMap((request) => request.fanOuts),
      modes,
      blocked,
      superseded,
    );
    return requests.map((request) => {
      if (committed.has(request)) return 'committed';
      return !latest.includes(request) || outdated.has(request.accountId) ? 'outdated' : 'repeated';
    });
  }

  #commitLocked<Response>(
    accountId: string,
    bytes: number,
    planner: Planner<Response>,
    once?: OnceKey,
  ): Promise<Response> {
    const commit = async (): Promise<Response> => {
      const { fanOuts, modes, reply, blocked, superseded } = await commitLocked(this.store, accountId, (entry) => {
        const outcome = this.#plan(planner, entry);
        if (outcome.refused) throw new Refused(outcome.error);
        const { reply } = outcome;
        // Nothing is evaluated while the account is locked.
        const events = postponeBodies(outcome.events);
        const modes = this.dispatcher.modesFor(events);
        return { fanOuts: events, reply, modes, once: once && withResponse(accountId, once, reply) };
      });
      this.#afterCommit(fanOuts, modes, blocked, superseded);
      return reply;
    };
    return this.#single.write({ accountId, events: 0, bytes, commit }) as Promise<Response>;
  }

  #afterCommit(
    fanOuts: readonly FanOut[],
    modes: DispatchModes,
    blocked: ReadonlySet<string>,
    superseded: readonly SupersededDelivery[],
  ): void {
    countEmitted(fanOuts.map(({ row }) => row));
    this.dispatcher.dispatchNew(blocked.size === 0 ? fanOuts : withoutBlocked(fanOuts, blocked), modes);
    if (superseded.length > 0) this.dispatcher.endSuperseded(superseded);
  }
}

/** The planner has refused the request; `reason` is what it has thrown. */
class Refused extends Error {
  constructor(readonly reason: unknown) {
    super('the request is refused');
  }
}

const withResponse = (accountId: string, { key, fingerprint }: OnceKey, reply: unknown): Once => ({
  accountId,
  key,
  response: { fingerprint, response: reply },
});
