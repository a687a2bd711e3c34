/** Subscriptions as rows. */
import { Link } from 'wouter';
import type { Subscription } from '../../api/shapes.js';
import { Table } from '../../parts/table.js';
import { Ago } from '../../parts/time.js';
import { EnabledBadge } from './enabled-badge.js';

export function SubscriptionTable({ subscriptions }: { subscriptions: readonly Subscription[] }) {
  return (
    <Table caption="Subscriptions, the newest first" head={['Receiver', 'Events', 'State', 'Created']}>
      {subscriptions.map((subscription) => (
        <tr key={subscription.id}>
          <td>
            <Link href={`/subscriptions/${subscription.id}`}>{subscription.url ?? 'polled'}</Link>
            {subscription.description && <div className="muted">{subscription.description}</div>}
          </td>
          <td>{subscription.eventTypes.length === 0 ? 'all' : subscription.eventTypes.join(', ')}</td>
          <td>
            <EnabledBadge subscription={subscription} failingSince={subscription.health?.failingSince} />
            {subscription.disabledReason && <div className="muted">{subscription.disabledReason}</div>}
          </td>
          <td>
            <Ago at={subscription.createdAt} />
          </td>
        </tr>
      ))}
    </Table>
  );
}
