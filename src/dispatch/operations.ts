/** From facts to operational events: what an operator's own subscriptions are told about everyone else's. */
import { contractOf } from '../providers/index.js';
import { operationsAccounts } from '../store/accounts.js';
import { insertEvents } from '../store/events.js';
import { Operation, takeOperations, type WaitingOperation } from '../store/operations.js';
import type { Startable } from '../store/startables.js';
import { inTransaction, type Store } from '../store/store.js';
import { countEmitted } from '../telemetry/metrics.js';
import { candidates, planEvent, type EventInput } from './accept.js';

/** What was emitted. */
export interface EmittedOperations {
  /** Facts that were taken, whether or not someone wanted them. */
  readonly taken: number;
  /** Deliveries to start. */
  readonly startables: readonly Startable[];
}

/** The first type of operational event that a provider's catalogue does not allow, or undefined. */
export function refusedOperation(provider: string): string | undefined {
  const contract = contractOf(provider);
  return Object.values(Operation).find((type) => !contract.findEvent(type));
}

/**
 * Emits the oldest facts, at most `limit`, to every account that receives operational events. Taking them and writing
 * the events is one transaction: each is emitted once, whatever dies meanwhile.
 */
export async function emitOperations(store: Store, limit: number): Promise<EmittedOperations> {
  const accounts = await operationsAccounts(store);
  const receivers = await Promise.all(
    accounts.map(async (account) => ({ account, subscriptions: await candidates(store, account) })),
  );
  const { taken, planned } = await inTransaction(store, async (client) => {
    const operations = await takeOperations(client, limit);
    const planned = operations
      // What an account of operators does itself is told to nobody: a failing receiver of such events would cause more.
      .filter(({ ofReceiver }) => !ofReceiver)
      .map(eventOf)
      .flatMap((event) => receivers.map(({ account, subscriptions }) => planEvent(account, subscriptions, event)));
    if (planned.length > 0)
      await insertEvents(
        client,
        planned.map(({ row }) => row),
      );
    return { taken: operations.length, planned };
  });
  countEmitted(planned.map(({ row }) => row));
  return { taken, startables: planned.flatMap(({ startables }) => startables) };
}

/** Ids, counts and the receiver's host; its address may be as good as a password. */
function eventOf({ type, at, accountId, provider, subscriptionId, url, facts }: WaitingOperation): EventInput {
  const data = { accountId, provider, subscriptionId, host: new URL(url).host, ...facts };
  return { type, occurredAt: at, text: JSON.stringify(data), data, channels: [] };
}
