/** What a Postmark webhook has beside its address and triggers. */
import { z } from 'zod';
import { urlCredentials, type BasicCredentials } from '../../contract/basic-auth.js';
import { unknownEventType } from '../../contract/contract.js';
import { MASK } from '../../contract/mask.js';
import type { SubscriptionFields, SubscriptionInput } from '../../contract/rules.js';
import type { Subscription } from '../../contract/entities.js';
import { findEvent } from './events.js';
import { defaultStream, INBOUND } from './streams.js';
import { triggers } from './triggers.js';

export interface Options {
  /** Only events of this message stream are sent. */
  readonly messageStream: string;
  /** Of a recipient's opens of one message, send the first only. */
  readonly postFirstOpenOnly: boolean;
  /** Whether the raw message goes along, by trigger. */
  readonly includeContent: { readonly bounce: boolean; readonly spamComplaint: boolean };
  /** Triggers that get nothing until the endpoint has passed verification. */
  readonly unverifiedTriggers: readonly string[];
}

export interface Secrets {
  /** Sent with every attempt. */
  readonly httpAuth?: BasicCredentials;
  /** The same credentials as they stood in the address, where they came from there. */
  readonly userinfo?: string;
}

/** Basic credentials cannot hold control characters, nor the user a colon (RFC 7617, section 2). */
const httpAuth = z.strictObject({
  username: z.string().regex(/^[^:\p{Cc}]+$/u, 'must not be empty nor hold a colon or control characters'),
  password: z.string().regex(/^\P{Cc}*$/u, 'must not hold control characters'),
});

export const fields = z.object({
  messageStream: z
    .string()
    .min(1)
    .optional()
    .describe('Take only events of this stream: outbound when absent, inbound for a subscription to Inbound.'),
  httpAuth: httpAuth.nullable().optional().describe('Basic authentication for every attempt; null removes it.'),
  postFirstOpenOnly: z.boolean().optional().describe('Of Open events, take only those with FirstOpen. Default false.'),
  includeContent: z
    .union([z.boolean(), z.strictObject({ bounce: z.boolean().optional(), spamComplaint: z.boolean().optional() })])
    .optional()
    .describe('Send Content, the raw message, with Bounce and SpamComplaint. One for both or each; default false.'),
  unverifiedTriggers: z
    .array(z.enum(triggers))
    .optional()
    .describe('Triggers that get nothing until verification passes or this list is emptied. Default none.'),
});
export type Fields = z.infer<typeof fields>;

type Input = SubscriptionInput<Fields, Options, Secrets>;

export function keep({ fields: given, eventTypes, url, previous }: Input): SubscriptionFields<Options, Secrets> {
  const former = previous?.options;
  const includeContent =
    typeof given.includeContent === 'boolean'
      ? { bounce: given.includeContent, spamComplaint: given.includeContent }
      : given.includeContent;
  return {
    options: {
      messageStream: given.messageStream ?? formerStream(eventTypes, previous) ?? streamFor(eventTypes),
      postFirstOpenOnly: given.postFirstOpenOnly ?? former?.postFirstOpenOnly ?? false,
      includeContent: {
        bounce: includeContent?.bounce ?? former?.includeContent.bounce ?? false,
        spamComplaint: includeContent?.spamComplaint ?? former?.includeContent.spamComplaint ?? false,
      },
      unverifiedTriggers: given.unverifiedTriggers ?? former?.unverifiedTriggers ?? [],
    },
    secrets: keepSecrets(given.httpAuth, url, previous),
  };
}

export function show({ options, secrets }: Subscription<Options, Secrets>): Record<string, unknown> {
  return {
    messageStream: options.messageStream,
    postFirstOpenOnly: options.postFirstOpenOnly,
    includeContent: options.includeContent,
    unverifiedTriggers: options.unverifiedTriggers,
    httpAuth: secrets.httpAuth ? { username: secrets.httpAuth.username, password: MASK } : null,
  };
}

/** A list may be empty: a webhook of which no trigger is enabled, which gets nothing. */
export function checkEventTypes(eventTypes: readonly string[]): string | undefined {
  if (eventTypes.includes(INBOUND) && eventTypes.some((type) => type !== INBOUND)) {
    return 'Inbound needs a subscription of its own, because a subscription belongs to one message stream';
  }
  return unknownEventType(eventTypes, findEvent);
}

/** Credentials in the address count when the field for them is absent. */
function keepSecrets(given: Fields['httpAuth'], url: URL | undefined, previous: Input['previous']): Secrets {
  if (given !== undefined) return given === null ? {} : { httpAuth: given };
  const credentials = url && urlCredentials(url);
  if (credentials) return { httpAuth: credentials, userinfo: userinfoOf(url) };
  const former = previous?.secrets ?? {};
  // They stay with another address, but no longer as a part of it.
  return url && former.httpAuth ? { httpAuth: former.httpAuth } : former;
}

function userinfoOf({ username, password }: URL): string {
  return password === '' ? username : `${username}:${password}`;
}

/** An edit keeps the stream unless it turns a subscription to triggers into one to Inbound or back. */
function formerStream(eventTypes: readonly string[], previous: Input['previous']): string | undefined {
  return previous && streamFor(previous.eventTypes) === streamFor(eventTypes)
    ? previous.options.messageStream
    : undefined;
}

function streamFor(eventTypes: readonly string[]): string {
  return defaultStream(eventTypes.length > 0 && eventTypes.every((type) => type === INBOUND) ? INBOUND : '');
}
