/** What an open delivery becomes after its workflow has closed. */
import { conclude, type ClosedWorkflow } from '../../../src/dispatch/closed.js';
import { FailureType } from '../../../src/workflows/failure.js';

const closed = (fields: Partial<ClosedWorkflow>): ClosedWorkflow => ({
  kind: 'closed',
  status: 'FAILED',
  redelivery: 0,
  runId: 'run-1',
  closedAt: new Date(0),
  ...fields,
});
const result = { attempts: 2, status: 204 };
const failure = (type: string | undefined) => ({ failure: { type, message: 'no' } });

test.each<[string, Partial<ClosedWorkflow>, redelivery: number, object]>([
  ['it completed', { status: 'COMPLETED', result }, 0, { kind: 'delivered', result }],
  ['a later redelivery completed', { status: 'COMPLETED', result, redelivery: 2 }, 1, { kind: 'delivered', result }],
  ['it was exhausted', failure(FailureType.exhausted), 0, { kind: 'failed', reason: 'no' }],
  ['the contract stopped it', failure(FailureType.stopped), 0, { kind: 'failed', reason: 'no' }],
  ['it was cancelled', { status: 'CANCELLED' }, 0, { kind: 'cancelled', reason: 'cancelled in Temporal' }],
  ['it was terminated', { status: 'TERMINATED' }, 0, { kind: 'cancelled', reason: 'terminated in Temporal' }],
  [
    'a later redelivery failed',
    { ...failure(FailureType.stopped), redelivery: 1 },
    0,
    { kind: 'restart', redelivery: 2 },
  ],
  ['it was superseded', failure(FailureType.superseded), 0, { kind: 'restart', redelivery: 1 }],
  ['it failed with an unknown error', failure(undefined), 0, { kind: 'restart', redelivery: 1 }],
  ['it timed out', { status: 'TIMED_OUT' }, 0, { kind: 'restart', redelivery: 1 }],
  ['only the redelivery before was started', { status: 'COMPLETED', result }, 1, { kind: 'restart', redelivery: 1 }],
])('returns the conclusion when %s', (_when, fields, redelivery, conclusion) => {
  expect(conclude(closed(fields), redelivery)).toEqual(conclusion);
});
