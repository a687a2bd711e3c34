/** The list of deliveries: filters in the URL, live changes, bulk actions. */
import { Switch } from '@mantine/core';
import { useInfiniteQuery, useQueryClient, type InfiniteData } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { useLocation, useSearchParams } from 'wouter';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import type { Delivery, DeliveryPage } from '../../api/shapes.js';
import { useDeliveryStream } from '../../api/stream.js';
import { nextPage, Older } from '../../parts/older.js';
import { Empty, Failure, Loading, PageHead } from '../../parts/page.js';
import { ActOnMany } from './bulk.js';
import { DeliveryTable } from './delivery-table.js';
import { FilterBar } from './filter-bar.js';
import { listAddress, readFilters, toQuery, type Filters } from './filters.js';
import { Moment } from '../../parts/time.js';
import { merge } from './merge.js';
import { Views } from './views.js';

const PER_PAGE = 50;

export function DeliveriesPage() {
  const { client } = useSession();
  const [search] = useSearchParams();
  const [, navigate] = useLocation();
  const filters = useMemo(() => readFilters(search), [search]);
  const [live, setLive] = useState(true);
  const [ticked, setTicked] = useState<ReadonlySet<string>>(new Set());
  const queryKey = ['deliveries', filters];
  const list = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) =>
      unwrap(
        client.GET('/v1/deliveries', {
          params: { query: { ...toQuery(filters), limit: PER_PAGE, cursor: pageParam } },
          signal,
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: nextPage,
  });

  const cache = useQueryClient();
  // Not by state: what leaves the list by changing its state must be seen to leave it.
  const { accountId, subscriptionId } = filters;
  // What a text matches, only the API knows.
  const canBeLive = filters.q === undefined;
  const connected = useDeliveryStream({ accountId, subscriptionId }, live && canBeLive, {
    changed: (deliveries: Delivery[]) =>
      void cache.setQueryData<InfiniteData<DeliveryPage, string | undefined>>(
        queryKey,
        (pages) => pages && deliveries.reduce((merged, delivery) => merge(merged, delivery, filters), pages),
      ),
    reset: () => void list.refetch(),
  });

  const rows = list.data?.pages.flatMap(({ data }) => data);
  const searchedSince = list.data?.pages.at(-1)?.searchedSince;
  const apply = (next: Filters) => navigate(listAddress(next), { replace: true });
  return (
    <div className="stack">
      <PageHead title="Deliveries">
        <Switch
          size="sm"
          label={live && canBeLive && !connected ? 'Live (connecting…)' : 'Live'}
          checked={live && canBeLive}
          disabled={!canBeLive}
          onChange={(event) => {
            setLive(event.currentTarget.checked);
            if (event.currentTarget.checked) void list.refetch();
          }}
        />
        <ActOnMany target={{ filters, ticked: (rows ?? []).filter(({ id }) => ticked.has(id)) }} />
      </PageHead>
      <FilterBar filters={filters} apply={apply} />
      <Views filters={filters} apply={apply} />
      {list.error && <Failure error={list.error} retry={() => void list.refetch()} />}
      {list.isPending && <Loading lines={8} />}
      {rows?.length === 0 && <Empty title="No deliveries">{whyEmpty(filters, searchedSince)}</Empty>}
      {rows && rows.length > 0 && <DeliveryTable deliveries={rows} ticked={ticked} setTicked={setTicked} />}
      {searchedSince && (
        <p className="muted">
          Searched back to <Moment at={searchedSince} />.
        </p>
      )}
      <Older list={list}>{searchedSince ? 'Search older ones' : 'Show older ones'}</Older>
    </div>
  );
}

function whyEmpty(filters: Filters, searchedSince: string | null | undefined): string {
  if (Object.keys(filters).length === 0)
    return 'Emit an event to an account that has a subscription, or send a test event from a subscription’s page.';
  if (searchedSince) return 'None among those that were searched.';
  return 'No delivery matches these filters. Remove a filter, or choose an earlier time.';
}
