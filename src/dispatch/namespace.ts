/** Whether Temporal answers, and has our namespace. */
import type { Client } from '@temporalio/client';

export const temporalStates = ['ok', 'unavailable', 'namespace_missing'] as const;
export type TemporalState = (typeof temporalStates)[number];

/** gRPC's code for what there is not. */
const NOT_FOUND = 5;

/** Asks Temporal for the namespace; `withinMs` is the deadline in milliseconds. */
export async function temporalState(client: Client, withinMs: number): Promise<TemporalState> {
  const { namespace } = client.options;
  try {
    await client.withDeadline(Date.now() + withinMs, () => client.workflowService.describeNamespace({ namespace }));
    return 'ok';
  } catch (error) {
    return (error as { code?: unknown }).code === NOT_FOUND ? 'namespace_missing' : 'unavailable';
  }
}
