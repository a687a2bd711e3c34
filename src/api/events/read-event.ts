/** Reads events from request bodies: fields, checks and times. */
import { z } from 'zod';
import type { CallbackChoice } from '../../contract/callbacks.js';
import { duplicateKey, jsonElements, jsonMembers, minifyJson, type JsonMember } from '../../contract/json.js';
import { priorities, timingProblem, type EventTiming } from '../../contract/timing.js';
import type { AnyContract } from '../../contract/types.js';
import type { EventInput } from '../../dispatch/fan-out.js';
import { namedTwice } from '../../http/json-body.js';
import { invalid, invalidField } from '../../http/problem.js';
import type { StoredAccount } from '../../store/accounts/accounts.js';
import { line, time } from '../schemas.js';

const callbackReceiver = z.string().min(1).max(64).nullable().optional();

/** The fields of an event. */
export const eventFields = z.strictObject({
  type: line(255).min(1).describe("The provider's own event name."),
  data: z.unknown().nonoptional().describe("The provider's own payload; sent to the receiver unchanged."),
  occurredAt: time.optional().describe('Time of the event; now when absent.'),
  channels: z.array(line(128).min(1)).max(10).optional().describe('Only for contracts with channels.'),
  subscriptionId: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe(
      'Only for this subscription of the account, whatever its filter says. It must be enabled and receive the event type.',
    ),
  deliverAt: time
    .optional()
    .describe(
      'Deliver at this time, at most 30 days ahead; at once when absent or past. Only for contracts with timing; ' +
        'subscriptions that are polled ignore this and the next two fields.',
    ),
  expiresAt: time
    .optional()
    .describe(
      'Make no attempt from this time on, at most 60 days ahead: what is not accepted by then fails with the reason ' +
        'expired. Only for contracts with timing.',
    ),
  supersedes: line(255)
    .min(1)
    .optional()
    .describe(
      'A key: deliveries of older events of the account with the same key are cancelled while they wait. Only for ' +
        'contracts with timing.',
    ),
  priority: z
    .enum(priorities)
    .optional()
    .describe(
      "Which of the account's waiting deliveries come first; normal when absent. Only for contracts with timing.",
    ),
  orderingKey: line(128)
    .min(1)
    .optional()
    .describe(
      'Only for contracts with ordering keys. Deliveries of one key to one subscription are made one after the other, in ' +
        'the sequence in which their events were accepted. Not with deliverAt, expiresAt or supersedes; subscriptions ' +
        'that are polled ignore it.',
    ),
  onDelivered: callbackReceiver.describe(
    'Id of the subscription that gets a callback for each accepted delivery of the event, instead of what its ' +
      'subscriptions say; null for none. Only for contracts with callbacks.',
  ),
  onExhausted: callbackReceiver.describe('The same for each delivery of the event that fails for good.'),
});

/** The fields of a batch; each of its events is checked by itself. */
export const batchFields = z.strictObject({ events: z.array(z.unknown()).min(1).max(1_000) });

/** Whether a request body is a batch. */
export function isBatch(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'events' in body;
}

/** The events of a batch, each as its own text. Throws a problem for a body that is none. */
export function elements(text: string): string[] {
  const members = ownMembers(text, 'the body');
  const result = batchFields.safeParse(JSON.parse(text));
  if (!result.success) throw invalid(result.error);
  return jsonElements(members.find(({ key }) => key === 'events')!.value);
}

