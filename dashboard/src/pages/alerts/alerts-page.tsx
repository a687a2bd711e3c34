/** Alerts to people: the rules, and what they have raised. */
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import type { Alert } from '../../api/shapes.js';
import { Older } from '../../parts/older.js';
import { Empty, Failure, Loading, PageHead } from '../../parts/page.js';
import { Section } from '../../parts/section.js';
import { Table } from '../../parts/table.js';
import { Ago } from '../../parts/time.js';
import { Rules } from './rules.js';
import { CONDITIONS, messageText } from './texts.js';

/** How often the list is renewed, in milliseconds. */
const RENEW_MS = 10_000;

export function AlertsPage() {
  return (
    <div className="stack">
      <PageHead title="Alerts" />
      <Rules />
      <Raised />
    </div>
  );
}

function Raised() {
  const { client } = useSession();
  const list = useInfiniteQuery({
    queryKey: ['alerts'],
    queryFn: ({ pageParam, signal }) =>
      unwrap(client.GET('/v1/alerts', { params: { query: { cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined,
    refetchInterval: RENEW_MS,
  });
  const rows = list.data?.pages.flatMap(({ data }) => data);
  return (
    <Section title="Recent alerts">
      {list.error && <Failure error={list.error} retry={() => void list.refetch()} />}
      {list.isPending && <Loading lines={4} />}
      {rows?.length === 0 && <Empty title="No alerts">No rule has raised one.</Empty>}
      {rows && rows.length > 0 && (
        <Table
          caption="Alerts, the newest first"
          head={['Rule', 'What', 'About', 'Account', 'Since', 'Until', 'Message']}
        >
          {rows.map((alert) => (
            <Row key={alert.id} alert={alert} />
          ))}
        </Table>
      )}
      <Older list={list} />
    </Section>
  );
}

function Row({ alert }: { alert: Alert }) {
  const { ruleName, condition, subscriptionId, accountId, accountName, url, since, until } = alert;
  return (
    <tr>
      <td>{ruleName}</td>
      <td>{CONDITIONS[condition]}</td>
      <td>
        {subscriptionId === null ? (
          'backlog'
        ) : (
          <Link href={`/subscriptions/${subscriptionId}`}>{url ?? subscriptionId}</Link>
        )}
      </td>
      <td>
        {accountId === null ? (
          <span className="muted">all</span>
        ) : (
          <Link href={`/accounts/${accountId}`}>{accountName ?? accountId}</Link>
        )}
      </td>
      <td>
        <Ago at={since} />
      </td>
      <td>{until === null ? 'lasts' : <Ago at={until} />}</td>
      <td>{messageText(alert)}</td>
    </tr>
  );
}
