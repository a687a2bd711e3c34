/** The least a workflow with an activity can be. */
import { proxyActivities } from '@temporalio/workflow';

const { nothing } = proxyActivities<{ nothing(): Promise<void> }>({ startToCloseTimeout: '30s' });

export async function empty(): Promise<void> {
  await nothing();
}
