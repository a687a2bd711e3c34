/** The least a workflow that sends something can be. */
import { proxyActivities } from '@temporalio/workflow';

const { send } = proxyActivities<{ send(url: string, body: string): Promise<void> }>({ startToCloseTimeout: '30s' });

export async function single(url: string, body: string): Promise<void> {
  await send(url, body);
}
