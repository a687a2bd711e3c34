/** One account: its ids, its keys and what an operator chooses for it. */
import { Button } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from 'wouter';
import { unwrap } from '../../../../src/client/client.js';
import { useContract } from '../../api/accounts.js';
import { useSession } from '../../api/session.js';
import type { AccountDetail } from '../../api/shapes.js';
import { Identifier } from '../../parts/copy.js';
import { Fact, Facts } from '../../parts/facts.js';
import { Failure, Loading, PageHead } from '../../parts/page.js';
import { PauseButton, PauseNote } from '../../parts/pause.js';
import { Section } from '../../parts/section.js';
import { Moment } from '../../parts/time.js';
import { listAddress } from '../deliveries/filters.js';
import columns from '../../parts/columns.module.css';
import { Choices } from './choices.js';
import { DeleteAccount } from './delete-account.js';
import { Keys } from './keys.js';

export function AccountPage({ id }: { id: string }) {
  const { client, me } = useSession();
  const { data, error, refetch } = useQuery({
    queryKey: ['account', id],
    queryFn: ({ signal }) => unwrap(client.GET('/v1/accounts/{id}', { params: { path: { id } }, signal })),
  });
  const isOperator = me.role === 'operator';
  if (!data)
    return (
      <div className="stack">
        <PageHead title="Account" />
        {error ? <Failure error={error} retry={() => void refetch()} /> : <Loading lines={8} />}
      </div>
    );
  return (
    <div className="stack">
      <PageHead title={data.name}>
        <Button size="xs" variant="default" component={Link} href={listAddress({ accountId: id })}>
          Deliveries
        </Button>
        <Button size="xs" variant="default" component={Link} href={`/subscriptions?accountId=${id}`}>
          Subscriptions
        </Button>
        {isOperator && <Pause account={data} />}
        {isOperator && <DeleteAccount account={data} />}
      </PageHead>
      <PauseNote state={data} />
      <div className={columns.columns}>
        <Keys account={data} />
        <div className="stack">
          <About account={data} />
          {isOperator && <Choices account={data} />}
        </div>
      </div>
    </div>
  );
}

function Pause({ account }: { account: AccountDetail }) {
  const { client } = useSession();
  const cache = useQueryClient();
  const request = { params: { path: { id: account.id } } };
  const changed = () => cache.invalidateQueries({ queryKey: ['account', account.id] });
  return (
    <PauseButton
      state={account}
      pause={() => unwrap(client.POST('/v1/accounts/{id}/pause', request)).then(changed)}
      resume={() => unwrap(client.POST('/v1/accounts/{id}/resume', request)).then(changed)}
    />
  );
}

function About({ account: { id, provider, scope, settings, createdAt } }: { account: AccountDetail }) {
  const title = useContract(provider)?.title ?? provider;
  const own = Object.entries({ ...scope, ...settings });
  return (
    <Section title="About">
      <Facts>
        <Fact name="Account">
          <Identifier value={id} />
        </Fact>
        <Fact name="Contract">
          <Link href={`/contracts/${provider}`}>{title}</Link>
        </Fact>
        {own.map(([name, value]) => (
          <Fact key={name} name={name}>
            <span className="mono">{typeof value === 'string' ? value : JSON.stringify(value)}</span>
          </Fact>
        ))}
        <Fact name="Created">
          <Moment at={createdAt} />
        </Fact>
      </Facts>
    </Section>
  );
}
