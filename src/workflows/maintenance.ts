/** Maintenance, started by a Temporal Schedule: one sweep over what crashes and deletions leave behind. */
import { proxyActivities } from '@temporalio/workflow';
import type { SweepReport, MaintenanceActivities } from './types.js';

const { sweep } = proxyActivities<MaintenanceActivities>({
  startToCloseTimeout: '5m',
  heartbeatTimeout: '30s',
  summary: 'look after what crashes and deletions left behind',
  // The schedule comes round again in seconds: a sweep that failed is better left to the next one.
  retry: { maximumAttempts: 1 },
});

export async function maintenance(): Promise<SweepReport> {
  return sweep();
}
