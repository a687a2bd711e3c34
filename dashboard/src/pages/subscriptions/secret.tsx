/** What a receiver verifies with: shown when asked for, and replaced. */
import { Alert, Button, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import type { Contract, Subscription } from '../../api/shapes.js';
import { Identifier } from '../../parts/copy.js';
import { Failure } from '../../parts/page.js';
import { Section } from '../../parts/section.js';
import { Moment } from '../../parts/time.js';
import styles from './inline-form.module.css';

/** Hours for which the old secret signs too, unless someone says otherwise; the API's own default. */
const OVERLAP_HOURS = '24';

interface Props {
  readonly subscription: Subscription;
  readonly contract: Contract | undefined;
  /** False where it is only shown. */
  readonly canRotate?: boolean;
}

export function Secret({ subscription: { id }, contract, canRotate = true }: Props) {
  const { client } = useSession();
  const [hours, setHours] = useState(OVERLAP_HOURS);
  const params = { path: { id } };
  const show = useMutation({
    mutationFn: () => unwrap(client.GET('/v1/subscriptions/{id}/secret', { params })),
  });
  const rotate = useMutation({
    mutationFn: () =>
      unwrap(client.POST('/v1/subscriptions/{id}/rotate-secret', { params, body: { overlapHours: Number(hours) } })),
    onSuccess: () => show.reset(),
  });
  const secret = rotate.data?.secret ?? show.data?.secret;
  return (
    <Section title="Signature">
      {contract && <p className="muted">{contract.signature.description}</p>}
      {secret && (
        <Alert variant="light" color="green" role="status" title={rotate.data ? 'The new secret' : 'The secret'}>
          <Identifier value={secret} />
          {rotate.data && (
            <p>
              The former one may still sign too until <Moment at={rotate.data.overlapEndsAt} />.
            </p>
          )}
        </Alert>
      )}
      <div className={styles.form}>
        {canRotate && (
          <>
            <TextInput
              label="Overlap in hours"
              type="number"
              min={0}
              max={168}
              value={hours}
              onChange={(event) => setHours(event.currentTarget.value)}
            />
            <Button variant="default" loading={rotate.isPending} onClick={() => rotate.mutate()}>
              Rotate the secret
            </Button>
          </>
        )}
        <Button variant="default" loading={show.isPending} onClick={() => show.mutate()}>
          Show it
        </Button>
      </div>
      {rotate.error && <Failure error={rotate.error} />}
      {show.error && <Failure error={show.error} />}
    </Section>
  );
}
