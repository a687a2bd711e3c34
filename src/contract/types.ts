/**
 * What a contract is: everything a receiver of one provider can observe of its webhooks, as pure functions and data.
 *
 * Contracts do no I/O and read no clock: times, random bytes and rows are handed in. That makes every byte of a
 * request testable against known-answer vectors.
 */
import type { z } from 'zod';
import type { Batching } from './batches.js';
import type { CallbackRules } from './callbacks.js';
import type { FailingRule } from './failing.js';
import type { Account, Event, Subscription } from './entities.js';
import type { AccountRules, SubscriptionRules } from './rules.js';
import type { Schedule } from './schedule.js';

/** A kind of event in a provider's catalogue. */
export interface EventDefinition {
  readonly type: string;
  readonly title: string;
  /** The documented shape of `data`. Unknown extra fields pass. */
  readonly data: z.ZodType;
  /** A payload of that shape, as used by test events and documentation. */
  readonly example: unknown;
  /** The example with the ids of an account, where the payload contains such. */
  readonly exampleOf?: (account: Account) => unknown;
}

/** One header of a request; a secret one is masked wherever requests are shown. */
export interface RequestHeader {
  readonly name: string;
  readonly value: string;
  readonly secret?: boolean;
}

/** What one attempt sends. The method is always POST and the body is the delivery's own. */
export interface DeliveryRequest {
  /** Where to send it, without credentials (they are headers). */
  readonly url: string;
  readonly headers: readonly RequestHeader[];
}

/** What a contract may use to build the request of one attempt. */
export interface AttemptInput<
  Scope = unknown,
  Settings = unknown,
  Secrets = unknown,
  Options = unknown,
  Own = unknown,
> {
  readonly account: Account<Scope, Settings, Secrets>;
  readonly subscription: Subscription<Options, Own>;
  readonly event: Pick<Event, 'id' | 'type' | 'occurredAt'>;
  readonly delivery: { readonly id: string; readonly createdAt: Date };
  /** The body, the same for every attempt of the delivery. */
  readonly body: string;
  /** When this attempt starts. */
  readonly now: Date;
  /** When the first attempt of this delivery started; equals `now` on the first. */
  readonly firstAttemptAt: Date;
  /** How many retries the schedule still allows after this attempt. */
  readonly retriesRemaining: number;
}

/** A receiver's response; header names in lower case. */
export interface ReceiverResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** A contract's classification of a response. */
export type ResponseClass =
  | { readonly kind: 'accepted' }
  /** Try again by the schedule; `notBeforeMs` asks for a longer wait (Retry-After), within the contract's bounds. */
  | { readonly kind: 'retry'; readonly retryAfterMs?: number }
  /** Make no further attempt; with `disable` the subscription takes no further events either. */
  | { readonly kind: 'stop'; readonly reason: string; readonly disable?: boolean };

/** A summary of a contract; its page in docs/contracts has all of it. */
export interface ContractSummary {
  /** What is sent, in a sentence or two. */
  readonly summary: string;
  /** Which responses accept a delivery, and which end it. */
  readonly accepted: string;
  /** How a receiver knows who sends: the headers that say so, and how they come about. */
  readonly signature: { readonly headers: readonly string[]; readonly description: string };
}

/** The body of a delivery and which subscriptions share it. */
export interface RenderInput<Scope = unknown, Settings = unknown, Options = unknown> {
  readonly event: Event;
  readonly account: Account<Scope, Settings>;
  readonly subscription: Subscription<Options>;
}

/**
 * A provider's contract.
 *
 * Type parameters: `Scope`, `Settings` and `AccountSecrets` of an account; `Fields` as a subscription is given,
 * `Options` and `Secrets` as it is kept.
 */
export interface Contract<
  Scope = unknown,
  Settings = unknown,
  AccountSecrets = unknown,
  Fields = unknown,
  Options = unknown,
  Secrets = unknown,
