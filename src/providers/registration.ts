/**
 * The operations behind every provider's own registration API. Each `src/providers/<name>/registration/`
 * translates the provider's routes, fields and errors; these operations do all validation and storage.
 */
import type { Request, RequestHandler, Response, Router } from 'express';
import type { AuditedRequest } from '../http/audit.js';
import type { Problem } from '../http/problem.js';
import type { StoredAccount } from '../store/accounts/accounts.js';
import type { PortalCapability } from '../store/accounts/sessions.js';
import type { StoredAttempt } from '../store/attempts/attempts.js';
import type { DeliveryState } from '../store/deliveries/deliveries.js';
import type { Queryable } from '../store/store.js';
import type { AttemptFigures } from '../store/reports/figures.js';
import type { StoredSubscription } from '../store/subscriptions/subscriptions.js';
import type { Exchange } from '../egress/types.js';
import type { Messaging } from './messaging.js';

/** A provider's routes, mounted at the root with the provider's own paths. */
export type RegistrationRoutes = (registrar: Registrar) => Router;

/** What the API reference shows of a provider's own API, which that provider documents. */
export interface RegistrationReference {
  /** The provider's name as people write it. */
  readonly title: string;
  /** How a request is authenticated, and where the whole API is documented; Markdown. */
  readonly about: string;
  /** Each operation by method and path, the path as in OpenAPI, with what it does. */
  readonly operations: Readonly<Record<string, string>>;
}

/**
 * Fields of a subscription as in `/v1`: url, eventTypes, description, enabled, headers and the contract's own fields.
 */
export type SubscriptionBody = Readonly<Record<string, unknown>>;

/**
 * Throws a Problem when a subscription conflicts with the account's other subscriptions. A lock keeps these unchanged
 * during the check.
 */
export type Admission = (subscription: StoredSubscription, others: readonly StoredSubscription[]) => void;

/** Called in the transaction that creates a subscription; rolls it back when it rejects. */
export type OnSaved = (client: Queryable, saved: StoredSubscription) => Promise<void>;

/** Whether an API hides a stored value from its callers: `headers.<name>` or one of a contract's credential fields. */
export type IsHidden = (path: string) => boolean;

/** Options for the validation of an edit. */
export interface EditChecks {
  readonly admit?: Admission;
  /**
   * Which stored values the API does not show; all by default. An edit that keeps one of them cannot move the
   * subscription to another origin.
   */
  readonly isHidden?: IsHidden;
}

/** One delivery for a registration API. */
export interface DeliveryLogEntry {
  readonly deliveryId: string;
  readonly eventId: string;
  readonly eventType: string;
  readonly state: DeliveryState;
  readonly attempts: number;
  readonly lastStatus: number | null;
  readonly createdAt: Date;
}

/** A link of the customer portal to make. */
export interface PortalLinkInput {
  /** What it may do besides reading. */
  readonly capabilities: readonly PortalCapability[];
  /** Time until it ends, in seconds. */
  readonly seconds: number;
  /** Which event types it shows; absent for those that the account sees. */
  readonly featureFlags?: readonly string[] | undefined;
  /** A name by which several can be ended. */
  readonly group?: string | undefined;
}

/** Who sends a request with a key or token. */
export interface KeyedRequest {
  readonly request: Request;
  readonly key: string | undefined;
}

/** The customer portal, for APIs of providers that have one. */
export interface PortalOperations {
  /**
   * Makes a link to the portal of an account, which ends with the key of the request. Throws the problem `forbidden` for a
   * key without the scope admin, and `quota_exceeded`.
   */
  makePortalLink(
    account: StoredAccount,
    by: KeyedRequest,
    link: PortalLinkInput,
  ): Promise<{ readonly url: string; readonly token: string }>;
  /** Ends the link of a token of an account of this provider; false when it is no valid one. */
  endPortalSession(provider: string, by: KeyedRequest): Promise<boolean>;
}

