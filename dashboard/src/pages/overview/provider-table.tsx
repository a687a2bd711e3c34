/** Success and latency by provider. */
import { Link } from 'wouter';
import { useContracts } from '../../api/accounts.js';
import type { Overview } from '../../api/shapes.js';
import { count, percent, took } from '../../parts/format.js';
import { Empty } from '../../parts/page.js';
import { Section } from '../../parts/section.js';
import { Table } from '../../parts/table.js';
import { basis } from './basis.js';
import styles from './provider-table.module.css';

const NUMBERS = ['First attempts', 'Open, failed before', 'Deliveries', 'Attempts', 'p50', 'p95', 'p99'];

export function ProviderTable({ providers }: { providers: Overview['providers'] }) {
  const contracts = useContracts().data ?? [];
  const title = (name: string) => contracts.find(({ provider }) => provider === name)?.title ?? name;
  return (
    <Section title="By provider" beside={<span className="muted">{basis(providers)}</span>}>
      {providers.length === 0 ? (
        <Empty title="No deliveries in this period" />
      ) : (
        <Table
          caption="Success and latency by provider"
          head={['Provider', 'Attempts accepted', ...NUMBERS]}
          numbers={NUMBERS}
        >
          {providers.map(({ provider, deliveries, success, openAfterFailure, attempts, p50Ms, p95Ms, p99Ms }) => (
            <tr key={provider}>
              <td>
                <Link href={`/overview?provider=${provider}`}>{title(provider)}</Link>
              </td>
              <td>
                <SuccessBar rate={success.attempts} />
              </td>
              <td data-number>{success.firstAttempts === null ? '–' : percent(success.firstAttempts)}</td>
              <td data-number>{count(openAfterFailure)}</td>
              <td data-number>{count(deliveries)}</td>
              <td data-number>{count(attempts)}</td>
              {[p50Ms, p95Ms, p99Ms].map((ms, index) => (
                <td key={index} data-number>
                  {ms === null ? '–' : took(ms)}
                </td>
              ))}
            </tr>
          ))}
        </Table>
      )}
    </Section>
  );
}

function SuccessBar({ rate }: { rate: number | null }) {
  if (rate === null) return <span className="muted">–</span>;
  return (
    <span className={styles.success}>
      <span className={styles.bar} aria-hidden="true">
        <span className={styles.part} style={{ width: `${100 * rate}%` }} />
      </span>
      <span className="number">{percent(rate)}</span>
    </span>
  );
}
