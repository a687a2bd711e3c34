/** Links from Temporal's web interface back to the dashboard. */
import type { ClientInterceptors } from '@temporalio/client';
import { deliveryIdOf } from '../workflows/names.js';

interface Started {
  readonly options: { readonly workflowId: string; readonly staticDetails?: string };
}

/**
 * Interceptors of a client that add to each delivery's workflow, whichever process starts it, a link to the delivery's page:
 * Temporal shows it under User Metadata.
 *
 * @param dashboardUrl where browsers reach the dashboard, without a slash at its end
 */
export function pageLinks(dashboardUrl: string): ClientInterceptors {
  const withLink = <Input extends Started>(input: Input): Input => {
    const { workflowId, staticDetails = '' } = input.options;
    const deliveryId = deliveryIdOf(workflowId);
    if (deliveryId === undefined) return input;
    const link = `[This delivery in Pigeonpost](${dashboardUrl}/deliveries/${deliveryId})`;
    return { ...input, options: { ...input.options, staticDetails: `${staticDetails}\n\n${link}` } };
  };
  return {
    workflow: [
      {
        startWithDetails: (input, next) => next(withLink(input)),
        signalWithStart: (input, next) => next(withLink(input)),
      },
    ],
  };
}