export interface Registrar extends Messaging, PortalOperations {
  /**
   * Parses JSON bodies into `request.body` (undefined when there is none) and `request.bodyText`. Throws a Problem:
   * `malformed_request`, `body_too_large` or `unsupported_media_type`.
   */
  readonly readJson: readonly RequestHandler[];
  /**
   * The account of an API key if it belongs to this provider and has the scope `operate`. Throws the problem
   * `rate_limited` after too many invalid keys. A request that may change something is written to the audit log, unless it
   * emits an event.
   */
  authenticate(
    provider: string,
    key: string | undefined,
    request: AuditedRequest,
    isEmission?: boolean,
  ): Promise<StoredAccount | undefined>;
  /** All subscriptions of an account, oldest first. */
  list(account: StoredAccount): Promise<StoredSubscription[]>;
  /** A subscription of this account by its id in the provider's format. */
  find(account: StoredAccount, reference: string): Promise<StoredSubscription | undefined>;
  /**
   * Creates a subscription. Throws a Problem whose `errors` have the field names of `/v1`, or `conflict` for a `uid`
   * that another subscription of the account has.
   */
  create(
    account: StoredAccount,
    body: SubscriptionBody,
    admit?: Admission,
    onSaved?: OnSaved,
  ): Promise<StoredSubscription>;
  /** Validates a new subscription like `create` without storing it. */
  draft(account: StoredAccount, body: SubscriptionBody): Promise<StoredSubscription>;
  /**
   * Edits a subscription; omitted fields stay unchanged. A function receives the current subscription, locked against
   * other edits, and returns the fields. Throws as `create` does, `not_found` when it no longer exists, and `conflict`
   * when its origin changed since `subscription` was read and the edit sets headers or credentials.
   */
  edit(
    account: StoredAccount,
    subscription: StoredSubscription,
    changes: SubscriptionBody | ((current: StoredSubscription) => SubscriptionBody),
    checks?: EditChecks,
  ): Promise<StoredSubscription>;
  /** Validates an edit like `edit` without storing it. */
  draftEdit(account: StoredAccount, subscription: StoredSubscription, body: SubscriptionBody): StoredSubscription;
  /**
   * Replaces the secrets of a subscription; `secretsAfter` computes them from the current secrets. With an idempotency
   * key a repeated call within a day changes nothing, also in another process.
   */
  rotate(
    subscription: StoredSubscription,
    secretsAfter: (current: StoredSubscription) => unknown,
    idempotencyKey?: string,
  ): Promise<StoredSubscription>;
  remove(subscription: StoredSubscription): Promise<void>;
  /**
   * Emits an event to one subscription, ignoring its filters; the data defaults to the event type's documented example.
   */
  sendTest(
    account: StoredAccount,
    subscription: StoredSubscription,
    eventType: string,
    data?: unknown,
  ): Promise<{ eventId: string; occurredAt: Date }>;
  /** Emits the documented example of an event type to all subscriptions of the account that receive the type. */
  emitExample(account: StoredAccount, eventType: string): Promise<{ eventId: string }>;
  /** Sends one request to a subscription now, with the event type's example, and stores nothing. */
  probe(account: StoredAccount, subscription: StoredSubscription, eventType: string): Promise<Exchange>;
  /** Deliveries of a subscription since a time, newest first, at most `limit`, before the delivery `beforeId`. */
  log(
    subscription: StoredSubscription,
    page: { since: Date; limit: number; beforeId?: string; eventId?: string; states?: readonly DeliveryState[] },
  ): Promise<DeliveryLogEntry[]>;
  /** The body of a delivery and all its attempts, oldest first. */
  attempts(deliveryId: string): Promise<{ body: string; attempts: StoredAttempt[] }>;
  /** Converts an error of a route to a problem; details of internal errors are logged and not returned. */
  explain(error: unknown, response: Response): Problem;
  /** Whether the account has or ever had a subscription. */
  hasSubscribed(account: StoredAccount): Promise<boolean>;
  /**
   * Our id of a subscription by its id in the provider's format, deleted ones included; `list` is sorted by our ids.
   */
  findPosition(account: StoredAccount, reference: string): Promise<string | undefined>;
  /** The stored response to an earlier request of this account with the same key; stored for a day. */
  recall(account: StoredAccount, key: string): Promise<unknown>;
  /** Stores a response for `recall`. */
  remember(account: StoredAccount, key: string, reply: unknown): Promise<void>;
  /**
   * Counts the attempts of a subscription since a time by event type, outcome and duration: `band` is the number of
   * thresholds in `slowerThanMs` (ascending) that an attempt reached.
   */
  figures(
    subscription: StoredSubscription,
    window: { since: Date; slowerThanMs: readonly number[] },
  ): Promise<AttemptFigures[]>;
}