/** Parses and validates one event. Throws a problem that names the wrong field. */
export function readEvent(
  contract: AnyContract,
  account: Pick<StoredAccount, 'validatePayloads'>,
  text: string,
): EventInput {
  const parsed: unknown = JSON.parse(text);
  const result = eventFields.safeParse(parsed);
  if (!result.success) throw invalid(result.error);
  const { type, data, occurredAt, channels = [], subscriptionId, orderingKey } = result.data;
  const members = ownMembers(text, 'the event');
  const definition = contract.findEvent(type);
  if (!definition) throw invalidField('type', `${contract.title} has no event ${JSON.stringify(type)}`);
  if (channels.length > 0 && !contract.hasChannels) throw invalidField('channels', `${contract.title} has no channels`);
  if (orderingKey !== undefined) checkOrdered(contract, result.data);
  checkPayload(definition.data, data, account.validatePayloads);
  const timing = readTiming(contract, result.data);
  const callbacks = readCallbacks(contract, result.data);
  return {
    type: definition.type,
    occurredAt: occurredAt === undefined ? new Date() : new Date(occurredAt),
    text: minifyJson(members.find(({ key }) => key === 'data')!.value),
    data,
    channels,
    ...(timing ? { timing } : {}),
    ...(subscriptionId === undefined ? {} : { subscriptionId }),
    ...(orderingKey === undefined ? {} : { orderingKey }),
    ...(callbacks ? { callbacks } : {}),
  };
}

/** Fields that would change which delivery of a key is the next one. */
const NOT_ORDERED = ['deliverAt', 'expiresAt', 'supersedes'] as const;

/** Checks an event with an ordering key. Throws a problem that names the wrong field. */
function checkOrdered({ title, hasOrderingKeys }: AnyContract, event: z.infer<typeof eventFields>): void {
  if (!hasOrderingKeys) throw invalidField('orderingKey', `${title} has no ordering keys; leave the field out`);
  const field = NOT_ORDERED.find((name) => event[name] !== undefined);
  if (field) throw invalidField(field, 'cannot be combined with orderingKey yet');
}

/** What an event says of its times and priority; undefined for nothing. Throws a problem that names the wrong field. */
function readTiming(
  { title, hasEventTiming }: AnyContract,
  { deliverAt, expiresAt, supersedes, priority }: z.infer<typeof eventFields>,
): EventTiming | undefined {
  if ((deliverAt ?? expiresAt ?? supersedes ?? priority) === undefined) return undefined;
  if (!hasEventTiming) {
    const fields = { deliverAt, expiresAt, supersedes, priority };
    const [field] = Object.entries(fields).find(([, value]) => value !== undefined)!;
    throw invalidField(field, `${title} has no ${field}; leave it out`);
  }
  const now = new Date();
  const timing: EventTiming = {
    ...(deliverAt === undefined || new Date(deliverAt) <= now ? {} : { deliverAt: new Date(deliverAt) }),
    ...(expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt) }),
    ...(supersedes === undefined ? {} : { supersedes }),
    ...(priority === undefined ? {} : { priority }),
  };
  const problem = timingProblem(timing, now);
  if (problem) throw invalidField(problem.field, problem.message);
  return timing;
}

/** Who gets the callbacks of an event's deliveries; undefined when nothing is said. Throws a problem for a wrong field. */
function readCallbacks(
  { title, callbacks }: AnyContract,
  { onDelivered, onExhausted }: z.infer<typeof eventFields>,
): CallbackChoice | undefined {
  if (onDelivered === undefined && onExhausted === undefined) return undefined;
  const field = onDelivered === undefined ? 'onExhausted' : 'onDelivered';
  if (!callbacks) throw invalidField(field, `${title} has no callbacks; leave the field out`);
  return { onDelivered, onExhausted };
}

/**
 * The members of an object. Throws a problem for a duplicate name; payloads inside it are not checked for duplicates.
 */
export function ownMembers(text: string, what: string): JsonMember[] {
  const members = jsonMembers(text);
  const repeated = duplicateKey(members);
  if (repeated !== undefined) throw namedTwice(what, repeated);
  return members;
}

/**
 * Validates a payload by its documented schema; if not `strictly`, only that it is an object where the schema is one.
 */
function checkPayload(shape: z.ZodType, data: unknown, strictly: boolean): void {
  const isObject = typeof data === 'object' && data !== null && !Array.isArray(data);
  if (!isObject && !shape.safeParse(null).success) throw invalidField('data', 'must be a JSON object');
  const checked = strictly ? shape.safeParse(data) : { success: true as const };
  if (!checked.success) throw invalid(checked.error, 'data');
}
