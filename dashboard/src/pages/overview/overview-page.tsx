/** How deliveries fare: over time, by provider, and where it goes worst. */
import { NativeSelect } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useSearchParams } from 'wouter';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import { AccountSelect } from '../../parts/account-select.js';
import { percent } from '../../parts/format.js';
import { Failure, Loading, PageHead } from '../../parts/page.js';
import { Section } from '../../parts/section.js';
import { DeliveriesChart } from './deliveries-chart.js';
import { Figures } from './figures.js';
import { ProviderTable } from './provider-table.js';
import { SystemHealth } from './system-health.js';
import { WorstSubscriptions } from './worst-subscriptions.js';

const WINDOWS = { '1h': 'Last hour', '24h': 'Last 24 hours', '7d': 'Last 7 days', '30d': 'Last 30 days' } as const;
type Window = keyof typeof WINDOWS;
const USUAL: Window = '24h';

/** How often it is renewed, in milliseconds. */
const RENEW_MS = 10_000;

export default function OverviewPage() {
  const { client, me } = useSession();
  const [search, setSearch] = useSearchParams();
  const given = search.get('window') ?? USUAL;
  const window = given in WINDOWS ? (given as Window) : USUAL;
  const accountId = search.get('accountId') ?? undefined;
  const { data, error, refetch } = useQuery({
    queryKey: ['overview', window, accountId],
    queryFn: ({ signal }) => unwrap(client.GET('/v1/overview', { params: { query: { window, accountId } }, signal })),
    refetchInterval: RENEW_MS,
    placeholderData: keepPreviousData,
  });
  const set = (name: string, value: string | undefined) =>
    setSearch(
      (former) => {
        const next = new URLSearchParams(former);
        if (value === undefined) next.delete(name);
        else next.set(name, value);
        return next;
      },
      { replace: true },
    );
  return (
    <div className="stack">
      <PageHead title="Overview">
        {!me.account && <AccountSelect value={accountId} set={(value) => set('accountId', value)} />}
        <NativeSelect
          size="xs"
          label="Period"
          value={window}
          onChange={(event) => set('window', event.currentTarget.value)}
          data={Object.entries(WINDOWS).map(([value, label]) => ({ value, label }))}
        />
      </PageHead>
      {!me.account && <SystemHealth />}
      {error && <Failure error={error} retry={() => void refetch()} />}
      {!data && !error && <Loading lines={10} />}
      {data && (
        <>
          {data.share < 1 && (
            <p className="muted">
              There are so many deliveries that {percent(data.share)} of them were read; the counts are estimates.
            </p>
          )}
          <Figures overview={data} accountId={accountId} />
          <Section title="Deliveries by when they were created">
            <DeliveriesChart overview={data} />
          </Section>
          <ProviderTable providers={data.providers} />
          <WorstSubscriptions subscriptions={data.worstSubscriptions} />
        </>
      )}
    </div>
  );
}
