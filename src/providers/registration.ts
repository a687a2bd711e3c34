/**
 * What a provider's own registration API is built on. Each `src/providers/<name>/api.ts` translates between the
 * provider's routes, fields and errors and these few operations, which do all checks and all storing.
 */
import type { RequestHandler, Response, Router } from 'express';
import type { Problem } from '../http/problem.js';
import type { Caller } from '../http/sign-in-failures.js';
import type { StoredAccount } from '../store/accounts/accounts.js';
import type { StoredAttempt } from '../store/attempts/attempts.js';
import type { DeliveryState } from '../store/deliveries/deliveries.js';
import type { AttemptFigures } from '../store/reports/figures.js';
import type { StoredSubscription } from '../store/subscriptions/subscriptions.js';
import type { Exchange } from '../egress/types.js';

/** A provider's routes, mounted at the root with the provider's own paths. */
export type RegistrationRoutes = (registrar: Registrar) => Router;

/** Fields of a subscription as `/v1` takes them: url, eventTypes, description, enabled, headers and the contract's own. */
export type SubscriptionBody = Readonly<Record<string, unknown>>;

/**
 * Throws a Problem when a subscription may not be stored beside the account's others. None of those is added or changed
 * under a rule of this kind at the same time.
 */
export type Admission = (subscription: StoredSubscription, others: readonly StoredSubscription[]) => void;

/** Whether an API hides a stored value from its callers: `headers.<name>` or one of a contract's credential fields. */
export type IsHidden = (path: string) => boolean;

/** How an edit is checked. */
export interface EditChecks {
  readonly admit?: Admission;
  /**
   * Which stored values the API does not show, every one unless stated. An edit that keeps one of them cannot move the
   * subscription to another origin.
   */
  readonly isHidden?: IsHidden;
}

/** One delivery as a registration API may report it. */
export interface DeliveryLogEntry {
  readonly deliveryId: string;
  readonly eventId: string;
  readonly eventType: string;
  readonly state: DeliveryState;
  readonly attempts: number;
  readonly lastStatus: number | null;
  readonly createdAt: Date;
}

export interface Registrar {
  /**
   * Reads JSON bodies into `request.body` (undefined when there is none) and `request.bodyText`. Throws a Problem:
   * `malformed_request`, `body_too_large` or `unsupported_media_type`.
   */
  readonly readJson: readonly RequestHandler[];
  /**
   * The account that an API key belongs to, if it is one of this provider. Throws the problem `rate_limited` when there
   * were too many wrong keys.
   */
  authenticate(provider: string, key: string | undefined, caller: Caller): Promise<StoredAccount | undefined>;
  /** All subscriptions of an account, the oldest first. */
  list(account: StoredAccount): Promise<StoredSubscription[]>;
  /** A subscription of this account by its id in the provider's form. */
  find(account: StoredAccount, reference: string): Promise<StoredSubscription | undefined>;
  /**
   * Creates a subscription. Throws a Problem whose `errors` name fields as `/v1` calls them, or `conflict` for a `uid`
   * that another subscription of the account has.
   */
  create(account: StoredAccount, body: SubscriptionBody, admit?: Admission): Promise<StoredSubscription>;
  /** Checks a new subscription like `create` without storing it. */
  draft(account: StoredAccount, body: SubscriptionBody): Promise<StoredSubscription>;
  /**
   * Edits a subscription: fields that are not named stay. A function is given the subscription as it is now, locked
   * against other edits, and returns the fields. Throws as `create` does, `not_found` when it no longer exists, and `conflict`
   * when it has moved to another origin since `subscription` was read and the edit sets headers or credentials.
   */
  edit(
    account: StoredAccount,
    subscription: StoredSubscription,
    changes: SubscriptionBody | ((current: StoredSubscription) => SubscriptionBody),
    checks?: EditChecks,
  ): Promise<StoredSubscription>;
  /** Checks an edit like `edit` without storing it. */
  draftEdit(account: StoredAccount, subscription: StoredSubscription, body: SubscriptionBody): StoredSubscription;
  /**
   * Replaces the secrets of a subscription by those that `secretsAfter` makes of it as it is now. With an idempotency
   * key a repeated call changes nothing, in whichever process and however long after the first within a day.
   */
  rotate(
    subscription: StoredSubscription,
    secretsAfter: (current: StoredSubscription) => unknown,
    idempotencyKey?: string,
  ): Promise<StoredSubscription>;
  remove(subscription: StoredSubscription): Promise<void>;
  /** Emits an event to one subscription whatever it filters; the event type's documented example unless data is given. */
  sendTest(
    account: StoredAccount,
    subscription: StoredSubscription,
    eventType: string,
    data?: unknown,
  ): Promise<{ eventId: string; occurredAt: Date }>;
  /** Emits an event of the account to all subscriptions that take it; the documented example. */
  emitExample(account: StoredAccount, eventType: string): Promise<{ eventId: string }>;
  /** Makes one request of a subscription now, with the event type's example, and records nothing. */
  probe(account: StoredAccount, subscription: StoredSubscription, eventType: string): Promise<Exchange>;
  /** Deliveries of a subscription since a time, the newest first, at most `limit`, before the delivery `beforeId`. */
  log(
    subscription: StoredSubscription,
    page: { since: Date; limit: number; beforeId?: string; eventId?: string; states?: readonly DeliveryState[] },
  ): Promise<DeliveryLogEntry[]>;
  /** The body of a delivery and every attempt at it, the first one first. */
  attempts(deliveryId: string): Promise<{ body: string; attempts: StoredAttempt[] }>;
  /** The problem that an error of a route amounts to; internal errors are logged and not shown. */
  explain(error: unknown, response: Response): Problem;
  /** Whether the account has a subscription or once had one. */
  hasSubscribed(account: StoredAccount): Promise<boolean>;
  /** Our own id of a subscription, deleted ones included, by its id in the provider's form; `list` is in their order. */
  findPosition(account: StoredAccount, reference: string): Promise<string | undefined>;
  /** The earlier response to a request of this account with the same key; kept for a day. */
  recall(account: StoredAccount, key: string): Promise<unknown>;
  /** Keeps a response for `recall`. */
  remember(account: StoredAccount, key: string, reply: unknown): Promise<void>;
  /**
   * Attempts of a subscription since a time, counted by event type, by how they ended and by how long they took:
   * `band` says how many of the times in `slowerThanMs`, which ascend, an attempt reached.
   */
  figures(
    subscription: StoredSubscription,
    window: { since: Date; slowerThanMs: readonly number[] },
  ): Promise<AttemptFigures[]>;
}
