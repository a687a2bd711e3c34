/** Sending a test event. */
import { Alert, Button, NativeSelect } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import { unwrap } from '../../../../src/client/client.js';
import { useTypeNames } from '../../api/event-types.js';
import { useSession } from '../../api/session.js';
import type { Contract, Subscription } from '../../api/shapes.js';
import { Failure } from '../../parts/page.js';
import { Section } from '../../parts/section.js';
import { capital, useWords } from '../../parts/words.js';
import { testTypes } from './type-choices.js';
import styles from './inline-form.module.css';

/** Sends a test event, of a type that the subscription gets unless one is chosen. */
export function useSendTest() {
  const { client } = useSession();
  return useMutation({
    mutationFn: ({ id, type }: { id: string; type: string }) =>
      unwrap(
        client.POST('/v1/subscriptions/{id}/test', { params: { path: { id } }, body: type === '' ? {} : { type } }),
      ),
  });
}

/** What became of it. */
export function TestSent({ send: { error, data } }: { send: ReturnType<typeof useSendTest> }) {
  const words = useWords();
  const delivery = data?.deliveries[0];
  return (
    <>
      {error && <Failure error={error} />}
      {delivery && (
        <Alert variant="light" color="green" role="status">
          On its way: <Link href={`/deliveries/${delivery.id}`}>see the {words.delivery}</Link>.
        </Alert>
      )}
    </>
  );
}

export function SendTest({ subscription, contract }: { subscription: Subscription; contract: Contract | undefined }) {
  const words = useWords();
  const { id, eventTypes } = subscription;
  const types = testTypes(eventTypes, useTypeNames(contract));
  const [type, setType] = useState('');
  const send = useSendTest();
  return (
    <Section title={`Send a test ${words.event}`}>
      <div className={styles.form}>
        <NativeSelect
          label={`${capital(words.event)} type`}
          value={type || types[0]}
          data={types}
          onChange={(event) => setType(event.currentTarget.value)}
        />
        <Button loading={send.isPending} onClick={() => send.mutate({ id, type })}>
          Send
        </Button>
      </div>
      <TestSent send={send} />
    </Section>
  );
}
