/** One subscription: its health, its settings, and what can be done with it. */
import { Alert, Button } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from 'wouter';
import { unwrap } from '../../../../src/client/client.js';
import { useContract } from '../../api/accounts.js';
import { useSession } from '../../api/session.js';
import type { Subscription } from '../../api/shapes.js';
import { shortUrl } from '../../parts/format.js';
import { Failure, Loading, PageHead } from '../../parts/page.js';
import { PauseButton, PauseNote } from '../../parts/pause.js';
import { listAddress } from '../deliveries/filters.js';
import { Breaker } from './breaker.js';
import { EnabledBadge } from './enabled-badge.js';
import { Health } from './health.js';
import { OrderingKeys } from './ordering-keys.js';
import { Recoveries } from './recoveries.js';
import { DeleteSubscription } from './delete-subscription.js';
import { Secret } from './secret.js';
import { SendTest } from './send-test.js';
import { SendWaiting } from './send-waiting.js';
import { Settings } from './settings.js';
import { Waiting } from './waiting.js';
import columns from '../../parts/columns.module.css';

export function SubscriptionPage({ id }: { id: string }) {
  const { client } = useSession();
  const { data, error, refetch } = useQuery({
    queryKey: ['subscription', id],
    queryFn: ({ signal }) => unwrap(client.GET('/v1/subscriptions/{id}', { params: { path: { id } }, signal })),
  });
  const contract = useContract(data?.provider);
  if (!data)
    return (
      <div className="stack">
        <PageHead title="Subscription" />
        {error ? <Failure error={error} retry={() => void refetch()} /> : <Loading lines={8} />}
      </div>
    );
  return (
    <div className="stack">
      <PageHead
        title={data.url === null ? 'Polled subscription' : shortUrl(data.url)}
        beside={<EnabledBadge subscription={data} failingSince={data.health?.failingSince} />}
      >
        <Button size="xs" variant="default" component={Link} href={listAddress({ subscriptionId: id })}>
          Deliveries
        </Button>
        <Button size="xs" variant="default" component={Link} href={`/overview?subscriptionId=${id}`}>
          Figures
        </Button>
        <Pause subscription={data} />
        <Toggle subscription={data} />
        <Button size="xs" variant="default" component={Link} href={`/subscriptions/${id}/edit`}>
          Edit
        </Button>
        <DeleteSubscription subscription={data} />
      </PageHead>
      {data.disabledReason && (
        <Alert variant="light" color="red" role="note" title="Disabled">
          {data.disabledReason}
        </Alert>
      )}
      <PauseNote state={data} />
      <Breaker subscription={data} />
      <div className={columns.columns}>
        <div className="stack">
          <Health subscription={data} />
          {data.enabled && data.pausedAt === null && <SendWaiting subscription={data} />}
          {!data.enabled && <Waiting subscription={data} />}
          {contract?.orderingKeys && <OrderingKeys subscription={data} />}
          <SendTest subscription={data} contract={contract} />
          <Recoveries subscription={data} contract={contract} />
        </div>
        <div className="stack">
          <Settings subscription={data} />
          <Secret subscription={data} contract={contract} />
        </div>
      </div>
    </div>
  );
}

function Pause({ subscription }: { subscription: Subscription }) {
  const { client } = useSession();
  const cache = useQueryClient();
  const request = { params: { path: { id: subscription.id } } };
  const changed = () => cache.invalidateQueries({ queryKey: ['subscription', subscription.id] });
  return (
    <PauseButton
      state={subscription}
      pause={() => unwrap(client.POST('/v1/subscriptions/{id}/pause', request)).then(changed)}
      resume={() => unwrap(client.POST('/v1/subscriptions/{id}/resume', request)).then(changed)}
    />
  );
}

function Toggle({ subscription: { id, enabled } }: { subscription: Subscription }) {
  const { client } = useSession();
  const cache = useQueryClient();
  const change = useMutation({
    mutationFn: () =>
      unwrap(client.PATCH('/v1/subscriptions/{id}', { params: { path: { id } }, body: { enabled: !enabled } })),
    onSuccess: () => cache.invalidateQueries({ queryKey: ['subscription', id] }),
  });
  return (
    <>
      <Button size="xs" variant="default" loading={change.isPending} onClick={() => change.mutate()}>
        {enabled ? 'Disable' : 'Enable'}
      </Button>
      {change.error && <Failure error={change.error} />}
    </>
  );
}
