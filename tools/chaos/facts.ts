/** Collecting the facts for the ledger from the database and from Temporal, past the API. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { deliveryIdOf } from '#src/workflows/names.js';
import type { DeliveryFact } from './ledger.js';
import type { ReceiverKind } from './plan.js';
import { queryWithRetry } from './servers.js';

/** Temporal's lists lag behind what runs, and an owner may be about to hand a delivery on; in milliseconds. */
const LISTED_WITHIN_MS = 20_000;
const LOOK_EVERY_MS = 1_000;

/** Every delivery with its attempts; `kinds` are the receivers by the id of their subscription. */
export async function deliveryFacts(
  databaseUrl: string,
  kinds: ReadonlyMap<string, ReceiverKind>,
): Promise<DeliveryFact[]> {
  return queryWithRetry(databaseUrl, async (client) => {
    const { rows } = await client.query<{
      id: string;
      event_id: string;
      subscription_id: string;
      state: string;
      is_direct: boolean;
      outcomes: string[];
    }>(
      `SELECT id, event_id, subscription_id, state, direct AND sender_id IS NOT NULL AS is_direct,
              ARRAY(SELECT outcome FROM attempts WHERE delivery_id = deliveries.id ORDER BY number) AS outcomes
       FROM deliveries`,
    );
    return rows.map(({ event_id: eventId, subscription_id: subscription, is_direct: isDirect, ...row }) => ({
      ...row,
      isDirect,
      eventId,
      kind: kinds.get(subscription)!,
    }));
  });
}

/** Per planned event, how many events there are. */
export async function eventCounts(databaseUrl: string): Promise<Map<number, number>> {
  return queryWithRetry(databaseUrl, async (client) => {
    const { rows } = await client.query<{ n: number; count: number }>(
      `SELECT (data::jsonb ->> 'n')::int AS n, count(*)::int AS count FROM events GROUP BY 1`,
    );
    return new Map(rows.map(({ n, count }) => [n, count]));
  });
}

/**
 * Ids of the open deliveries that nothing would go on with: no workflow of their own runs, they are not for a
 * sender, nor are they pending and marked for the sweep. Looked for again and again for a while, as long as there are any.
 */
export async function ownerlessDeliveries(databaseUrl: string, temporal: Client): Promise<string[]> {
  const end = Date.now() + LISTED_WITHIN_MS;
  for (;;) {
    const running = await runningDeliveries(temporal);
    const open = await queryWithRetry(databaseUrl, async (client) => {
      const { rows } = await client.query<{ id: string }>(
        `SELECT id FROM deliveries
         WHERE state IN ('pending', 'retrying', 'paused') AND (owned OR (state <> 'pending' AND NOT direct))`,
      );
      return rows.map(({ id }) => id);
    });
    const ownerless = open.filter((id) => !running.has(id));
    if (ownerless.length === 0 || Date.now() > end) return ownerless;
    await sleep(LOOK_EVERY_MS);
  }
}

async function runningDeliveries({ workflow }: Client): Promise<Set<string>> {
  const running = new Set<string>();
  const query = `WorkflowType = 'delivery' AND ExecutionStatus = 'Running'`;
  for await (const { workflowId } of workflow.list({ query, pageSize: 1_000 })) {
    const id = deliveryIdOf(workflowId);
    if (id !== undefined) running.add(id);
  }
  return running;
}
