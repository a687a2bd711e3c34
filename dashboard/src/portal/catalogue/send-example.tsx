/** Sending the example of an event type to an endpoint. */
import { Button, NativeSelect } from '@mantine/core';
import { useState } from 'react';
import { TestSent, useSendTest } from '../../pages/subscriptions/send-test.js';
import { shortUrl } from '../../parts/format.js';
import { capital, useWords } from '../../parts/words.js';
import { useEndpoints } from '../access.js';
import styles from '../../pages/subscriptions/inline-form.module.css';

export function SendExample({ type }: { type: string }) {
  const words = useWords();
  const endpoints = (useEndpoints().data ?? []).filter(({ enabled, url }) => enabled && url !== null);
  const [chosen, setChosen] = useState('');
  const id = chosen || endpoints[0]?.id;
  const send = useSendTest();
  if (id === undefined) return null;
  return (
    <>
      <div className={styles.form}>
        <NativeSelect
          label={`${capital(words.endpoint)} for the example`}
          value={id}
          data={endpoints.map((endpoint) => ({ value: endpoint.id, label: shortUrl(endpoint.url) }))}
          onChange={(event) => setChosen(event.currentTarget.value)}
        />
        <Button variant="default" loading={send.isPending} onClick={() => send.mutate({ id, type })}>
          Send example
        </Button>
      </div>
      <TestSent send={send} />
    </>
  );
}
