/**
 * The operations behind those APIs of providers by which a sender emits events, sees what became of them and sends them
 * again. What such an API only reads, it reads from the store.
 */
import type { EventTiming } from '../contract/timing.js';
import type { StoredAccount } from '../store/accounts/accounts.js';
import type { TaskStatus } from '../store/background-tasks.js';
import type { EventDetails } from '../store/events/events.js';
import type { Store } from '../store/store.js';
import type { StoredSubscription } from '../store/subscriptions/subscriptions.js';
import type { RecoverableState } from '../workflows/recovery-types.js';

/** An event to emit; the caller has checked it. */
export interface EmittedInput {
  readonly type: string;
  /** The payload as minified JSON text, and parsed. */
  readonly text: string;
  readonly data: unknown;
  readonly channels: readonly string[];
  readonly timing?: EventTiming;
  readonly details: EventDetails;
}

export interface Emitted {
  readonly eventId: string;
  readonly occurredAt: Date;
}

/** A key that only one request of an account can use, and what identifies that request. */
export interface EmitOnce {
  readonly key: string;
  readonly fingerprint: Buffer;
}

/** An account to create below another one. */
export interface NewApplication {
  readonly name: string;
  readonly uid?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly settings?: unknown;
  /** Whether it gets the operational events of its parent and of the accounts below it. */
  readonly reportsParent?: boolean;
}

/** What a recovery covers. */
export interface RecoveryRequest {
  readonly from: Date;
  readonly to: Date;
  readonly states: readonly RecoverableState[];
  /** Event types; all when empty. */
  readonly types: readonly string[];
  /** Only events that have it. */
  readonly channel?: string | undefined;
  readonly tag?: string | undefined;
}

/** A webhook of an OpenAPI document, or why it cannot be read. */
export type DescribedWebhook = { readonly name: string } & (
  | {
      readonly fields: {
        readonly description?: string | undefined;
        readonly group?: string | null | undefined;
        readonly schema?: Readonly<Record<string, unknown>> | null | undefined;
      };
    }
  | { readonly path: string; readonly message: string }
);

export interface Messaging {
  readonly store: Store;
  /**
   * Emits an event to all subscriptions of the account that receive it. A repeated request with the same key and
   * fingerprint gets the first result. Throws the problem `conflict` when another request has used the key, `not_found`
   * when the account was deleted, `body_too_large` and `unavailable`.
   */
  emit(account: StoredAccount, event: EmittedInput, once?: EmitOnce): Promise<Emitted>;
  /**
   * Sends an event of the account to a subscription again, whatever became of it before; one that waits for its next
   * attempt is attempted now. Throws the problem `erased` when the event has no payload any more.
   */
  resend(account: StoredAccount, subscription: StoredSubscription, eventId: string): Promise<void>;
  /**
   * Starts a recovery and returns its id; waits some seconds for one that is running. Throws the problem `conflict` when
   * that still runs.
   */
  recover(subscription: StoredSubscription, request: RecoveryRequest): Promise<string>;
  /** The state of a recovery and how much it has sent again; undefined when Temporal no longer knows it. */
  recoveryStatus(recoveryId: string): Promise<{ readonly status: TaskStatus; readonly sent: number } | undefined>;
  /** Erases the content of an event, in the name of `erasedBy`. */
  erase(account: StoredAccount, eventId: string, erasedBy: string): Promise<void>;
  /**
   * Creates an account of the same provider below `parent`, without an API key. Throws the problem `conflict` for a uid
   * that another one has, and `quota_exceeded`.
   */
  createApplication(parent: StoredAccount, application: NewApplication): Promise<StoredAccount>;
  /** The webhooks of an OpenAPI document, whose bodies are the payloads. Throws a problem for what is no such document. */
  readWebhooks(document: unknown): readonly DescribedWebhook[];
}
