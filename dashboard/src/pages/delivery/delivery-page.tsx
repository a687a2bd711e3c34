/** One delivery: its event, every attempt, the attempts to come, and the commands it accepts. */
import { useQuery } from '@tanstack/react-query';
import { Alert } from '@mantine/core';
import { Link } from 'wouter';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import type { DeliveryDetail } from '../../api/shapes.js';
import { useDeliveryStream } from '../../api/stream.js';
import { Identifier } from '../../parts/copy.js';
import { Fact, Facts } from '../../parts/facts.js';
import { counted } from '../../parts/format.js';
import { Failure, Loading, PageHead } from '../../parts/page.js';
import { Section } from '../../parts/section.js';
import { StateBadge } from '../../parts/state-badge.js';
import { Moment } from '../../parts/time.js';
import { Attempts } from './attempts.js';
import columns from '../../parts/columns.module.css';
import { EventPayload, RequestAsSent } from './messages.js';
import { CommandButtons } from './command-buttons.js';
import { Schedule } from './schedule.js';

export function DeliveryPage({ id }: { id: string }) {
  const { client } = useSession();
  const queryKey = ['delivery', id];
  const { data, error, refetch } = useQuery({
    queryKey,
    queryFn: ({ signal }) => unwrap(client.GET('/v1/deliveries/{id}', { params: { path: { id } }, signal })),
  });
  useDeliveryStream({ subscriptionId: data?.subscriptionId }, data !== undefined, {
    changed: (deliveries) => {
      if (deliveries.some((delivery) => delivery.id === id)) void refetch();
    },
    reset: () => void refetch(),
  });
  if (!data)
    return (
      <div className="stack">
        <PageHead title="Delivery" />
        {error ? <Failure error={error} retry={() => void refetch()} /> : <Loading lines={8} />}
      </div>
    );
  return (
    <div className="stack">
      <PageHead title={data.type} beside={<StateBadge state={data.state} />}>
        <CommandButtons delivery={data} />
      </PageHead>
      {error && <Failure error={error} retry={() => void refetch()} />}
      {data.stateReason && (
        <Alert variant="light" color={data.state === 'failed' ? 'red' : 'yellow'} role="note">
          {data.stateReason}
        </Alert>
      )}
      <div className={columns.columns}>
        <div className="stack">
          <Schedule delivery={data} />
          <Attempts delivery={data} />
        </div>
        <div className="stack">
          <About delivery={data} />
          <EventPayload eventId={data.eventId} />
          <RequestAsSent delivery={data} />
        </div>
      </div>
    </div>
  );
}

function About({ delivery }: { delivery: DeliveryDetail }) {
  const { accountId, subscriptionId, workflow } = delivery;
  return (
    <Section title="About">
      <Facts>
        <Fact name="Delivery">
          <Identifier value={delivery.id} />
        </Fact>
        <Fact name="Event">
          <Link href={`/events/${delivery.eventId}`} className="mono">
            {delivery.eventId}
          </Link>
        </Fact>
        <Fact name="Receiver">
          <Link href={`/subscriptions/${subscriptionId}`}>{delivery.url}</Link>
        </Fact>
        <Fact name="Account">
          <Link href={`/accounts/${accountId}`}>{delivery.accountName ?? accountId}</Link> ({delivery.provider})
        </Fact>
        <Fact name="Created">
          <Moment at={delivery.createdAt} />
        </Fact>
        {delivery.deliverAt && (
          <Fact name="Not before">
            <Moment at={delivery.deliverAt} />
          </Fact>
        )}
        {delivery.expiresAt && (
          <Fact name="Expires">
            <Moment at={delivery.expiresAt} />
          </Fact>
        )}
        {delivery.supersedes && <Fact name="Superseded by key">{delivery.supersedes}</Fact>}
        {delivery.priority !== 'normal' && <Fact name="Priority">{delivery.priority}</Fact>}
        {delivery.settledAt && (
          <Fact name="Ended">
            <Moment at={delivery.settledAt} />
          </Fact>
        )}
        {(delivery.waitsForBatch || delivery.batchId !== null || delivery.batchEvents !== null) && (
          <Fact name="Batch">
            {delivery.waitsForBatch && 'waits for other events'}
            {delivery.batchId !== null && <Link href={`/deliveries/${delivery.batchId}`}>sent with others</Link>}
            {delivery.batchEvents !== null && `${delivery.batchEvents} events`}
          </Fact>
        )}
        {delivery.orderingKey !== null && (
          <Fact name="Ordering key">
            {delivery.orderingKey}
            {delivery.blockedBy !== null && (
              <>
                {' '}
                (waits for an <Link href={`/deliveries/${delivery.blockedBy}`}>earlier delivery</Link>)
              </>
            )}
          </Fact>
        )}
        {delivery.redeliveries > 0 && <Fact name="Redelivered">{counted(delivery.redeliveries, 'time')}</Fact>}
        <Fact name="Workflow">
          {workflow.url ? (
            <a href={workflow.url} target="_blank" rel="noreferrer">
              See it in Temporal
            </a>
          ) : (
            <Identifier value={workflow.id} />
          )}
        </Fact>
      </Facts>
    </Section>
  );
}
