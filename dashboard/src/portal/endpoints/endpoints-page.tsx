/** The endpoints of a customer. */
import { Button } from '@mantine/core';
import { Link } from 'wouter';
import type { ListedSubscription } from '../../api/shapes.js';
import { Empty, Failure, Loading, PageHead } from '../../parts/page.js';
import { Table } from '../../parts/table.js';
import { Ago } from '../../parts/time.js';
import { capital, useWords } from '../../parts/words.js';
import { shortUrl, useCan, useEndpoints } from '../access.js';
import { HealthBadge } from './health-badge.js';

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
      {data && data.length > 0 && <EndpointTable endpoints={data} />}
    </div>
  );
}

function EndpointTable({ endpoints }: { endpoints: readonly ListedSubscription[] }) {
  const words = useWords();
  return (
    <Table
      caption={`${capital(words.endpoints)}, the newest first`}
      head={[capital(words.endpoint), capital(words.events), 'State', 'Created']}
    >
      {endpoints.map((endpoint) => (
        <tr key={endpoint.id}>
          <td>
            <Link href={`/endpoints/${endpoint.id}`}>{shortUrl(endpoint.url)}</Link>
            {endpoint.description && <div className="muted">{endpoint.description}</div>}
          </td>
          <td>{endpoint.eventTypes.length === 0 ? 'all' : endpoint.eventTypes.join(', ')}</td>
          <td>
            <HealthBadge endpoint={endpoint} />
          </td>
          <td>
            <Ago at={endpoint.createdAt} />
          </td>
        </tr>
      ))}
    </Table>
  );
}
