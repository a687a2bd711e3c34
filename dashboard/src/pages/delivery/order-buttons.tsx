/** What a delivery can be told in its state. */
import { Button, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { answer } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import type { DeliveryDetail, DeliveryState } from '../../api/shapes.js';
import { Confirm } from '../../parts/confirm.js';
import { Failure } from '../../parts/page.js';

type Order = 'cancel' | 'pause' | 'resume' | 'retry' | 'redeliver';

const LABELS: Readonly<Record<Order, string>> = {
  retry: 'Retry now',
  pause: 'Pause',
  resume: 'Resume',
  redeliver: 'Redeliver',
  cancel: 'Cancel…',
};

/** In the order of the buttons. */
const POSSIBLE: Readonly<Record<DeliveryState, readonly Order[]>> = {
  pending: ['retry', 'pause', 'cancel'],
  retrying: ['retry', 'pause', 'cancel'],
  paused: ['retry', 'resume', 'cancel'],
  delivered: ['redeliver'],
  failed: ['redeliver'],
  cancelled: ['redeliver'],
};

export function OrderButtons({ delivery: { id, state } }: { delivery: DeliveryDetail }) {
  const { client } = useSession();
  const cache = useQueryClient();
  const [asking, setAsking] = useState(false);
  const [reason, setReason] = useState('');
  const tell = useMutation({
    mutationFn: ({ order, because }: { order: Order; because?: string }) =>
      answer(
        order === 'redeliver'
          ? client.POST('/v1/deliveries/{id}/redeliver', { params: { path: { id } } })
          : client.POST(`/v1/deliveries/{id}/${order}`, {
              params: { path: { id } },
              ...(because ? { body: { reason: because } } : {}),
            }),
      ),
    onSuccess: () => setAsking(false),
    onSettled: () => cache.invalidateQueries({ queryKey: ['delivery', id] }),
  });
  return (
    <>
      {POSSIBLE[state].map((order) => (
        <Button
          key={order}
          size="xs"
          variant="default"
          loading={tell.isPending && tell.variables.order === order}
          onClick={() => (order === 'cancel' ? setAsking(true) : tell.mutate({ order }))}
        >
          {LABELS[order]}
        </Button>
      ))}
      {asking && (
        <Confirm
          title="Cancel this delivery"
          action="Cancel the delivery"
          busy={tell.isPending}
          error={tell.error}
          confirm={() => tell.mutate({ order: 'cancel', because: reason.trim() })}
          close={() => setAsking(false)}
        >
          <p>No further attempt is made. An attempt under way is awaited; if it is accepted, that counts.</p>
          <TextInput
            label="Reason"
            description="Shown with the delivery and in Temporal"
            value={reason}
            maxLength={500}
            onChange={(event) => setReason(event.currentTarget.value)}
          />
        </Confirm>
      )}
      {tell.error && !asking && <Failure error={tell.error} />}
    </>
  );
}
