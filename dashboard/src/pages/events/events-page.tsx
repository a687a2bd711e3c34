/** The list of events: of all accounts, also those that nobody took. */
import { Checkbox } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import { AccountSelect } from '../../parts/account-select.js';
import { useFilters } from '../../parts/filters.js';
import { counted } from '../../parts/format.js';
import { nextPage, Older } from '../../parts/older.js';
import { Empty, Failure, Loading, PageHead } from '../../parts/page.js';
import { SearchField } from '../../parts/search-field.js';
import { Moment } from '../../parts/time.js';
import { EventTable } from './event-table.js';

const PER_PAGE = 50;

export function EventsPage() {
  const { client, me } = useSession();
  const { given, set } = useFilters();
  const [q, type, accountId] = [given('q'), given('type'), given('accountId')];
  const undelivered = given('undelivered') === 'true' ? ('true' as const) : undefined;
  const query = { q, type, accountId, undelivered };
  const list = useInfiniteQuery({
    queryKey: ['events', query],
    queryFn: ({ pageParam, signal }) =>
      unwrap(client.GET('/v1/events', { params: { query: { ...query, limit: PER_PAGE, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: nextPage,
  });
  const rows = list.data?.pages.flatMap(({ data }) => data);
  const isFiltered = Object.values(query).some((value) => value !== undefined);
  return (
    <div className="stack">
      <PageHead title="Events" />
      <div className="row">
        <SearchField label="Text in the payload, or id" value={q} set={(value) => set('q', value)} />
        <SearchField label="Event type" value={type} set={(value) => set('type', value)} />
        {!me.account && <AccountSelect value={accountId} set={(value) => set('accountId', value)} />}
        <Checkbox
          size="xs"
          label="Only what did not reach everybody"
          checked={undelivered !== undefined}
          onChange={(event) => set('undelivered', event.currentTarget.checked ? 'true' : undefined)}
        />
      </div>
      {list.error && <Failure error={list.error} retry={() => void list.refetch()} />}
      {list.isPending && <Loading lines={8} />}
      {rows?.length === 0 && (
        <Empty title="No events">
          {isFiltered ? 'No event that was read matches.' : 'No event has been emitted yet.'}
        </Empty>
      )}
      {rows && rows.length > 0 && <EventTable events={rows} caption="Events, the newest first" />}
      <Searched searched={list.data?.pages.map((page) => page.searched) ?? []} />
      <Older list={list}>{isFiltered ? 'Search older ones' : 'Show older ones'}</Older>
    </div>
  );
}

/** How far the pages have searched payloads. */
function Searched({ searched }: { searched: readonly ({ events: number; since: string | null } | null)[] }) {
  const pages = searched.filter((page) => page !== null);
  const since = pages.at(-1)?.since;
  if (pages.length === 0) return null;
  return (
    <p className="muted">
      Searched {counted(sum(pages.map(({ events }) => events)), 'event')}
      {since ? (
        <>
          , back to <Moment at={since} />
        </>
      ) : (
        ', all that there are'
      )}
      .
    </p>
  );
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
