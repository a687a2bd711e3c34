/** Accepts the events of a request; converts errors to problems. */
import { CommitTooLarge } from '../dispatch/commit-size.js';
import { NoSuchAccount } from '../dispatch/commit.js';
import { TooMuchWaiting } from '../dispatch/commit-queue.js';
import type { OnceKey, Planner } from '../dispatch/event-writer.js';
import type { ApiContext } from './context.js';
import { notFound, Problem } from '../http/problem.js';

/**
 * Commits the events that the planner makes for the account; returns the response. Throws a problem or
 * IdempotentReplay.
 */
export async function acceptEvents<Response>(
  { eventWriter }: Pick<ApiContext, 'eventWriter'>,
  accountId: string,
  planner: Planner<Response>,
  once?: OnceKey,
): Promise<Response> {
  try {
    return await eventWriter.write(accountId, planner, once);
  } catch (error) {
    throw toProblem(error);
  }
}

function toProblem(error: unknown): unknown {
  if (error instanceof NoSuchAccount) return notFound('account');
  if (error instanceof TooMuchWaiting)
    return new Problem('unavailable', 'too many bytes of this account are waiting to be stored; try again shortly');
  if (error instanceof CommitTooLarge)
    return new Problem(
      'body_too_large',
      `the events and the bodies for their subscriptions have more than ${error.maxBytes} bytes in total: send fewer ` +
        'events per request or smaller payloads, or have fewer subscriptions whose bodies differ',
    );
  return error;
}
