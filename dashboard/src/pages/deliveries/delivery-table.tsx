/** Deliveries as rows; on a narrow screen each is a card. */
import { Link } from 'wouter';
import { useSession } from '../../api/session.js';
import type { Delivery } from '../../api/shapes.js';
import { count } from '../../parts/format.js';
import { StateBadge } from '../../parts/state-badge.js';
import { Ago } from '../../parts/time.js';
import styles from './delivery-table.module.css';

interface Props {
  readonly deliveries: readonly Delivery[];
  readonly caption?: string;
}

export function DeliveryTable({ deliveries, caption = 'Deliveries, the newest first' }: Props) {
  return (
    <div className={`panel ${styles.frame}`}>
      <table className={styles.table}>
        <caption className="hidden">{caption}</caption>
        <thead>
          <tr>
            <th scope="col">State</th>
            <th scope="col">Event</th>
            <th scope="col">Receiver</th>
            <th scope="col">Attempts</th>
            <th scope="col">Response</th>
            <th scope="col">Next</th>
            <th scope="col">Created</th>
          </tr>
        </thead>
        <tbody>
          {deliveries.map((delivery) => (
            <Row key={delivery.id} delivery={delivery} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ delivery }: { delivery: Delivery }) {
  const { me } = useSession();
  const { id, state, type, provider, attemptCount, nextAttemptAt, createdAt } = delivery;
  return (
    <tr data-delivery={id}>
      <td className={styles.state}>
        <StateBadge state={state} />
      </td>
      <td className={styles.event}>
        <Link href={`/deliveries/${id}`} className={styles.link}>
          {type}
        </Link>
        <span className={styles.provider}>{provider}</span>
      </td>
      <td className={styles.receiver}>
        <span className={styles.url} title={delivery.url ?? delivery.subscriptionId}>
          {shortUrl(delivery.url ?? delivery.subscriptionId)}
        </span>
        {!me.account && <span className={styles.account}>{delivery.accountName ?? delivery.accountId}</span>}
      </td>
      <td className={styles.attempts}>
        <span className="number">{count(attemptCount)}</span>
        <span className={styles.unit}> {attemptCount === 1 ? 'attempt' : 'attempts'}</span>
      </td>
      <td className={styles.response}>
        <LastResponse delivery={delivery} />
      </td>
      <td className={styles.next}>{nextAttemptAt ? <Ago at={nextAttemptAt} /> : <span className="muted">–</span>}</td>
      <td className={styles.created}>
        <Ago at={createdAt} />
      </td>
    </tr>
  );
}

/** The status, or the word for why there was none. */
export function LastResponse({ delivery: { lastStatus, lastReason } }: { delivery: Delivery }) {
  if (lastStatus !== null) return <span className="mono">{lastStatus}</span>;
  return <span className={lastReason ? 'mono' : 'muted'}>{lastReason ?? '–'}</span>;
}

function shortUrl(url: string): string {
  return url.replace(/^https?:\/\//, '');
}
