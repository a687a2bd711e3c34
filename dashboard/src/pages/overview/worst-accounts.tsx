/** The accounts whose attempts fail most; each leads to its own overview. */
import { Link } from 'wouter';
import type { Overview } from '../../api/shapes.js';
import { count, percent } from '../../parts/format.js';
import { Section } from '../../parts/section.js';
import { Table } from '../../parts/table.js';

const NUMBERS = ['Failed attempts', 'Rate', 'Open, failed before', 'Deliveries'];

export function WorstAccounts({ accounts }: { accounts: Overview['worstAccounts'] }) {
  if (accounts.length === 0) return null;
  return (
    <Section title="Accounts that fail most">
      <Table caption="Accounts that fail most" head={['Account', 'Provider', ...NUMBERS]} numbers={NUMBERS}>
        {accounts.map(
          ({ accountId, name, provider, failures, attempts, failureRate, openAfterFailure, deliveries }) => (
            <tr key={accountId}>
              <td>
                <Link href={`/overview?accountId=${accountId}`}>{name}</Link>
              </td>
              <td>{provider}</td>
              <td data-number>
                {count(failures)} of {count(attempts)}
              </td>
              <td data-number>{percent(failureRate)}</td>
              <td data-number>{count(openAfterFailure)}</td>
              <td data-number>{count(deliveries)}</td>
            </tr>
          ),
        )}
      </Table>
    </Section>
  );
}
