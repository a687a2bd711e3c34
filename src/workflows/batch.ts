/** A batch: makes the first attempts of many deliveries in one activity, which costs less than a workflow for each. */
import { proxyActivities } from '@temporalio/workflow';
import type { BatchActivities, BatchInput, BatchReport } from './batch-types.js';
import { BATCH_HEARTBEAT_TIMEOUT_MS } from './limits.js';

/** Added to the longest time limit: for deliveries that wait for others, and for starting workflows, in milliseconds. */
const MARGIN_MS = 600_000;

/** When the worker dies, another one continues with the deliveries that are not finished. */
export async function batch(input: BatchInput): Promise<BatchReport> {
  const { processBatch } = proxyActivities<BatchActivities>({
    summary: `first attempts of ${input.groups.reduce((sum, { deliveryIds }) => sum + deliveryIds.length, 0)} deliveries`,
    startToCloseTimeout: Math.max(...input.groups.map(({ timeLimitMs }) => timeLimitMs)) + MARGIN_MS,
    heartbeatTimeout: BATCH_HEARTBEAT_TIMEOUT_MS,
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
  });
  return processBatch(input);
}
