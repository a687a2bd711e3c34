/** The deliveries of a customer, kept up to date. */
import { useInfiniteQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useLocation, useSearchParams } from 'wouter';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import { DeliveryTable } from '../../pages/deliveries/delivery-table.js';
import { listAddress, readFilters, toQuery, type Filters } from '../../pages/deliveries/filters.js';
import { nextPage, Older } from '../../parts/older.js';
import { Empty, Failure, Loading, PageHead } from '../../parts/page.js';
import { Moment } from '../../parts/time.js';
import { capital, useWords } from '../../parts/words.js';
import { FilterFields } from './filter-fields.js';

const PER_PAGE = 50;
/** How often the newest page is read again, in milliseconds, while older ones are not shown. */
const RENEW_MS = 5_000;

export function PortalDeliveriesPage() {
  const words = useWords();
  const { client } = useSession();
  const [search] = useSearchParams();
  const [, navigate] = useLocation();
  const filters = useMemo(() => readFilters(search), [search]);
  const list = useInfiniteQuery({
    queryKey: ['deliveries', filters],
    queryFn: ({ pageParam, signal }) => {
      const query = { ...toQuery(filters), limit: PER_PAGE, cursor: pageParam };
      return unwrap(client.GET('/v1/deliveries', { params: { query }, signal }));
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: nextPage,
    refetchInterval: ({ state: { data } }) => (data?.pages.length === 1 && filters.q === undefined ? RENEW_MS : false),
  });
  const rows = list.data?.pages.flatMap(({ data }) => data);
  const searchedSince = list.data?.pages.at(-1)?.searchedSince;
  const isFiltered = Object.keys(filters).length > 0;
  return (
    <div className="stack">
      <PageHead title={capital(words.deliveries)} />
      <FilterFields filters={filters} apply={(next: Filters) => navigate(listAddress(next), { replace: true })} />
      {list.error && <Failure error={list.error} retry={() => void list.refetch()} />}
      {list.isPending && <Loading lines={8} />}
      {rows?.length === 0 && (
        <Empty title={`No ${words.deliveries}`}>
          {isFiltered ? 'None matches. Remove a filter.' : `They appear here as soon as there are ${words.events}.`}
        </Empty>
      )}
      {rows && rows.length > 0 && (
        <DeliveryTable deliveries={rows} caption={`${capital(words.deliveries)}, the newest first`} />
      )}
      {searchedSince && (
        <p className="muted">
          Searched back to <Moment at={searchedSince} />.
        </p>
      )}
      <Older list={list}>{searchedSince ? 'Search older ones' : 'Show older ones'}</Older>
    </div>
  );
}
