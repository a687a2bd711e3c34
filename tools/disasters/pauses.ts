/** Deliveries that an operator pauses and resumes during a run. */
import type { Client } from '@temporalio/client';
import { waitUntil } from '#src/embedded/poll.js';
import { deliveryWorkflowId } from '#src/workflows/names.js';
import type { Ask } from '../chaos/api-client.js';
import { queryWithRetry } from '../chaos/servers.js';

/** How long a command may take to be applied, in milliseconds. */
const APPLIED_WITHIN_MS = 60_000;
/** Workflows that are queried at once. */
const CONCURRENCY = 20;

type State = 'retrying' | 'paused';

/** Pauses some deliveries of a subscription that are retried, and waits until they are paused. Returns their ids. */
export async function pauseSome(
  ask: Ask,
  databaseUrl: string,
  subscriptionId: string,
  count: number,
): Promise<string[]> {
  const ids = (await idsIn(databaseUrl, 'retrying', subscriptionId)).slice(0, count);
  await command(ask, databaseUrl, ids, 'pause', 'paused');
  return ids;
}

/** Resumes deliveries, and waits until they are retried again. */
export function resumeSome(ask: Ask, databaseUrl: string, ids: readonly string[]): Promise<void> {
  return command(ask, databaseUrl, ids, 'resume', 'retrying');
}

/** Resumes everything that the database shows as paused, without waiting for what becomes of it. */
export async function resumeAll(ask: Ask, databaseUrl: string): Promise<void> {
  for (const id of await idsIn(databaseUrl, 'paused')) await ask('POST', `/v1/deliveries/${id}/resume`);
}

async function command(
  ask: Ask,
  databaseUrl: string,
  ids: readonly string[],
  name: 'pause' | 'resume',
  state: State,
): Promise<void> {
  for (const id of ids) {
    const reply = await ask('POST', `/v1/deliveries/${id}/${name}`);
    if (reply.kind !== 'response' || reply.status >= 300) throw new Error(`${name} ${id}: ${JSON.stringify(reply)}`);
  }
  const applied = await waitUntil(async () => {
    const now = new Set(await idsIn(databaseUrl, state));
    return ids.every((id) => now.has(id));
  }, APPLIED_WITHIN_MS);
  if (!applied) throw new Error(`${name} is not applied after ${APPLIED_WITHIN_MS / 1_000} s`);
}

/** Ids of the deliveries that are paused in the database and not in their workflow, or the other way round. */
export async function pausedOnOneSide(databaseUrl: string, temporal: Client): Promise<string[]> {
  const open = [...(await idsIn(databaseUrl, 'retrying')), ...(await idsIn(databaseUrl, 'paused'))];
  const paused = new Set(await idsIn(databaseUrl, 'paused'));
  const different: string[] = [];
  for (let from = 0; from < open.length; from += CONCURRENCY) {
    const some = open.slice(from, from + CONCURRENCY);
    const inWorkflow = await Promise.all(some.map((id) => isPausedInWorkflow(temporal, id)));
    different.push(
      ...some.filter((id, index) => inWorkflow[index] !== undefined && inWorkflow[index] !== paused.has(id)),
    );
  }
  return different;
}

/** Undefined when it has no workflow. */
async function isPausedInWorkflow(temporal: Client, id: string): Promise<boolean | undefined> {
  const handle = temporal.workflow.getHandle(deliveryWorkflowId(id));
  const metadata = await handle
    .query<{ currentDetails?: string }>('__temporal_workflow_metadata')
    .catch(() => undefined);
  return metadata?.currentDetails?.startsWith('**Paused**');
}

async function idsIn(databaseUrl: string, state: State, subscriptionId?: string): Promise<string[]> {
  return queryWithRetry(databaseUrl, async (client) => {
    const { rows } = await client.query<{ id: string }>(
      'SELECT id FROM deliveries WHERE state = $1 AND ($2::text IS NULL OR subscription_id = $2) ORDER BY id',
      [state, subscriptionId],
    );
    return rows.map(({ id }) => id);
  });
}
