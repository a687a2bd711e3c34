/** What receivers of each provider can rely on. */
import { Link, Redirect } from 'wouter';
import { useContracts } from '../../api/accounts.js';
import { useSession } from '../../api/session.js';
import type { Contract } from '../../api/shapes.js';
import { Fact, Facts } from '../../parts/facts.js';
import { Empty, Failure, Loading, PageHead } from '../../parts/page.js';
import { Section } from '../../parts/section.js';
import columns from '../../parts/columns.module.css';
import styles from './contracts-page.module.css';
import { Events } from './events.js';
import { Schedules } from './schedules.js';
import { VerifyTool } from './verify-tool.js';

export function ContractsPage({ provider }: { provider: string | undefined }) {
  const { me } = useSession();
  const { data, error, refetch } = useContracts();
  if (!data)
    return (
      <div className="stack">
        <PageHead title="Contracts" />
        {error ? <Failure error={error} retry={() => void refetch()} /> : <Loading lines={8} />}
      </div>
    );
  const preferred = data.find((contract) => contract.provider === me.account?.provider) ?? data[0];
  if (provider === undefined && preferred) return <Redirect to={`/contracts/${preferred.provider}`} replace />;
  const contract = data.find((one) => one.provider === provider);
  return (
    <div className="stack">
      <PageHead title="Contracts" />
      <nav aria-label="Providers" className={styles.tabs}>
        {data.map((one) => (
          <Link
            key={one.provider}
            href={`/contracts/${one.provider}`}
            className={styles.tab}
            aria-current={one === contract ? 'page' : undefined}
          >
            {one.title}
          </Link>
        ))}
      </nav>
      {contract ? (
        <OneContract key={contract.provider} contract={contract} />
      ) : (
        <Empty title="No such provider">Choose one of those above.</Empty>
      )}
    </div>
  );
}

function OneContract({ contract }: { contract: Contract }) {
  const { title, summary, accepted, signature } = contract;
  return (
    <>
      <Section title={title}>
        <p>{summary}</p>
        <Facts>
          <Fact name="Accepted">{accepted}</Fact>
          <Fact name="Signature">{signature.description}</Fact>
          {signature.headers.length > 0 && (
            <Fact name={signature.headers.length === 1 ? 'Header' : 'Headers'}>
              <span className="mono">{signature.headers.join(', ')}</span>
            </Fact>
          )}
        </Facts>
      </Section>
      <Schedules contract={contract} />
      <div className={columns.columns}>
        <Events contract={contract} />
        <VerifyTool contract={contract} />
      </div>
    </>
  );
}
