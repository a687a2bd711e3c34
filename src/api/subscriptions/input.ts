/** Converts a request to the subscription to store. Checks common fields first, then the contract's. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { checkHeaders } from '../../contract/headers.js';
import { newId } from '../../contract/ids.js';
import { advanced } from '../../contract/rules.js';
import type { AnyContract } from '../../contract/types.js';
import { contractOf } from '../../providers/registry.js';
import type { StoredAccount } from '../../store/accounts/accounts.js';
import type { AttemptLimits } from '../../store/subscriptions/limits.js';
import {
  nextSubscriptionNumber,
  type SavedSubscription,
  type StoredSubscription,
} from '../../store/subscriptions/subscriptions.js';
import { check } from '../../http/check.js';
import type { ApiContext } from '../context.js';
import { checkSubscribed } from '../event-types/checks.js';
import { invalidField } from '../../http/problem.js';
import { checkPolicy } from '../policies.js';
import { line, policySchema } from '../schemas.js';
import { unmasked } from './masked-values.js';
import { checkPayloadFields, payloadFields, rejectUnsupported } from './payload-fields.js';
import { checkReceiverUrl, urlRules } from './receiver-url.js';
import { checkTlsClient, tlsClientInput } from './tls-client.js';

/** Fields that subscriptions of all contracts have. */
export const commonFields = z.object({
  url: z.string().describe("The receiver's URL."),
  eventTypes: z.array(line(255).min(1)).max(200).describe("The provider's own event names."),
  description: line(1_000).nullable().optional(),
  enabled: z.boolean().optional().describe('Whether it receives events; true by default.'),
  headers: z
    .record(z.string(), z.string())
    .optional()
    .describe('Sent with every attempt. Shown as ***; in an edit *** keeps the stored value.')
    .meta(advanced()),
  maxConcurrentAttempts: z
    .int()
    .min(1)
    .max(1_000)
    .nullable()
    .optional()
    .describe('Maximum attempts in flight; null for the default.')
    .meta(advanced('Attempts at once')),
  ratePerSecond: z
    .number()
    .min(0.1)
    .max(65_535)
    .nullable()
    .optional()
    .describe('Maximum attempts started per second; null for no limit.')
    .meta(advanced()),
  tlsClient: tlsClientInput.meta(advanced('Client certificate')),
  ...payloadFields,
  policy: policySchema
    .nullable()
    .optional()
    .describe('Delivery policy, where the contract allows one; replaced as a whole; null for none.')
    .meta(advanced('Delivery policy')),
});

/** The URL of a subscription that may be polled. */
const optionalUrl = commonFields.shape.url.nullable().optional();
/** The same fields where the contract is not known yet; it decides whether a subscription needs a URL. */
export const anyFields = commonFields.extend({
  url: optionalUrl.describe("The receiver's URL; none if the subscription is polled."),
});
type Common = z.infer<typeof anyFields>;

/** All fields of a contract's subscriptions. */
export function fieldsOf({ polling, hasFilters, renderTransformed, subscriptions }: AnyContract) {
  const { filter, transformation, ...common } = (polling ? anyFields : commonFields).shape;
  return z.strictObject({
    ...common,
    ...(hasFilters ? { filter } : {}),
    ...(renderTransformed ? { transformation } : {}),
    ...subscriptions.fields.shape,
  });
}

/** The checked fields of a request: common ones and the contract's own. */
type Given = Partial<Common> & Record<string, unknown>;

/** A subscription to store, without times. */
export type SubscriptionDraft = SavedSubscription;

/** Makes a new subscription from a request body. Throws a problem that lists all errors. */
export async function newSubscription(
  context: ApiContext,
  account: StoredAccount,
  body: unknown,
): Promise<SubscriptionDraft> {
  const contract = contractOf(account.provider);
  rejectUnsupported(contract, body);
  const given = check(fieldsOf(contract), body) as Common & Record<string, unknown>;
  const draft = build(context, contract, given);
  checkSubscribed(context, account, draft.eventTypes);
  return {
    ...draft,
    id: newId('sub'),
    accountId: account.id,
    reference: contract.subscriptions.newReference(await nextSubscriptionNumber(context.store), randomBytes),
  };
}

