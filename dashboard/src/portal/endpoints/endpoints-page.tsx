/** The endpoints of a customer. */
import { Button } from '@mantine/core';
import { Link } from 'wouter';
import type { ListedSubscription } from '../../api/shapes.js';
import { Empty, Failure, Loading, PageHead } from '../../parts/page.js';
import { counted, shortUrl } from '../../parts/format.js';
import { capital, useWords, type Words } from '../../parts/words.js';
import { useCan, useEndpoints } from '../access.js';
import styles from './endpoints-page.module.css';
import { HealthBadge } from './health-badge.js';

/** Event types that are named in a row. */
const NAMED = 4;

export function EndpointsPage() {
  const words = useWords();
  const { data, error, refetch } = useEndpoints();
  const mayManage = useCan('manage_subscriptions');
  return (
    <div className="stack">
      <PageHead title={capital(words.endpoints)}>
        {mayManage && (
          <Button size="xs" component={Link} href="/endpoints/new">
            New {words.endpoint}
          </Button>
        )}
      </PageHead>
      {!data && (error ? <Failure error={error} retry={() => void refetch()} /> : <Loading lines={6} />)}
      {data?.length === 0 && (
        <Empty title={`No ${words.endpoints}`}>
          {mayManage ? `Create one, and its URL receives your ${words.events}.` : `None has been created yet.`}
        </Empty>
      )}
      {data && data.length > 0 && <EndpointList endpoints={data} />}
    </div>
  );
}

function EndpointList({ endpoints }: { endpoints: readonly ListedSubscription[] }) {
  const words = useWords();
  return (
    <ul className={`panel ${styles.list}`} aria-label={`${capital(words.endpoints)}, the newest first`}>
      {endpoints.map((endpoint) => (
        <li key={endpoint.id} className={styles.row}>
          <div>
            <Link href={`/endpoints/${endpoint.id}`}>{shortUrl(endpoint.url)}</Link>
            {endpoint.description && <p className="muted">{endpoint.description}</p>}
          </div>
          <p className={styles.types}>{typesOf(endpoint, words)}</p>
          <p className={styles.state}>
            <HealthBadge endpoint={endpoint} />
          </p>
        </li>
      ))}
    </ul>
  );
}

/** Of many types the first are named. */
function typesOf({ eventTypes }: ListedSubscription, { event, events }: Words): string {
  if (eventTypes.length === 0) return `all ${events}`;
  const more = eventTypes.length - NAMED;
  return `${eventTypes.slice(0, NAMED).join(', ')}${more > 0 ? ` and ${counted(more, `${event} type`)} more` : ''}`;
}
