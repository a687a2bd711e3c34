/** One event: its payload and what became of it, also when nobody took it. */
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import type { EventDetail } from '../../api/shapes.js';
import columns from '../../parts/columns.module.css';
import { Identifier } from '../../parts/copy.js';
import { Fact, Facts } from '../../parts/facts.js';
import { nextPage, Older } from '../../parts/older.js';
import { Empty, Failure, Loading, PageHead } from '../../parts/page.js';
import { Section } from '../../parts/section.js';
import { Moment } from '../../parts/time.js';
import { DeliveryTable } from '../deliveries/delivery-table.js';
import { EventPayload } from '../delivery/messages.js';

const PER_PAGE = 50;

export function EventPage({ id }: { id: string }) {
  const { client } = useSession();
  const { data, error, refetch } = useQuery({
    queryKey: ['event', id, 'facts'],
    queryFn: ({ signal }) => unwrap(client.GET('/v1/events/{id}', { params: { path: { id } }, signal })),
  });
  if (!data)
    return (
      <div className="stack">
        <PageHead title="Event" />
        {error ? <Failure error={error} retry={() => void refetch()} /> : <Loading lines={8} />}
      </div>
    );
  return (
    <div className="stack">
      <PageHead title={data.type} beside={<span className="muted">event</span>} />
      <Deliveries event={data} />
      <div className={columns.columns}>
        <EventPayload eventId={id} />
        <About event={data} />
      </div>
    </div>
  );
}

function Deliveries({ event: { id, accountId } }: { event: EventDetail }) {
  const { client } = useSession();
  const list = useInfiniteQuery({
    queryKey: ['deliveries', 'event', id],
    queryFn: ({ pageParam, signal }) =>
      unwrap(
        client.GET('/v1/deliveries', {
          params: { query: { eventId: id, limit: PER_PAGE, cursor: pageParam } },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: nextPage,
  });
  const rows = list.data?.pages.flatMap(({ data }) => data);
  if (list.error) return <Failure error={list.error} retry={() => void list.refetch()} />;
  if (!rows) return <Loading />;
  if (rows.length === 0)
    return (
      <Empty title="No deliveries">
        When it was accepted, no enabled subscription of the account received this event, or only such as are polled.
        See <Link href={`/subscriptions?accountId=${accountId}`}>the subscriptions of the account</Link>: their event
        types, channels and filters decide.
      </Empty>
    );
  return (
    <>
      <DeliveryTable deliveries={rows} caption="Deliveries of the event" />
      <Older list={list} />
    </>
  );
}

function About({ event }: { event: EventDetail }) {
  return (
    <Section title="About">
      <Facts>
        <Fact name="Event">
          <Identifier value={event.id} />
        </Fact>
        {event.messageId !== null && (
          <Fact name={event.messageIdHeader ?? 'Message id'}>
            <Identifier value={event.messageId} />
          </Fact>
        )}
        <Fact name="Account">
          <Link href={`/accounts/${event.accountId}`}>{event.accountName}</Link> ({event.provider})
        </Fact>
        {event.occurredAt && (
          <Fact name="Occurred">
            <Moment at={event.occurredAt} />
          </Fact>
        )}
        <Fact name="Accepted">
          <Moment at={event.createdAt} />
        </Fact>
        {event.channels && event.channels.length > 0 && <Fact name="Channels">{event.channels.join(', ')}</Fact>}
        {event.erasedAt !== null && (
          <Fact name="Erased">
            <Moment at={event.erasedAt} />
          </Fact>
        )}
      </Facts>
    </Section>
  );
}
