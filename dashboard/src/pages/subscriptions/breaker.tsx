/** The circuit breaker of a subscription while it is not closed, and closing it. */
import { Alert, Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from 'wouter';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import type { Subscription } from '../../api/shapes.js';
import { counted } from '../../parts/format.js';
import { Failure } from '../../parts/page.js';
import { Moment } from '../../parts/time.js';
import { listAddress } from '../deliveries/filters.js';

/** From this number on the API does not count the deliveries that wait. */
const MAX_COUNTED = 10_000;

export function Breaker({ subscription: { id, breaker } }: { subscription: Subscription }) {
  const { client } = useSession();
  const cache = useQueryClient();
  const close = useMutation({
    mutationFn: () => unwrap(client.POST('/v1/subscriptions/{id}/breaker/close', { params: { path: { id } } })),
    onSuccess: () => cache.invalidateQueries({ queryKey: ['subscription', id] }),
  });
  if (!breaker) return close.error ? <Failure error={close.error} /> : null;
  const { state, since, attempts, failures, failedProbes, nextProbeAt, atOnce, waiting = 0 } = breaker;
  const count = `${waiting >= MAX_COUNTED ? 'At least ' : ''}${counted(waiting, 'delivery waits', 'deliveries wait')}`;
  return (
    <Alert variant="light" color="yellow" role="note" title={`Circuit breaker ${state}`}>
      <p>
        {failures} of {counted(attempts, 'attempt')} failed, so it opened <Moment at={since} />.{' '}
        <Link href={listAddress({ subscriptionId: id, state: 'paused' })}>{count}</Link> and{' '}
        {waiting === 1 ? 'keeps its' : 'keep their'} position of the schedule.
      </p>
      <p>
        {nextProbeAt ? (
          <>
            Next probe: <Moment at={nextProbeAt} />
          </>
        ) : (
          `Deliveries are tried, ${counted(atOnce, 'at once', 'at once')}`
        )}
        {failedProbes > 0 && `, after ${counted(failedProbes, 'failed probe')}`}.
      </p>
      <div className="row">
        <Button size="xs" variant="default" loading={close.isPending} onClick={() => close.mutate()}>
          Close and send
        </Button>
      </div>
      {close.error && <Failure error={close.error} />}
    </Alert>
  );
}
