/** Names of Pigeonpost's task queue, workflows and search attributes in Temporal. */
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

/** The task queue of all workers. */
export const TASK_QUEUE = 'pigeonpost';

/** The workflow id of a delivery. */
export function deliveryWorkflowId(deliveryId: string): string {
  return `delivery-${deliveryId}`;
}

/** The delivery that a workflow id belongs to, or undefined. */
export function deliveryIdOf(workflowId: string): string | undefined {
  return workflowId.startsWith('delivery-') ? workflowId.slice('delivery-'.length) : undefined;
}

/** The Temporal Schedule of the maintenance, and its workflow. */
export const MAINTENANCE_SCHEDULE_ID = 'pigeonpost-maintenance';
export const MAINTENANCE_WORKFLOW_ID = 'maintenance';

/** Search attributes of deliveries. None holds personal data: Temporal stores them unencrypted. */
export const searchAttributes = {
  provider: defineSearchAttributeKey('PigeonpostProvider', SearchAttributeType.KEYWORD),
  account: defineSearchAttributeKey('PigeonpostAccount', SearchAttributeType.KEYWORD),
  subscription: defineSearchAttributeKey('PigeonpostSubscription', SearchAttributeType.KEYWORD),
  eventType: defineSearchAttributeKey('PigeonpostEventType', SearchAttributeType.KEYWORD),
} as const;
