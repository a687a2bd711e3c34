/** One endpoint: its health, its settings, and what can be done with it. */
import { Alert, Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { Link, useLocation } from 'wouter';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import type { Subscription } from '../../api/shapes.js';
import { listAddress } from '../../pages/deliveries/filters.js';
import { Health } from '../../pages/subscriptions/health.js';
import { Secret } from '../../pages/subscriptions/secret.js';
import { SendTest } from '../../pages/subscriptions/send-test.js';
import { shortUrl } from '../../parts/format.js';
import { Failure, Loading, PageHead } from '../../parts/page.js';
import { PauseButton, PauseNote } from '../../parts/pause.js';
import { capital, inWords, useWords } from '../../parts/words.js';
import { useCan, useEndpoint, useRules } from '../access.js';
import { Ask } from '../ask.js';
import { About } from './about.js';
import { HealthBadge } from './health-badge.js';
import { Missed } from './missed.js';
import { Waiting } from './waiting.js';
import columns from '../../parts/columns.module.css';

export function EndpointPage({ id }: { id: string }) {
  const words = useWords();
  const { data, error, refetch } = useEndpoint(id);
  const rules = useRules();
  const mayManage = useCan('manage_subscriptions');
  const maySend = useCan('send_again');
  const maySeeSecrets = useCan('show_secrets', 'view_secrets');
  const mayRotate = useCan('show_secrets');
  const [asking, setAsking] = useState(false);
  if (!data)
    return (
      <div className="stack">
        <PageHead title={capital(words.endpoint)} />
        {error ? <Failure error={error} retry={() => void refetch()} /> : <Loading lines={8} />}
      </div>
    );
  const isPushed = data.url !== null;
  return (
    <div className="stack">
      <PageHead title={shortUrl(data.url)} beside={<HealthBadge endpoint={data} />}>
        <Button size="xs" variant="default" component={Link} href={listAddress({ subscriptionId: id })}>
          {capital(words.deliveries)}
        </Button>
        {mayManage && (
          <>
            <Pause endpoint={data} />
            {!data.enabled && <Enable id={id} />}
            <Button size="xs" variant="default" component={Link} href={`/endpoints/${id}/edit`}>
              Edit
            </Button>
            <Button size="xs" variant="default" onClick={() => setAsking(true)}>
              Delete…
            </Button>
          </>
        )}
      </PageHead>
      {asking && <AskDelete endpoint={data} close={() => setAsking(false)} />}
      {data.disabledReason && (
        <Alert variant="light" color="red" role="note" title="Disabled">
          {inWords(data.disabledReason, words)}
        </Alert>
      )}
      <PauseNote state={data} />
      <div className={columns.columns}>
        <div className="stack">
          <Health subscription={data} />
          <Waiting endpoint={data} />
          {isPushed && (mayManage || maySend) && data.enabled && <SendTest subscription={data} contract={rules} />}
          {isPushed && maySend && <Missed endpoint={data} />}
        </div>
        <div className="stack">
          <About endpoint={data} />
          {maySeeSecrets && <Secret subscription={data} contract={rules} canRotate={mayRotate} />}
        </div>
      </div>
    </div>
  );
}

function Pause({ endpoint: { id, ...state } }: { endpoint: Subscription }) {
  const { client } = useSession();
  const changed = useChanged(id);
  const request = { params: { path: { id } } };
  return (
    <PauseButton
      state={state}
      pause={() => unwrap(client.POST('/v1/subscriptions/{id}/pause', request)).then(changed)}
      resume={() => unwrap(client.POST('/v1/subscriptions/{id}/resume', request)).then(changed)}
    />
  );
}

/** For one that was disabled, as it failed for too long. */
function Enable({ id }: { id: string }) {
  const { client } = useSession();
  const changed = useChanged(id);
  const enable = useMutation({
    mutationFn: () =>
      unwrap(client.PATCH('/v1/subscriptions/{id}', { params: { path: { id } }, body: { enabled: true } })),
    onSuccess: changed,
  });
  return (
    <>
      <Button size="xs" variant="default" loading={enable.isPending} onClick={() => enable.mutate()}>
        Enable
      </Button>
      {enable.error && <Failure error={enable.error} />}
    </>
  );
}

function useChanged(id: string): () => Promise<unknown> {
  const cache = useQueryClient();
  return () =>
    Promise.all([['subscription', id], ['subscriptions']].map((queryKey) => cache.invalidateQueries({ queryKey })));
}

function AskDelete({ endpoint: { id, url }, close }: { endpoint: Subscription; close: () => void }) {
  const words = useWords();
  const { client } = useSession();
  const cache = useQueryClient();
  const [, navigate] = useLocation();
  const remove = useMutation({
    mutationFn: () => unwrap(client.DELETE('/v1/subscriptions/{id}', { params: { path: { id } } })),
    onSuccess: async () => {
      navigate('/endpoints');
      await cache.invalidateQueries({ queryKey: ['subscriptions'] });
    },
  });
  return (
    <Ask
      title={`Delete this ${words.endpoint}`}
      action="Delete it"
      busy={remove.isPending}
      error={remove.error}
      confirm={() => remove.mutate()}
      close={close}
    >
      <p>
        Its open {words.deliveries} are cancelled, and no further {words.event} goes to {shortUrl(url)}. This cannot be
        taken back.
      </p>
    </Ask>
  );
}
