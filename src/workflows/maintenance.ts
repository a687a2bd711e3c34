/** Maintenance, started by a Temporal Schedule: one sweep over the deliveries that crashes and deletions affected. */
import { proxyActivities } from '@temporalio/workflow';
import { HEARTBEAT_TIMEOUT_MS } from './limits.js';
import type { SweepReport, MaintenanceActivities } from './types.js';

const { sweep } = proxyActivities<MaintenanceActivities>({
  startToCloseTimeout: '5m',
  heartbeatTimeout: HEARTBEAT_TIMEOUT_MS,
  summary: 'recover deliveries after crashes and deletions',
  // The schedule starts the next sweep within seconds, so a failed one is not retried.
  retry: { maximumAttempts: 1 },
});

export async function maintenance(): Promise<SweepReport> {
  return sweep();
}
