/** How a delivery fails. */
import { ApplicationFailure } from '@temporalio/workflow';

/** The failure that ends a delivery. Benign: that a receiver refuses it is no fault of the worker. */
export function failure(type: string, message: string): ApplicationFailure {
  return ApplicationFailure.create({ type, message, nonRetryable: true, category: 'BENIGN' });
}
