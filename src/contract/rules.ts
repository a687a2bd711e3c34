/** What a contract says of accounts and subscriptions: their fields, ids, keys and secrets. */
import type { z } from 'zod';
import type { Account, RandomBytes, Subscription } from './entities.js';
import type { PublicKey } from './signing-keys.js';

/** Metadata of fields that forms show only on request, beside what most people set; with a label, unless the name says it. */
export const advanced = (title?: string) => ({ 'x-advanced': true, ...(title === undefined ? {} : { title }) });

/** What a contract keeps of a subscription's own fields. */
export interface SubscriptionFields<Options, Secrets> {
  readonly options: Options;
  readonly secrets: Secrets;
}

/** What registering or editing a subscription hands to the contract. */
export interface SubscriptionInput<Fields, Options, Secrets> {
  /** The contract's own fields of the request, validated by `subscriptions.fields`. */
  readonly fields: Fields;
  readonly eventTypes: readonly string[];
  /** The receiver's address as given, credentials included; absent when an edit does not change it. */
  readonly url?: URL;
  readonly randomBytes: RandomBytes;
  /** The subscription as it was, when it is edited. */
  readonly previous?: Subscription<Options, Secrets>;
}

export interface AccountRules<Scope, Settings, Secrets> {
  /** The provider's ids for an account, as given to `POST /v1/accounts`; strict. */
  readonly scope: z.ZodType<Scope, unknown>;
  /** Ids made up for an account that names none. */
  newScope(randomBytes: RandomBytes): Scope;
  /** Choices of an account; strict, every field with a default. */
  readonly settings: z.ZodType<Settings, unknown>;
  /** Secrets made once for an account. */
  newSecrets(randomBytes: RandomBytes): Secrets;
  /** A new API key in the provider's own form. */
  newApiKey(randomBytes: RandomBytes): string;
}

export interface SubscriptionRules<Fields, Options, Secrets, AccountSecrets = unknown> {
  /**
   * The contract's own fields, beside url, eventTypes, description, enabled and headers. A plain object schema: the
   * API makes it strict for creation and partial for edits.
   */
  readonly fields: z.ZodObject;
  /** Sorts own fields into options and secrets; fields an edit does not name keep their previous values. */
  toStored(input: SubscriptionInput<Fields, Options, Secrets>): SubscriptionFields<Options, Secrets>;
  /** Own fields as API responses show them; secrets are omitted or masked. */
  toPublic(subscription: Subscription<Options, Secrets>): Record<string, unknown>;
  /**
   * Why these event types cannot be subscribed to, or undefined. Runs after `keep`; an edit hands in the subscription
   * as it was.
   */
  checkEventTypes(
    eventTypes: readonly string[],
    options: Options,
    previous?: Subscription<Options, Secrets>,
  ): string | undefined;
  /** What is wrong between a subscription's own fields, such as `data[0].key`, or undefined. Runs after `checkEventTypes`. */
  checkOptions?(options: Options): { readonly path: string; readonly problem: string } | undefined;
  /** Whether the address may contain credentials (`https://user:password@host`); `toStored` then makes them secrets. */
  readonly allowsUrlCredentials: boolean;
  /** Whether the address may have a fragment (`#…`), which is stored and shown but never sent; not unless stated. */
  readonly allowsUrlFragment?: boolean;
  /** Own fields that are sent to the receiver as credentials; `show` masks them, and shows null where there are none. */
  readonly credentialFields?: readonly string[];
  /**
   * Why the receiver's address breaks the contract, or undefined. The general rules (absolute, http or https, http
   * only where the operator allows it) have already passed. `url` is exactly as given.
   */
  checkUrl(url: string, options: Options): string | undefined;
  /** Header names, lower case, that a subscription may not set because the contract sends them itself. */
  readonly reservedHeaders: readonly string[];
  /** The provider's form of a subscription id; `number` counts subscriptions over all accounts from 1. */
  newReference(number: number, randomBytes: RandomBytes): string;
  /** What a receiver verifies deliveries with, in the form its owner uses, where the contract has such a thing. */
  signingSecret?(
    subscription: Subscription<Options, Secrets>,
    account: Account<unknown, unknown, AccountSecrets>,
  ): string | undefined;
  /** The public keys that verify deliveries at `now`, where a subscription signs with private ones. */
  publicKeys?(subscription: Subscription<Options, Secrets>, now: Date): readonly PublicKey[];
  /** Secrets after rotation: `secret` or a new one signs, the old one as well until `overlapEndsAt` where two can. */
  rotateSecret?(
    subscription: Subscription<Options, Secrets>,
    input: { randomBytes: RandomBytes; overlapEndsAt: Date; now: Date; secret?: string },
  ): Secrets;
  /** Why a secret given by its owner is not of the contract's form, or undefined. */
  checkSecret?(secret: string): string | undefined;
}
