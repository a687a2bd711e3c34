/** The subscriptions that fail most, and those that are disabled because of their receiver. */
import { Link } from 'wouter';
import { outcomeText } from '../../../../src/client/outcome-text.js';
import type { Overview } from '../../api/shapes.js';
import { count, percent } from '../../parts/format.js';
import { Empty } from '../../parts/page.js';
import { Section } from '../../parts/section.js';
import { Table } from '../../parts/table.js';
import { EnabledBadge } from '../subscriptions/enabled-badge.js';

export function WorstSubscriptions({ subscriptions }: { subscriptions: Overview['worstSubscriptions'] }) {
  return (
    <Section title="Subscriptions that fail most or are disabled">
      {subscriptions.length === 0 ? (
        <Empty title="None fails">
          No attempt of this period has failed, and none is disabled because of its receiver.
        </Empty>
      ) : (
        <Table
          caption="Subscriptions that fail most or are disabled"
          head={['Receiver', 'Provider', 'Failed attempts', 'Rate', 'Last response', 'State']}
          numbers={['Failed attempts', 'Rate']}
        >
          {subscriptions.map((worst) => (
            <tr key={worst.subscriptionId}>
              <td>
                <Link href={`/subscriptions/${worst.subscriptionId}`}>{worst.url}</Link>
              </td>
              <td>{worst.provider}</td>
              <td data-number>
                {count(worst.failures)} of {count(worst.attempts)}
              </td>
              <td data-number>{worst.failureRate === null ? '–' : percent(worst.failureRate)}</td>
              <td>{outcomeText({ status: worst.lastStatus, reason: worst.lastReason }) || '–'}</td>
              <td>
                <EnabledBadge subscription={worst} failingSince={worst.failingSince} />
                {worst.disabledReason && <div className="muted">{worst.disabledReason}</div>}
              </td>
            </tr>
          ))}
        </Table>
      )}
    </Section>
  );
}
