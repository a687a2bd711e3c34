/** Reads the request of a broadcast: fields, checks and its scope. */
import { z } from 'zod';
import { jsonMember, jsonObject } from '../../contract/json.js';
import type { EventInput } from '../../dispatch/fan-out.js';
import { check } from '../../http/check.js';
import { invalidField } from '../../http/problem.js';
import { contracts, findContract } from '../../providers/registry.js';
import { environments } from '../../store/accounts/accounts.js';
import type { BroadcastScope } from '../../store/broadcasts.js';
import { checkEvent, type CatalogueContext } from '../event-types/checks.js';
import { eventFields, ownMembers, readEvent } from '../events/read-event.js';
import { line } from '../schemas.js';

const MAX_RATE = 1_000;
const DEFAULT_RATE = 50;
/** Every account stores the payload, so it is smaller than that of an event may be. In UTF-16 code units. */
const MAX_PAYLOAD = 256 * 1_024;

/** Accounts per second. */
export const broadcastRate = z.int().min(1).max(MAX_RATE);
const { type, data, occurredAt, channels } = eventFields.shape;
/** The request that creates a broadcast, or counts its accounts. */
export const broadcastRequest = z.strictObject({
  provider: z.string().describe('Only contracts whose payloads name no account have broadcasts.'),
  ...{ type, data, occurredAt, channels },
  environment: z.enum(environments).optional().describe('Only accounts of this environment.'),
  metadata: z
    .record(line(64).min(1), line(500))
    .default({})
    .describe('Only accounts that have all of these names and texts in their metadata.'),
  ratePerSecond: broadcastRate.default(DEFAULT_RATE).describe('Maximum number of accounts per second.'),
  dryRun: z.boolean().default(false).describe('Only count; emit nothing.'),
});

/** A validated request. */
interface Requested extends Pick<z.output<typeof broadcastRequest>, 'ratePerSecond' | 'dryRun'> {
  readonly event: EventInput;
  readonly scope: BroadcastScope;
}

/** Reads and validates a request; its payload is kept as it was sent. Throws a problem that names the wrong field. */
export function readBroadcast(context: CatalogueContext, body: unknown, text: string): Requested {
  const given = check(broadcastRequest, body);
  const contract = findContract(given.provider);
  const withBroadcasts = contracts.filter(({ hasBroadcasts }) => hasBroadcasts).map(({ provider }) => provider);
  if (!contract?.hasBroadcasts)
    throw invalidField(
      'provider',
      contract
        ? `${contract.title} has no broadcasts, because its payloads name an account; emit to each account`
        : `must be one of ${withBroadcasts.join(', ')}`,
    );
  const payload = ownMembers(text, 'the body').find(({ key }) => key === 'data')!;
  if (payload.value.length > MAX_PAYLOAD)
    throw invalidField('data', `must not be longer than ${MAX_PAYLOAD} characters, as each account stores it`);
  const { type, occurredAt, channels, environment = null, metadata, ratePerSecond, dryRun } = given;
  const fields = Object.entries({ type, occurredAt, channels }).filter(([, value]) => value !== undefined);
  const eventText = jsonObject([...fields.map(([key, value]) => jsonMember(key, value)), payload]);
  const strictly = { provider: contract.provider, validatePayloads: true };
  const event = readEvent(contract, strictly, eventText);
  checkEvent(context, strictly, event.type, event.data);
  return { event, scope: { provider: contract.provider, environment, metadata }, ratePerSecond, dryRun };
}
