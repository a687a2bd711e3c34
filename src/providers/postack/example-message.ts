/** Svix's send-example: svix-server, src/v1/endpoints/endpoint/mod.rs; its status is from codegen/lib-openapi.json. */
import type { AnyContract } from '../../contract/types.js';
import type { StoredAccount } from '../../store/accounts/accounts.js';
import type { StoredSubscription } from '../../store/subscriptions/subscriptions.js';
import type { Registrar } from '../registration.js';
import { contract, messageId } from './contract.js';
import { findEvent } from './events.js';
import { readObject, validationError } from './svix-error.js';

/** An event type of every Svix account, and its payload. */
const PING = 'svix.ping';
const PING_DATA = { success: true };

/** Sends an event type's example to one endpoint and returns the message as Svix shows it. */
export async function sendExample(
  registrar: Registrar,
  account: StoredAccount,
  endpoint: StoredSubscription,
  body: unknown,
) {
  const { eventType } = readObject(body);
  const definition = typeof eventType === 'string' ? findEvent(eventType) : undefined;
  if (!definition) throw validationError(['body', 'eventType'], 'must be 1 to 256 letters, digits, -, _ and .');
  const { type } = definition;
  const data = type === PING ? PING_DATA : definition.example;
  const { eventId, occurredAt } = await registrar.sendTest(account, endpoint, type, data);
  const event = { id: eventId, type, occurredAt, text: JSON.stringify(data), data, channels: [] };
  const payload = (contract as AnyContract).renderBody({ event, account, subscription: endpoint });
  return {
    eventId: null,
    eventType: type,
    payload: JSON.parse(payload) as unknown,
    channels: null,
    id: messageId(eventId),
    timestamp: occurredAt,
  };
}
