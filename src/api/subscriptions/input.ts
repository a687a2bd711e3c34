/** From a request to the subscription that is stored: every check, common ones first and the contract's after. */
import { randomBytes } from 'crypto';
import { z } from 'zod';
import { checkHeaders } from '../../contract/headers.js';
import { newId } from '../../contract/ids.js';
import type { AnyContract } from '../../contract/types.js';
import type { AttemptLimits } from '../../store/subscriptions/limits.js';
import {
  nextSubscriptionNumber,
  type SavedSubscription,
  type StoredSubscription,
} from '../../store/subscriptions/subscriptions.js';
import { check } from '../../http/check.js';
import type { ApiContext } from '../context.js';
import { unmasked } from '../deliveries/masked.js';
import { invalidField } from '../../http/problem.js';
import { checkReceiverUrl } from './receiver-url.js';
import { line } from '../schemas.js';
import { checkTlsClient, tlsClientInput } from './tls-client.js';

/** Fields that subscriptions of all contracts have. */
export const commonFields = z.object({
  url: z.string().describe("The receiver's address."),
  eventTypes: z.array(line(255).min(1)).max(200).describe("The provider's own event names."),
  description: line(1_000).nullable().optional(),
  enabled: z.boolean().optional().describe('Whether it takes events; true unless said otherwise.'),
  headers: z
    .record(z.string(), z.string())
    .optional()
    .describe('Sent with every attempt. Shown as ***, which in an edit keeps the value that is stored.'),
  maxConcurrentAttempts: z
    .int()
    .min(1)
    .max(1_000)
    .nullable()
    .optional()
    .describe('Attempts under way at once; null for as many as usual.'),
  ratePerSecond: z
    .number()
    .min(0.1)
    .max(65_535)
    .nullable()
    .optional()
    .describe('Attempts begun per second at most; null for any number.'),
  tlsClient: tlsClientInput,
});
type Common = z.infer<typeof commonFields>;

/** What is stored of a subscription, times aside. */
export type SubscriptionDraft = SavedSubscription;

/** A new subscription of an account from a request's body. Throws a problem that lists what to change. */
export async function newSubscription(
  context: ApiContext,
  contract: AnyContract,
  accountId: string,
  body: unknown,
): Promise<SubscriptionDraft> {
  const schema = z.strictObject({ ...commonFields.shape, ...contract.subscriptions.fields.shape });
  const given = check(schema, body) as Common & Record<string, unknown>;
  const draft = build(context, contract, given);
  return {
    ...draft,
    id: newId('sub'),
    accountId,
    reference: contract.subscriptions.newReference(await nextSubscriptionNumber(context.store), randomBytes),
  };
}

/** A subscription after an edit: what the body does not name stays as it was. */
export function editedSubscription(
  context: ApiContext,
  contract: AnyContract,
  previous: StoredSubscription,
  body: unknown,
): SubscriptionDraft {
  const schema = z.strictObject({ ...commonFields.shape, ...contract.subscriptions.fields.shape }).partial();
  const given = check(schema, body) as Partial<Common> & Record<string, unknown>;
  const { id, accountId, reference } = previous;
  return { ...build(context, contract, given, previous), id, accountId, reference };
}

function build(
  context: ApiContext,
  contract: AnyContract,
  asGiven: Partial<Common> & Record<string, unknown>,
  previous?: StoredSubscription,
): Omit<SubscriptionDraft, 'id' | 'accountId' | 'reference'> {
  const rules = contract.subscriptions;
  const given = unmasked(asGiven, rules, previous);
  const url =
    given.url === undefined
      ? undefined
      : checkReceiverUrl(given.url, {
          allowHttp: context.allowHttp,
          allowsAddress: context.allowsAddress,
          allowPorts: context.allowPorts,
          allowsCredentials: rules.allowsUrlCredentials,
          allowsFragment: rules.allowsUrlFragment ?? false,
        });
  checkCustomHeaders(given.headers, rules.reservedHeaders);
  checkOwnSecret(given.secret, contract);
  checkTlsClient(given.tlsClient);
  const tlsClient = given.tlsClient === undefined ? previous?.tlsClient : given.tlsClient;
  const eventTypes = [...new Set(given.eventTypes ?? previous?.eventTypes ?? [])];
  // An address written back as it is shown, without the credentials that came with it, is no other: they stay.
  const otherUrl = given.url === previous?.url ? undefined : url?.parsed;
  const kept = rules.toStored({ fields: given, eventTypes, url: otherUrl, randomBytes, previous });
  const urlProblem = rules.checkUrl(given.url ?? previous?.url ?? '', kept.options);
  if (urlProblem) throw invalidField('url', urlProblem);
  const problem = rules.checkEventTypes(eventTypes, kept.options, previous);
  if (problem) throw invalidField('eventTypes', problem);
  const wrong = rules.checkOptions?.(kept.options);
  if (wrong) throw invalidField(wrong.path, wrong.problem);
  const enabled = given.enabled ?? previous?.enabled ?? true;
  return {
    url: url?.stored ?? previous?.url ?? '',
    eventTypes,
    description: given.description === undefined ? (previous?.description ?? null) : given.description,
    enabled,
    disabledReason: enabled ? null : (previous?.disabledReason ?? null),
    headers: given.headers ?? previous?.headers ?? {},
    limits: limitsOf(given, previous?.limits),
    ...(tlsClient ? { tlsClient } : {}),
    options: kept.options,
    secrets: kept.secrets,
  };
}

function limitsOf(given: Partial<Common>, previous: AttemptLimits = {}): AttemptLimits {
  const { maxConcurrentAttempts = previous.maxConcurrentAttempts, ratePerSecond = previous.ratePerSecond } = given;
  return {
    ...(typeof maxConcurrentAttempts === 'number' ? { maxConcurrentAttempts } : {}),
    ...(typeof ratePerSecond === 'number' ? { ratePerSecond } : {}),
  };
}

function checkCustomHeaders(headers: Common['headers'], reserved: readonly string[]): void {
  const wrong = headers && checkHeaders(headers, reserved);
  if (wrong) throw invalidField(`headers.${wrong.name}`, wrong.problem);
}

/** Checks a secret that its owner chose. */
export function checkOwnSecret(secret: unknown, contract: AnyContract): void {
  const problem = typeof secret === 'string' ? contract.subscriptions.checkSecret?.(secret) : undefined;
  if (problem) throw invalidField('secret', problem);
}
