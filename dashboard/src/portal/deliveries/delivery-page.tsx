/** One delivery: every attempt, the request as it was sent, the response, and sending it again. */
import { Alert } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import type { DeliveryDetail } from '../../api/shapes.js';
import { Attempts } from '../../pages/delivery/attempts.js';
import { RequestAsSent } from '../../pages/delivery/messages.js';
import { Schedule } from '../../pages/delivery/schedule.js';
import { Identifier } from '../../parts/copy.js';
import { Fact, Facts } from '../../parts/facts.js';
import { shortUrl } from '../../parts/format.js';
import { Failure, Loading, PageHead } from '../../parts/page.js';
import { Section } from '../../parts/section.js';
import { StateBadge } from '../../parts/state-badge.js';
import { Moment } from '../../parts/time.js';
import { capital, inWords, useWords } from '../../parts/words.js';
import { useCan } from '../access.js';
import columns from '../../parts/columns.module.css';
import { EventData } from './event-data.js';
import { SendAgain } from './send-again.js';

/** How often it is read again, in milliseconds: while an attempt may come soon, and otherwise. */
const RENEW_MS = { open: 2_000, ended: 15_000 } as const;

export function PortalDeliveryPage({ id }: { id: string }) {
  const words = useWords();
  const { client } = useSession();
  const maySend = useCan('send_again');
  const { data, error, refetch } = useQuery({
    queryKey: ['delivery', id],
    queryFn: ({ signal }) => unwrap(client.GET('/v1/deliveries/{id}', { params: { path: { id } }, signal })),
    refetchInterval: ({ state: { data: shown } }) => RENEW_MS[shown?.settledAt === null ? 'open' : 'ended'],
  });
  if (!data)
    return (
      <div className="stack">
        <PageHead title={capital(words.delivery)} />
        {error ? <Failure error={error} retry={() => void refetch()} /> : <Loading lines={8} />}
      </div>
    );
  return (
    <div className="stack">
      <PageHead title={data.type} beside={<StateBadge state={data.state} />} />
      {maySend && <SendAgain delivery={data} />}
      {data.stateReason && (
        <Alert variant="light" color={data.state === 'failed' ? 'red' : 'yellow'} role="note">
          {inWords(data.stateReason, words)}
        </Alert>
      )}
      <div className={columns.columns}>
        <div className="stack">
          <Schedule delivery={data} />
          <Attempts delivery={data} />
        </div>
        <div className="stack">
          <About delivery={data} />
          <EventData id={data.eventId} />
          <RequestAsSent delivery={data} />
        </div>
      </div>
    </div>
  );
}

function About({ delivery }: { delivery: DeliveryDetail }) {
  const words = useWords();
  const { id, eventId, subscriptionId, url, createdAt, settledAt } = delivery;
  return (
    <Section title="About">
      <Facts>
        <Fact name={capital(words.delivery)}>
          <Identifier value={id} />
        </Fact>
        <Fact name={capital(words.event)}>
          <Identifier value={eventId} />
        </Fact>
        <Fact name={capital(words.endpoint)}>
          <Link href={`/endpoints/${subscriptionId}`}>{shortUrl(url)}</Link>
        </Fact>
        <Fact name="Created">
          <Moment at={createdAt} />
        </Fact>
        {settledAt && (
          <Fact name="Ended">
            <Moment at={settledAt} />
          </Fact>
        )}
      </Facts>
    </Section>
  );
}
