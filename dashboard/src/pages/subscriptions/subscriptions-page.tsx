/** The subscriptions of all accounts, or of one. */
import { Button, NativeSelect } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import { AccountSelect } from '../../parts/account-select.js';
import { useFilters } from '../../parts/filters.js';
import { nextPage, Older } from '../../parts/older.js';
import { Empty, Failure, Loading, PageHead } from '../../parts/page.js';
import { SearchField } from '../../parts/search-field.js';
import { SubscriptionTable } from './subscription-table.js';

const CONDITIONS = ['enabled', 'disabled', 'paused', 'failing'] as const;

export function SubscriptionsPage() {
  const { client, me } = useSession();
  const { given, set } = useFilters();
  const [q, host, accountId] = [given('q'), given('host'), given('accountId')];
  const condition = CONDITIONS.find((each) => each === given('condition'));
  const query = { q, host, accountId, condition };
  const list = useInfiniteQuery({
    queryKey: ['subscriptions', query],
    queryFn: ({ pageParam, signal }) =>
      unwrap(client.GET('/v1/subscriptions', { params: { query: { ...query, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: nextPage,
  });
  const rows = list.data?.pages.flatMap(({ data }) => data);
  const owner = me.account?.id ?? accountId;
  return (
    <div className="stack">
      <PageHead title="Subscriptions">
        <Button
          size="xs"
          component={Link}
          href={owner ? `/subscriptions/new/${owner}` : '/subscriptions'}
          disabled={owner === undefined}
          title={owner === undefined ? 'Choose an account first' : undefined}
        >
          New subscription
        </Button>
      </PageHead>
      <div className="row">
        <SearchField
          label={me.account ? 'URL, description or id' : 'URL, account or id'}
          value={q}
          set={(value) => set('q', value)}
        />
        {!me.account && <AccountSelect value={accountId} set={(value) => set('accountId', value)} />}
        <NativeSelect
          size="xs"
          label="State"
          value={condition ?? ''}
          onChange={(event) => set('condition', event.currentTarget.value || undefined)}
          data={[{ value: '', label: 'any' }, ...CONDITIONS]}
        />
      </div>
      {list.error && <Failure error={list.error} retry={() => void list.refetch()} />}
      {list.isPending && <Loading lines={6} />}
      {rows?.length === 0 && <None isFiltered={[q, host, condition].some(Boolean)} owner={owner} />}
      {rows && rows.length > 0 && <SubscriptionTable subscriptions={rows} />}
      <Older list={list} />
    </div>
  );
}

function None({ isFiltered, owner }: { isFiltered: boolean; owner: string | undefined }) {
  if (isFiltered) return <Empty title="No subscriptions">No subscription matches. Remove a filter.</Empty>;
  if (owner === undefined)
    return (
      <Empty title="No subscriptions">
        Subscriptions belong to an account. <Link href="/accounts">Choose or create one.</Link>
      </Empty>
    );
  return (
    <Empty title="No subscriptions">
      Events of this account go nowhere yet. <Link href={`/subscriptions/new/${owner}`}>Create the first one.</Link>
    </Empty>
  );
}
