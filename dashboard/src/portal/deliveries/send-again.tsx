/** Sending a delivery again: at once when it has ended, or its next attempt now. */
import { Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import type { DeliveryDetail } from '../../api/shapes.js';
import { Failure } from '../../parts/page.js';
import { useWords } from '../../parts/words.js';
import { Ask } from '../ask.js';

export function SendAgain({ delivery }: { delivery: DeliveryDetail }) {
  const { id, state, blocked, waitsForBatch, batchId } = delivery;
  const { client } = useSession();
  const cache = useQueryClient();
  const words = useWords();
  const [asking, setAsking] = useState(false);
  const isEnded = state === 'delivered' || state === 'failed' || state === 'cancelled';
  const params = { path: { id } };
  const send = useMutation({
    mutationFn: () =>
      unwrap(
        isEnded
          ? client.POST('/v1/deliveries/{id}/redeliver', { params, body: { allowDelivered: state === 'delivered' } })
          : client.POST('/v1/deliveries/{id}/retry', { params }),
      ),
    onSuccess: () => setAsking(false),
    onSettled: () => cache.invalidateQueries({ queryKey: ['delivery', id] }),
  });
  // It is sent when what it waits for has been sent, or with others.
  if (!isEnded && (blocked || waitsForBatch || batchId !== null)) return null;
  if (asking)
    return (
      <Ask
        title={`Send this ${words.delivery} again`}
        action="Send it again"
        busy={send.isPending}
        error={send.error}
        confirm={() => send.mutate()}
        close={() => setAsking(false)}
      >
        <p>It was accepted, and the same {words.event} will be sent once more.</p>
      </Ask>
    );
  return (
    <>
      <div className="row">
        <Button
          size="xs"
          loading={send.isPending}
          onClick={() => (state === 'delivered' ? setAsking(true) : send.mutate())}
        >
          {isEnded ? `Send again${state === 'delivered' ? '…' : ''}` : 'Send now'}
        </Button>
      </div>
      {send.error && <Failure error={send.error} />}
    </>
  );
}
