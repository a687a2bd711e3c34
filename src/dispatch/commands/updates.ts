/** Sends updates to the workflow of a delivery and returns their results. */
import {
  isGrpcDeadlineError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import type { UpdateDefinition } from '@temporalio/common';
import { deliveryWorkflowId } from '../../workflows/names.js';
import type { CommandContext } from './commands.js';

/** The workflow does not apply the update; the message says why. */
export class UpdateRefused extends Error {}

/** No worker has processed the update in time; it may still be applied. */
export class UpdateTimedOut extends Error {}

/**
 * Sends an update and waits for its result, for at most `timeoutMs` milliseconds. Undefined when the delivery has no
 * running workflow. Throws UpdateRefused, UpdateTimedOut, or what Temporal's client throws.
 */
export async function sendUpdate<Result, Args extends unknown[]>(
  { client }: Pick<CommandContext, 'client'>,
  deliveryId: string,
  update: UpdateDefinition<Result, Args>,
  args: Args,
  timeoutMs: number,
): Promise<Result | undefined> {
  try {
    const handle = client.workflow.getHandle(deliveryWorkflowId(deliveryId));
    return await client.withDeadline(Date.now() + timeoutMs, () =>
      // The client's types tell updates with and without arguments apart, which `Args` does not.
      handle.executeUpdate(update as unknown as UpdateDefinition<Result, [unknown]>, {
        args: args as unknown as [unknown],
      }),
    );
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    if (error instanceof WorkflowUpdateFailedError) throw new UpdateRefused(error.cause?.message ?? error.message);
    if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError || isGrpcDeadlineError(error))
      throw new UpdateTimedOut('no worker has processed it in time');
    throw error;
  }
}
