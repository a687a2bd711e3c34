/** Subscriptions as rows. */
import { Link } from 'wouter';
import { useSession } from '../../api/session.js';
import type { ListedSubscription } from '../../api/shapes.js';
import { Rows } from '../../parts/rows.js';
import { Table } from '../../parts/table.js';
import { Ago } from '../../parts/time.js';
import { EnabledBadge } from './enabled-badge.js';

interface Props {
  readonly subscriptions: readonly ListedSubscription[];
  readonly caption?: string;
}

export function SubscriptionTable({ subscriptions, caption = 'Subscriptions, the newest first' }: Props) {
  const { me } = useSession();
  const head = ['Receiver', ...(me.account ? [] : ['Account']), 'Events', 'State', 'Created'];
  return (
    <Table caption={caption} head={head}>
      <Rows
        rows={subscriptions}
        columns={head.length}
        render={(subscription, place) => (
          <tr key={subscription.id} {...place}>
            <td>
              <Link href={`/subscriptions/${subscription.id}`}>{subscription.url ?? 'polled'}</Link>
              {subscription.description && <div className="muted">{subscription.description}</div>}
            </td>
            {!me.account && (
              <td>
                <Link href={`/accounts/${subscription.accountId}`}>{subscription.accountName}</Link>{' '}
                <span className="muted">{subscription.provider}</span>
              </td>
            )}
            <td>{subscription.eventTypes.length === 0 ? 'all' : subscription.eventTypes.join(', ')}</td>
            <td>
              <EnabledBadge subscription={subscription} failingSince={subscription.health?.failingSince} />
              {subscription.disabledReason && <div className="muted">{subscription.disabledReason}</div>}
            </td>
            <td>
              <Ago at={subscription.createdAt} />
            </td>
          </tr>
        )}
      />
    </Table>
  );
}
