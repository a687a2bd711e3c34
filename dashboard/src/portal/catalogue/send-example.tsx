/** Sending the example of an event type to an endpoint. */
import { Alert, Button, NativeSelect } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import { Failure } from '../../parts/page.js';
import { capital, useWords } from '../../parts/words.js';
import { shortUrl, useEndpoints } from '../access.js';
import styles from '../../pages/subscriptions/inline-form.module.css';

export function SendExample({ type }: { type: string }) {
  const words = useWords();
  const { client } = useSession();
  const endpoints = (useEndpoints().data ?? []).filter(({ enabled, url }) => enabled && url !== null);
  const [chosen, setChosen] = useState('');
  const id = chosen || endpoints[0]?.id;
  const send = useMutation({
    mutationFn: (to: string) =>
      unwrap(client.POST('/v1/subscriptions/{id}/test', { params: { path: { id: to } }, body: { type } })),
  });
  if (id === undefined) return null;
  const delivery = send.data?.deliveries[0];
  return (
    <>
      <div className={styles.form}>
        <NativeSelect
          label={`${capital(words.endpoint)} for the example`}
          value={id}
          data={endpoints.map((endpoint) => ({ value: endpoint.id, label: shortUrl(endpoint.url) }))}
          onChange={(event) => setChosen(event.currentTarget.value)}
        />
        <Button variant="default" loading={send.isPending} onClick={() => send.mutate(id)}>
          Send example
        </Button>
      </div>
      {send.error && <Failure error={send.error} />}
      {delivery && (
        <Alert variant="light" color="green" role="status">
          On its way: <Link href={`/deliveries/${delivery.id}`}>see the {words.delivery}</Link>.
        </Alert>
      )}
    </>
  );
}