/** Applies an edit to a subscription; absent fields stay unchanged. */
export function editedSubscription(
  context: ApiContext,
  account: StoredAccount,
  previous: StoredSubscription,
  body: unknown,
): SubscriptionDraft {
  const contract = contractOf(account.provider);
  rejectUnsupported(contract, body);
  const given = check(fieldsOf(contract).partial(), body) as Given;
  const { id, accountId, reference } = previous;
  const draft = build(context, contract, given, previous);
  checkSubscribed(context, account, draft.eventTypes, previous.eventTypes);
  return { ...draft, id, accountId, reference };
}

function build(
  context: ApiContext,
  contract: AnyContract,
  masked: Given,
  previous?: StoredSubscription,
): Omit<SubscriptionDraft, 'id' | 'accountId' | 'reference'> {
  const rules = contract.subscriptions;
  const given = unmasked(masked, rules, previous);
  const url = given.url == null ? undefined : checkReceiverUrl(given.url, urlRules(context, rules));
  checkCustomHeaders(given.headers, rules.reservedHeaders);
  checkOwnSecret(given.secret, contract);
  checkTlsClient(given.tlsClient);
  checkPolicy(contract, given.policy);
  const eventTypes = [...new Set(given.eventTypes ?? previous?.eventTypes ?? [])];
  // A URL that is written back as shown, without its credentials, is unchanged: the credentials stay.
  const newUrl = given.url === previous?.url ? undefined : url?.parsed;
  const stored = rules.toStored({ fields: given, eventTypes, url: newUrl, randomBytes, previous });
  checkPolling(contract, given, stored.options, previous);
  const urlProblem = rules.checkUrl(given.url ?? previous?.url ?? '', stored.options);
  if (urlProblem) throw invalidField('url', urlProblem);
  const problem = rules.checkEventTypes(eventTypes, stored.options, previous);
  if (problem) throw invalidField('eventTypes', problem);
  const wrong = rules.checkOptions?.(stored.options);
  if (wrong) throw invalidField(wrong.path, wrong.problem);
  return {
    url: url?.stored ?? previous?.url ?? '',
    eventTypes,
    ...commonOf(given, previous),
    ...checkPayloadFields(given, previous),
    options: stored.options,
    secrets: stored.secrets,
  };
}

/** A subscription that is polled has no URL, any other has one; an edit does not change which it is. */
function checkPolling({ polling }: AnyContract, given: Given, options: unknown, previous?: StoredSubscription): void {
  const isPolled = polling?.isPolled(options) ?? false;
  if (previous && isPolled !== (polling?.isPolled(previous.options) ?? false))
    throw invalidField('receivesBy', 'cannot be changed; create another subscription');
  if (isPolled && typeof given.url === 'string')
    throw invalidField('url', 'must be absent, because a subscription that is polled is sent nothing');
  if (!isPolled && (given.url === null || (given.url === undefined && !previous)))
    throw invalidField(
      'url',
      polling ? 'is missing; only a subscription with receivesBy: poll has none' : 'is missing',
    );
}

/** Fields that do not depend on the contract; absent ones keep the previous values. */
function commonOf(given: Given, previous: Partial<StoredSubscription> = {}) {
  const { description = previous.description ?? null, tlsClient = previous.tlsClient } = given;
  const enabled = given.enabled ?? previous.enabled ?? true;
  return {
    description,
    enabled,
    disabledReason: enabled ? null : (previous.disabledReason ?? null),
    headers: given.headers ?? previous.headers ?? {},
    limits: limitsOf(given, previous.limits),
    policy: given.policy === undefined ? (previous.policy ?? null) : given.policy,
    ...(tlsClient ? { tlsClient } : {}),
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

/** Checks a secret that the caller chose. */
export function checkOwnSecret(secret: unknown, contract: AnyContract): void {
  const problem = typeof secret === 'string' ? contract.subscriptions.checkSecret?.(secret) : undefined;
  if (problem) throw invalidField('secret', problem);
}
