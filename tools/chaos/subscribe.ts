/** The account of a run, and its subscriptions. */
import { contractOf } from '#src/providers/registry.js';
import type { Ask } from './api-client.js';
import { receiverKinds, type ReceiverKind } from './plan.js';
import type { Receivers } from './receivers.js';

/** The contract whose events are emitted: any event type, plain http, a first retry after seconds. */
const PROVIDER = 'standard';

/** The time limit of one request by this contract, in milliseconds. */
export const TIME_LIMIT_MS = contractOf(PROVIDER).timeLimitMs('', undefined as never);

export interface Subscribed {
  readonly accountId: string;
  /** The kinds of receivers by the id of their subscription. */
  readonly kinds: ReadonlyMap<string, ReceiverKind>;
  /** The id of the subscription whose receiver never accepts. */
  readonly never: string;
}

/** Creates an account with a subscription per kind of receiver; the one that accepts gets every event. */
export async function subscribe(ask: Ask, receivers: Receivers): Promise<Subscribed> {
  const create = async (path: string, body: unknown): Promise<string> => {
    const reply = await ask('POST', path, body);
    if (reply.kind !== 'response' || reply.status !== 201) throw new Error(`${path}: ${JSON.stringify(reply)}`);
    return (reply.body as { id: string }).id;
  };
  const accountId = await create('/v1/accounts', { provider: PROVIDER, name: 'Chaos' });
  const kinds = new Map<string, ReceiverKind>();
  for (const kind of receiverKinds) {
    const eventTypes = kind === 'accepts' ? [] : [`chaos.${kind.replace('-', '_')}`];
    kinds.set(
      await create(`/v1/accounts/${accountId}/subscriptions`, { url: receivers.urlOf(kind), eventTypes }),
      kind,
    );
  }
  const never = [...kinds].find(([, kind]) => kind === 'fails')![0];
  return { accountId, kinds, never };
}
