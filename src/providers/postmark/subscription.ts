/** The fields of a Postmark webhook in addition to its URL and triggers. */
import { z } from 'zod';
import { urlCredentials, type BasicCredentials } from '../../contract/basic-auth.js';
import { unknownEventType } from '../../contract/contract.js';
import { MASK } from '../../contract/mask.js';
import type { SubscriptionFields, SubscriptionInput } from '../../contract/rules.js';
import type { Subscription } from '../../contract/entities.js';
import { findEvent } from './events.js';
import { defaultStream, INBOUND } from './streams.js';
import { triggers } from './events.js';

export interface Options {
  /** Only events of this message stream are sent. */
  readonly messageStream: string;
  /** Send only the first open of a message by a recipient. */
  readonly postFirstOpenOnly: boolean;
  /** Whether the raw message is included, by trigger. */
  readonly includeContent: { readonly bounce: boolean; readonly spamComplaint: boolean };
  /** Triggers that receive no events until the endpoint passes verification. */
  readonly unverifiedTriggers: readonly string[];
}

export interface Secrets {
  /** Sent with every attempt. */
  readonly httpAuth?: BasicCredentials;
  /** The same credentials as written in the URL, if they were part of it. */
  readonly userinfo?: string;
}

/** Basic credentials cannot contain control characters, and the user name no colon (RFC 7617, section 2). */
const httpAuth = z.strictObject({
  username: z.string().regex(/^[^:\p{Cc}]+$/u, 'must not be empty nor hold a colon or control characters'),
  password: z.string().regex(/^\P{Cc}*$/u, 'must not hold control characters'),
});

export const fields = z.object({
  messageStream: z
    .string()
    .min(1)
    .optional()
    .describe('Receive only events of this stream: outbound when absent, inbound for a subscription to Inbound.'),
  httpAuth: httpAuth.nullable().optional().describe('Basic authentication for every attempt; null removes it.'),
  postFirstOpenOnly: z.boolean().optional().describe('Receive only Open events with FirstOpen. Default false.'),
  includeContent: z
    .union([z.boolean(), z.strictObject({ bounce: z.boolean().optional(), spamComplaint: z.boolean().optional() })])
    .optional()
    .describe(
      'Include Content, the raw message, in Bounce and SpamComplaint: one value or one for each; default false.',
    ),
  unverifiedTriggers: z
    .array(z.enum(triggers))
    .optional()
    .describe('Triggers that receive no events until verification passes or this list is emptied. Default none.'),
});
export type Fields = z.infer<typeof fields>;

type Input = SubscriptionInput<Fields, Options, Secrets>;

export function toStored({ fields: input, eventTypes, url, previous }: Input): SubscriptionFields<Options, Secrets> {
  const former = previous?.options;
  const includeContent =
    typeof input.includeContent === 'boolean'
      ? { bounce: input.includeContent, spamComplaint: input.includeContent }
      : input.includeContent;
  return {
    options: {
      messageStream: input.messageStream ?? formerStream(eventTypes, previous) ?? streamFor(eventTypes),
      postFirstOpenOnly: input.postFirstOpenOnly ?? former?.postFirstOpenOnly ?? false,
      includeContent: {
        bounce: includeContent?.bounce ?? former?.includeContent.bounce ?? false,
        spamComplaint: includeContent?.spamComplaint ?? former?.includeContent.spamComplaint ?? false,
      },
      unverifiedTriggers: input.unverifiedTriggers ?? former?.unverifiedTriggers ?? [],
    },
    secrets: toSecrets(input.httpAuth, url, previous),
  };
}

export function toPublic({ options, secrets }: Subscription<Options, Secrets>): Record<string, unknown> {
  return {
    messageStream: options.messageStream,
    postFirstOpenOnly: options.postFirstOpenOnly,
    includeContent: options.includeContent,
    unverifiedTriggers: options.unverifiedTriggers,
    httpAuth: secrets.httpAuth ? { username: secrets.httpAuth.username, password: MASK } : null,
  };
}

/** The list can be empty: a webhook without an enabled trigger, which receives nothing. */
export function checkEventTypes(eventTypes: readonly string[]): string | undefined {
  if (eventTypes.includes(INBOUND) && eventTypes.some((type) => type !== INBOUND)) {
    return 'Inbound needs a subscription of its own, because a subscription belongs to one message stream';
  }
  return unknownEventType(eventTypes, findEvent);
}

/** Credentials in the URL count when the field for them is absent. */
function toSecrets(input: Fields['httpAuth'], url: URL | undefined, previous: Input['previous']): Secrets {
  if (input !== undefined) return input === null ? {} : { httpAuth: input };
  const credentials = url && urlCredentials(url);
  if (credentials) return { httpAuth: credentials, userinfo: userinfoOf(url) };
  const former = previous?.secrets ?? {};
  // They stay when the URL changes, but are no longer part of it.
  return url && former.httpAuth ? { httpAuth: former.httpAuth } : former;
}

function userinfoOf({ username, password }: URL): string {
  return password === '' ? username : `${username}:${password}`;
}

/** An edit keeps the stream, unless it changes a subscription from triggers to Inbound or back. */
function formerStream(eventTypes: readonly string[], previous: Input['previous']): string | undefined {
  return previous && streamFor(previous.eventTypes) === streamFor(eventTypes)
    ? previous.options.messageStream
    : undefined;
}

function streamFor(eventTypes: readonly string[]): string {
  return defaultStream(eventTypes.length > 0 && eventTypes.every((type) => type === INBOUND) ? INBOUND : '');
}
