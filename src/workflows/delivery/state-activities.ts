/** Small reads and writes of a delivery, each with a line that says in Temporal's UI what it is for. */
import { proxyActivities } from '@temporalio/workflow';
import type { DeliveryActivities } from '../types.js';

/** They are repeated until the database answers. */
function withSummary(summary: string) {
  return proxyActivities<DeliveryActivities>({
    startToCloseTimeout: '30s',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
    summary,
  });
}

export const bookkeeping: Omit<DeliveryActivities, 'attempt'> = {
  getScheduleProgress: (task) => withSummary('look up how far the schedule has come').getScheduleProgress(task),
  changeState: (task) => withSummary(`record that it is ${task.state}`).changeState(task),
  recordOutcome: (outcome) => withSummary(`record attempt ${outcome.number}, made before`).recordOutcome(outcome),
  awaitBatch: (task) => withSummary('wait for the batch that makes the first attempt').awaitBatch(task),
  cancelOwnWorkflow: () => withSummary('have Temporal show it as cancelled').cancelOwnWorkflow(),
};