> {
  /** The provider's name in the API and in search attributes: lower case, one word. */
  readonly provider: string;
  /** The provider's name as people write it. */
  readonly title: string;
  readonly about: ContractSummary;
  /** Documented events, in the order a person would want to read them. */
  readonly events: readonly EventDefinition[];
  /** The definition of an event type, open catalogues included; undefined when the provider has no such event. */
  findEvent(type: string): EventDefinition | undefined;
  /** Set when the platform that uses the contract defines the event types itself, as rows. */
  readonly openCatalogue?: OpenCatalogue;
  /** Whether delivery policies may change schedule, time limit and the classes of responses. */
  readonly hasDeliveryPolicy?: boolean;
  /** Whether events and subscriptions may have channels. */
  readonly hasChannels: boolean;
  /** Whether subscriptions may narrow by a filter which events they receive. */
  readonly hasFilters?: boolean;
  /** Whether an event may have `deliverAt`, `expiresAt`, `supersedes` and `priority` (src/contract/timing.ts). */
  readonly hasEventTiming?: boolean;
  /** Set when events may have an ordering key, and subscriptions `onOrderedFailure` in their options. */
  readonly hasOrderingKeys?: boolean;
  /** Whether one event may be emitted to all accounts: its payloads name no account. */
  readonly hasBroadcasts?: boolean;
  /** Set when events and subscriptions may have `onDelivered` and `onExhausted`. */
  readonly callbacks?: CallbackRules<Options>;
  readonly accounts: AccountRules<Scope, Settings, AccountSecrets>;
  readonly subscriptions: SubscriptionRules<Fields, Options, Secrets, AccountSecrets>;
  /** Which of an account's enabled subscriptions get an event. */
  select(
    event: Event,
    subscriptions: readonly Subscription<Options, Secrets>[],
    account: Account<Scope, Settings>,
  ): Subscription<Options, Secrets>[];
  /** A key that is equal for subscriptions whose body for the same event is equal. */
  bodyVariant(subscription: Subscription<Options>): string;
  /** The body's exact text (UTF-8). */
  renderBody(input: RenderInput<Scope, Settings, Options>): string;
  /**
   * The body of an event with a transformed payload, the same for all subscriptions with the same transformation; with
   * `isBatch` of those that get batches. Absent where subscriptions cannot transform the payload.
   */
  readonly renderTransformed?: (event: Event, isBatch?: boolean) => string;
  /** The request of one attempt. */
  request(input: AttemptInput<Scope, Settings, AccountSecrets, Options, Secrets>): DeliveryRequest;
  /** The longest time one exchange may take, from connecting to the end of the response, in milliseconds. */
  timeLimitMs(eventType: string, account: Account<Scope, Settings>): number;
  /** The waits after failed attempts, in milliseconds. */
  schedule(eventType: string, account: Account<Scope, Settings>): Schedule;
  /** Whether a response accepts the delivery, asks for another attempt or ends it. `waitMs` is the schedule's next wait. */
  classifyResponse(
    response: ReceiverResponse,
    context: { account: Account<Scope, Settings>; eventType: string; now: Date; waitMs: number | undefined },
  ): ResponseClass;
  /** How many redirects one attempt follows; each hop passes the address guard again. */
  maxRedirects(eventType: string, account: Account<Scope, Settings>): number;
  /**
   * Whether a request may have a `traceparent` header (W3C Trace Context) beside the contract's own, when deliveries
   * are traced. Only where the contract lets senders add headers.
   */
  readonly sendsTraceContext?: boolean;
  /**
   * An operational event in the provider's own form, for accounts that get those of their parent; undefined for a kind that
   * the provider does not have. Absent where a provider has none.
   */
  readonly reportOperation?: (report: OperationReport) => { readonly type: string; readonly data: unknown } | undefined;
  /** How a receiver reads in a request which event it is of; absent where requests do not say it. */
  readonly messageIds?: MessageIds;
  /** How subscriptions are polled, where receivers may read instead of receiving. */
  readonly polling?: Polling<Options>;
  /** How several events are sent in one request, where subscriptions may ask for it. */
  readonly batching?: Batching<Options>;
  /** What lasting failure leads to, where it leads to anything beyond the end of each delivery. */
  readonly lastingFailure?: LastingFailure<Scope, Settings, Options>;
  /** When a subscription whose every attempt fails is disabled; its account decides where the contract says nothing. */
  readonly disableAfterFailing?: FailingRule;
}

/** What has happened to a subscription, or to a delivery to it. */
export interface OperationReport {
  /** `pigeonpost.…` (src/store/events/operational-events.ts). */
  readonly type: string;
  readonly at: Date;
  readonly scope: unknown;
  /** The account's uid; null without one. */
  readonly uid: string | null;
  /** The subscription's. */
  readonly reference: string;
  readonly options: unknown;
  /** The sender's name of the event; null without one, or where it is about no event. */
  readonly eventUid: string | null;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** The ids of events in requests. Each is computed from the event's id, so that it can be looked up without an index. */
export interface MessageIds {
  /** The header with the id. */
  readonly header: string;
  /** The message id of an event. */
  of(eventId: string): string;
  /** The id of the event with a message id; undefined for text that is none. The event may not exist. */
  eventOf(messageId: string): string | undefined;
}

/** Subscriptions without a URL, whose messages their owner reads through the API. */
export interface Polling<Options = unknown> {
  /** Whether a subscription with these options is polled; it cannot change afterwards. */
  isPolled(options: Options): boolean;
  /** The id of an event's message, as an attempt would have it. */
  messageId(eventId: string): string;
}

/** A catalogue of event types that a contract leaves to the platform. */
export interface OpenCatalogue {
  /** What a name must be, in words, as the end of a sentence that starts with the field's name. */
  readonly nameForm: string;
}

/** A contract whose own types are of no concern to the caller; rows are typed by the contract that wrote them. */
export type AnyContract = Contract;

/** What follows when a receiver refuses one event type again and again. */
export interface LastingFailure<Scope = unknown, Settings = unknown, Options = unknown> {
  /** This many deliveries of the type in a row must have failed, … */
  readonly deliveries: number;
  /** … all of them accepted within this time and since the subscription was last changed. */
  readonly withinMs: number;
  /** The subscription's options from then on; undefined when they stay. */
  optionsAfter(
    eventType: string,
    subscription: Subscription<Options>,
    account: Account<Scope, Settings>,
  ): Options | undefined;
}
