/** How deliveries fare: over time, by provider, and where it goes worst. */
import { Button, NativeSelect, TextInput } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useSearchParams } from 'wouter';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import { AccountSelect } from '../../parts/account-select.js';
import { useFilters } from '../../parts/filters.js';
import { percent } from '../../parts/format.js';
import { Failure, Loading, PageHead } from '../../parts/page.js';
import { Section } from '../../parts/section.js';
import { useZone } from '../../parts/zone.js';
import { Attention } from './attention.js';
import { DeliveriesChart, type ListScope } from './deliveries-chart.js';
import { Figures } from './figures.js';
import { periodQuery, periods, readPeriod } from './period.js';
import { ProviderTable } from './provider-table.js';
import { SeriesTable } from './series-table.js';
import { SystemHealth } from './system-health.js';
import { WorstAccounts } from './worst-accounts.js';
import { WorstSubscriptions } from './worst-subscriptions.js';

/** How often it is renewed, in milliseconds. */
const RENEW_MS = 10_000;

export default function OverviewPage() {
  const { client, me } = useSession();
  const [search] = useSearchParams();
  const { given, set } = useFilters();
  const period = readPeriod(search);
  const zone = useZone();
  const accountId = given('accountId');
  const scope = { accountId, provider: given('provider'), subscriptionId: given('subscriptionId') };
  const { data, error, refetch } = useQuery({
    queryKey: ['overview', period, scope, zone],
    queryFn: ({ signal }) => {
      const query = { ...periodQuery(period, new Date()), ...scope };
      return unwrap(client.GET('/v1/overview', { params: { query }, signal }));
    },
    refetchInterval: RENEW_MS,
    placeholderData: keepPreviousData,
  });
  return (
    <div className="stack">
      <PageHead title="Overview">
        {!me.account && <AccountSelect value={accountId} set={(value) => set('accountId', value)} />}
        <NativeSelect
          size="xs"
          label="Period"
          value={period.name}
          onChange={(event) => set('window', event.currentTarget.value)}
          data={Object.entries(periods).map(([value, label]) => ({ value, label }))}
        />
        {period.name === 'custom' && (
          <>
            <TimeInput label="From" value={period.from} set={(value) => set('from', value)} />
            <TimeInput label="To" value={period.to} set={(value) => set('to', value)} />
          </>
        )}
        <Wider scope={scope} set={set} />
      </PageHead>
      {!me.account && <SystemHealth />}
      <Attention accountId={accountId} />
      {error && <Failure error={error} retry={() => void refetch()} />}
      {!data && !error && <Loading lines={10} />}
      {data && (
        <>
          {data.share < 1 && (
            <p className="muted">
              There are so many deliveries that {percent(data.share)} of them were read; the counts are estimates.
            </p>
          )}
          <Figures overview={data} scope={scope} />
          <Section title="Deliveries by when they were created">
            <DeliveriesChart overview={data} scope={scope} />
            <SeriesTable overview={data} scope={scope} />
          </Section>
          <ProviderTable providers={data.providers} />
          {!me.account && <WorstAccounts accounts={data.worstAccounts} />}
          <WorstSubscriptions subscriptions={data.worstSubscriptions} />
        </>
      )}
    </div>
  );
}

interface WiderProps {
  readonly scope: ListScope;
  readonly set: (name: string, value: undefined) => void;
}

/** The way back from the figures of one subscription or provider. */
function Wider({ scope: { subscriptionId, provider }, set }: WiderProps) {
  return (
    <>
      {subscriptionId && (
        <Button size="xs" variant="default" onClick={() => set('subscriptionId', undefined)}>
          All subscriptions
        </Button>
      )}
      {provider && (
        <Button size="xs" variant="default" onClick={() => set('provider', undefined)}>
          All providers
        </Button>
      )}
    </>
  );
}

interface TimeInputProps {
  readonly label: string;
  readonly value: string | undefined;
  readonly set: (value: string | undefined) => void;
}

/** A time in the zone of the reader's system, as browsers have no other field for it. */
function TimeInput({ label, value, set }: TimeInputProps) {
  return (
    <TextInput
      size="xs"
      type="datetime-local"
      label={label}
      defaultValue={value === undefined ? '' : localText(value)}
      onChange={({ currentTarget }) =>
        set(currentTarget.value === '' ? undefined : new Date(currentTarget.value).toISOString())
      }
    />
  );
}

function localText(at: string): string {
  const date = new Date(at);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
