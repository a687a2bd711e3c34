/** What waits for a disabled subscription, and dropping it. */
import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import type { Subscription } from '../../api/shapes.js';
import { Confirm } from '../../parts/confirm.js';
import { counted } from '../../parts/format.js';
import { Section } from '../../parts/section.js';
import { listAddress } from '../deliveries/filters.js';

export function Waiting({ subscription: { id } }: { subscription: Subscription }) {
  const { client } = useSession();
  const [asking, setAsking] = useState(false);
  const drop = useMutation({
    mutationFn: async () => {
      let sum = 0;
      for (;;) {
        const { dropped, more } = await unwrap(
          client.POST('/v1/subscriptions/{id}/drop-waiting', { params: { path: { id } } }),
        );
        sum += dropped;
        if (!more) return sum;
      }
    },
    onSuccess: () => setAsking(false),
  });
  return (
    <Section title="Waiting deliveries">
      <p>
        Its open <Link href={listAddress({ subscriptionId: id, state: 'paused' })}>deliveries are paused</Link> until it
        is enabled again.
      </p>
      <div className="row">
        <Button size="xs" variant="default" onClick={() => setAsking(true)}>
          Cancel them…
        </Button>
        {drop.isSuccess && <span role="status">{counted(drop.data, 'delivery', 'deliveries')} cancelled.</span>}
      </div>
      {asking && (
        <Confirm
          title="Cancel waiting deliveries"
          action="Cancel its open deliveries"
          busy={drop.isPending}
          error={drop.error}
          confirm={() => drop.mutate()}
          close={() => setAsking(false)}
        >
          <p>Every open delivery of this subscription is cancelled. Each can be redelivered later.</p>
        </Confirm>
      )}
    </Section>
  );
}
