/** What contracts are about: accounts, their subscriptions and events. */

/** A source of random bytes; `crypto.randomBytes` outside of tests. */
export type RandomBytes = (size: number) => Buffer;

/** A customer of the platform under one provider. */
export interface Account<Scope = unknown, Settings = unknown, Secrets = unknown> {
  readonly id: string;
  readonly name: string;
  /** The provider's own ids for this customer: shop, server, organization and workspace, application. */
  readonly scope: Scope;
  /** The account's choices where its contract allows several. */
  readonly settings: Settings;
  /** What the contract keeps secret for the whole account; encrypted at rest. */
  readonly secrets: Secrets;
}

/** Where an account wants which events. */
export interface Subscription<Options = unknown, Secrets = unknown> {
  readonly id: string;
  /** The id by which the provider's own API and payloads know this subscription. */
  readonly reference: string;
  /** The receiver's address, without credentials. */
  readonly url: string;
  /** The provider's own event names; empty means all where the contract allows that. */
  readonly eventTypes: readonly string[];
  readonly description: string | null;
  readonly enabled: boolean;
  /** Custom headers, sent as they are with every attempt. Their values count as secrets. */
  readonly headers: Readonly<Record<string, string>>;
  /** The contract's own fields that are no secrets. */
  readonly options: Options;
  /** The contract's own fields that are secrets; encrypted at rest. */
  readonly secrets: Secrets;
  readonly createdAt: Date;
}

/** Something that happened in an account. */
export interface Event {
  readonly id: string;
  readonly type: string;
  readonly occurredAt: Date;
  /** The payload as the platform sent it: minified JSON text, otherwise unchanged. */
  readonly text: string;
  /** The same payload parsed, for matching and validation only; never for building a body. */
  readonly data: unknown;
  /** Labels that subscriptions may narrow by, where the contract has channels; empty otherwise. */
  readonly channels: readonly string[];
  /** Whether the payload is the whole body, where a contract has events of both kinds. */
  readonly verbatim?: boolean;
}
