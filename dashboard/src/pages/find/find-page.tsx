/** What a text or id finds, by kind. An id of one thing leads to its page at once. */
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Link, Redirect, useSearchParams } from 'wouter';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import type { SearchResults } from '../../api/shapes.js';
import { Identifier } from '../../parts/copy.js';
import { count, counted } from '../../parts/format.js';
import { Empty, Failure, Loading, PageHead } from '../../parts/page.js';
import { Section } from '../../parts/section.js';
import { Table } from '../../parts/table.js';
import { Moment } from '../../parts/time.js';
import { DeliveryTable } from '../deliveries/delivery-table.js';
import { listAddress } from '../deliveries/filters.js';
import { EventTable } from '../events/event-table.js';
import { SubscriptionTable } from '../subscriptions/subscription-table.js';

export function FindPage() {
  const [search] = useSearchParams();
  const q = search.get('q')?.trim() ?? '';
  return (
    <div className="stack">
      <PageHead title={q === '' ? 'Find' : `Find “${q}”`} />
      {q === '' ? (
        <Empty title="Enter what you look for">
          An id, the message id that a receiver reads in a header, a part of an event type, URL or account name, or a
          value in the payload. The key / leads to the search from anywhere.
        </Empty>
      ) : (
        <Found key={q} q={q} />
      )}
    </div>
  );
}

function Found({ q }: { q: string }) {
  const { client } = useSession();
  const { data, error, refetch } = useQuery({
    queryKey: ['find', q],
    queryFn: ({ signal }) => unwrap(client.GET('/v1/search', { params: { query: { q } }, signal })),
  });
  if (error) return <Failure error={error} retry={() => void refetch()} />;
  if (!data) return <Loading lines={8} />;
  const only = onlyPage(data);
  if (only !== undefined) return <Redirect to={only} replace />;
  return <Results q={q} found={data} />;
}

/** The page of the only thing that an id stands for; undefined for a text. */
function onlyPage({ accounts, subscriptions, events, deliveries, searched }: SearchResults): string | undefined {
  if (searched !== null) return undefined;
  const pages = [
    ...events.map(({ id }) => `/events/${id}`),
    ...(events.length === 0 ? deliveries.map(({ id }) => `/deliveries/${id}`) : []),
    ...subscriptions.map(({ id }) => `/subscriptions/${id}`),
    ...accounts.map(({ id }) => `/accounts/${id}`),
  ];
  return pages.length === 1 ? pages[0] : undefined;
}

function Results({ q, found }: { q: string; found: SearchResults }) {
  const { accounts, subscriptions, hosts, eventTypes, events, deliveries, searched } = found;
  const isEmpty = [accounts, subscriptions, hosts, eventTypes, events, deliveries].every(({ length }) => length === 0);
  return (
    <>
      {isEmpty && (
        <Empty title="Nothing found">
          {searched
            ? 'Payloads are compared letter by letter, as they were sent. Encrypted ones are not searched.'
            : 'No id of yours is this one.'}
        </Empty>
      )}
      <Shortcuts {...found} />
      {deliveries.length > 0 && (
        <Part title="Deliveries" all={<Link href={listAddress({ q })}>All deliveries with this text</Link>}>
          <DeliveryTable deliveries={deliveries} caption="Deliveries that were found" />
        </Part>
      )}
      {events.length > 0 && (
        <Part
          title="Events"
          all={<Link href={`/events?${new URLSearchParams({ q })}`}>All events with this text</Link>}
        >
          <EventTable events={events} caption="Events that were found" />
        </Part>
      )}
      {subscriptions.length > 0 && (
        <Part
          title="Subscriptions"
          all={<Link href={`/subscriptions?${new URLSearchParams({ q })}`}>All subscriptions with this text</Link>}
        >
          <SubscriptionTable subscriptions={subscriptions} caption="Subscriptions that were found" />
        </Part>
      )}
      {accounts.length > 0 && <Accounts accounts={accounts} />}
      {searched && <Searched q={q} searched={searched} />}
    </>
  );
}

function Part({ title, all, children }: { title: string; all: ReactNode; children: ReactNode }) {
  return (
    <Section title={title} beside={all}>
      {children}
    </Section>
  );
}

/** Links to lists of deliveries. */
function Shortcuts({ hosts, eventTypes }: Pick<SearchResults, 'hosts' | 'eventTypes'>) {
  if (hosts.length + eventTypes.length === 0) return null;
  return (
    <Section title="Deliveries by host or event type">
      <ul className="stack">
        {hosts.map(({ host, subscriptions }) => (
          <li key={host}>
            <Link href={listAddress({ host })}>All deliveries to {host}</Link>{' '}
            <span className="muted">({counted(subscriptions, 'subscription')})</span>
          </li>
        ))}
        {eventTypes.map((type) => (
          <li key={type}>
            <Link href={listAddress({ type })}>All deliveries of {type}</Link>
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Accounts({ accounts }: Pick<SearchResults, 'accounts'>) {
  return (
    <Section title="Accounts">
      <Table caption="Accounts that were found" head={['Name', 'Provider', 'Own id', 'Id']}>
        {accounts.map(({ id, name, provider, externalId }) => (
          <tr key={id}>
            <td>
              <Link href={`/accounts/${id}`}>{name}</Link>
            </td>
            <td>{provider}</td>
            <td>{externalId ?? '–'}</td>
            <td>
              <Identifier value={id} />
            </td>
          </tr>
        ))}
      </Table>
    </Section>
  );
}

/** How far payloads were searched. */
function Searched({ q, searched }: { q: string; searched: NonNullable<SearchResults['searched']> }) {
  if (searched.since === null)
    return <p className="muted">Searched the payloads of all {count(searched.events)} events.</p>;
  return (
    <p className="muted">
      Searched the payloads of the newest {counted(searched.events, 'event')}, back to <Moment at={searched.since} />.{' '}
      <Link href={`/events?${new URLSearchParams({ q })}`}>Search older ones</Link>
    </p>
  );
}
