/** A batch: many deliveries that are carried through their first attempts together, because many waited at once. */
import { proxyActivities } from '@temporalio/workflow';
import type { BatchActivities, BatchInput, BatchReport } from './batch-types.js';

/** Beyond the longest exchange: for those that wait for others, and for starting workflows, in milliseconds. */
const MARGIN_MS = 600_000;

/** Carries its deliveries. What it has not finished when a worker dies, the next worker goes on with. */
export async function batch(input: BatchInput): Promise<BatchReport> {
  const { processBatch: carry } = proxyActivities<BatchActivities>({
    summary: `first attempts of ${input.groups.reduce((sum, { deliveryIds }) => sum + deliveryIds.length, 0)} deliveries`,
    startToCloseTimeout: Math.max(...input.groups.map(({ timeLimitMs }) => timeLimitMs)) + MARGIN_MS,
    heartbeatTimeout: '10s',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
  });
  return carry(input);
}
