/** Deleting a subscription. */
import { Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import type { Subscription } from '../../api/shapes.js';
import { Confirm } from '../../parts/confirm.js';

export function DeleteSubscription({ subscription: { id, url, accountId } }: { subscription: Subscription }) {
  const { client } = useSession();
  const cache = useQueryClient();
  const [, navigate] = useLocation();
  const [asking, setAsking] = useState(false);
  const remove = useMutation({
    mutationFn: () => unwrap(client.DELETE('/v1/subscriptions/{id}', { params: { path: { id } } })),
    onSuccess: async () => {
      await cache.invalidateQueries({ queryKey: ['subscriptions', accountId] });
      navigate(`/subscriptions?accountId=${accountId}`);
    },
  });
  return (
    <>
      <Button size="xs" variant="default" onClick={() => setAsking(true)}>
        Delete…
      </Button>
      {asking && (
        <Confirm
          title="Delete this subscription"
          action="Delete it"
          busy={remove.isPending}
          error={remove.error}
          confirm={() => remove.mutate()}
          close={() => setAsking(false)}
        >
          <p>Its open deliveries are cancelled, and no further event goes to {url}. This cannot be taken back.</p>
        </Confirm>
      )}
    </>
  );
}
