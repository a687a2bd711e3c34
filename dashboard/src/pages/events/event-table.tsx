/** Events as rows. */
import { Link } from 'wouter';
import { useSession } from '../../api/session.js';
import type { ListedEvent } from '../../api/shapes.js';
import { Rows } from '../../parts/rows.js';
import { Table } from '../../parts/table.js';
import { Ago } from '../../parts/time.js';

export function EventTable({ events, caption }: { events: readonly ListedEvent[]; caption: string }) {
  const { me } = useSession();
  const head = ['Event', ...(me.account ? [] : ['Account']), 'Deliveries', 'Accepted'];
  return (
    <Table caption={caption} head={head}>
      <Rows
        rows={events}
        columns={head.length}
        render={(event, place) => (
          <tr key={event.id} data-event={event.id} {...place}>
            <td>
              <Link href={`/events/${event.id}`}>{event.type}</Link>
            </td>
            {!me.account && (
              <td>
                {event.accountName} <span className="muted">{event.provider}</span>
              </td>
            )}
            <td>{outcome(event)}</td>
            <td>
              <Ago at={event.createdAt} />
            </td>
          </tr>
        )}
      />
    </Table>
  );
}

/** What became of the event: how many of its deliveries are in which state. */
export function outcome({ deliveries, messages }: Pick<ListedEvent, 'deliveries' | 'messages'>): string {
  const { delivered, failed, cancelled, open } = deliveries;
  const parts = [
    [delivered, 'delivered'],
    [failed, 'failed'],
    [cancelled, 'cancelled'],
    [open, 'open'],
    [messages, 'to be polled'],
  ] as const;
  const some = parts.filter(([number]) => number > 0);
  return some.length === 0 ? 'nobody took it' : some.map(([number, what]) => `${number} ${what}`).join(', ');
}
