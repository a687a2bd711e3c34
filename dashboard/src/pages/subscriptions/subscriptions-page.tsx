/** The subscriptions of an account. */
import { Button } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link, useLocation, useSearchParams } from 'wouter';
import { unwrap } from '../../../../src/client/client.js';
import { useAccounts } from '../../api/accounts.js';
import { useSession } from '../../api/session.js';
import { AccountSelect } from '../../parts/account-select.js';
import { Empty, Failure, Loading, PageHead } from '../../parts/page.js';
import { SubscriptionTable } from './subscription-table.js';

export function SubscriptionsPage() {
  const { me } = useSession();
  const accounts = useAccounts();
  const [search] = useSearchParams();
  const [, navigate] = useLocation();
  const chosen = me.account?.id ?? search.get('accountId') ?? accounts.data?.[0]?.id;
  return (
    <div className="stack">
      <PageHead title="Subscriptions">
        {chosen && (
          <Button size="xs" component={Link} href={`/subscriptions/new/${chosen}`}>
            New subscription
          </Button>
        )}
      </PageHead>
      {accounts.error && <Failure error={accounts.error} retry={() => void accounts.refetch()} />}
      {!me.account && accounts.data && accounts.data.length > 0 && (
        <div>
          <AccountSelect
            accounts={accounts.data}
            value={chosen}
            set={(id) => navigate(id ? `/subscriptions?accountId=${id}` : '/subscriptions')}
          />
        </div>
      )}
      {accounts.data?.length === 0 && (
        <Empty title="No accounts yet">
          Subscriptions belong to an account. <Link href="/accounts">Create one first.</Link>
        </Empty>
      )}
      {accounts.isPending && <Loading />}
      {chosen && <OfAccount key={chosen} accountId={chosen} />}
    </div>
  );
}

function OfAccount({ accountId }: { accountId: string }) {
  const { client } = useSession();
  const list = useInfiniteQuery({
    queryKey: ['subscriptions', accountId],
    queryFn: ({ pageParam, signal }) =>
      unwrap(
        client.GET('/v1/accounts/{id}/subscriptions', {
          params: { path: { id: accountId }, query: { cursor: pageParam } },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined,
  });
  const rows = list.data?.pages.flatMap(({ data }) => data);
  if (list.error) return <Failure error={list.error} retry={() => void list.refetch()} />;
  if (!rows) return <Loading />;
  if (rows.length === 0)
    return (
      <Empty title="No subscriptions">
        Events of this account go nowhere yet.{' '}
        <Link href={`/subscriptions/new/${accountId}`}>Create the first one.</Link>
      </Empty>
    );
  return (
    <>
      <SubscriptionTable subscriptions={rows} />
      {list.hasNextPage && (
        <div>
          <Button variant="default" loading={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>
            Show older ones
          </Button>
        </div>
      )}
    </>
  );
}
