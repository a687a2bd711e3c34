/** The commands that a delivery accepts in its state. */
import { Button, TextInput } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import type { DeliveryDetail, DeliveryState } from '../../api/shapes.js';
import { Confirm } from '../../parts/confirm.js';
import { Failure } from '../../parts/page.js';

type Command = 'park' | 'cancel' | 'pause' | 'resume' | 'retry' | 'redeliver';

const LABELS: Readonly<Record<Command, string>> = {
  retry: 'Retry now',
  pause: 'Pause',
  resume: 'Resume',
  redeliver: 'Redeliver',
  park: 'Park',
  cancel: 'Cancel…',
};

/** In the order of the buttons. */
const POSSIBLE: Readonly<Record<DeliveryState, readonly Command[]>> = {
  pending: ['retry', 'pause', 'cancel'],
  retrying: ['retry', 'pause', 'cancel'],
  paused: ['retry', 'resume', 'cancel'],
  delivered: ['redeliver'],
  failed: ['redeliver'],
  cancelled: ['redeliver'],
};

/**
 * A blocked delivery, and one that waits for a batch, can only be cancelled; a member of a batch ends with it. One with an
 * ordering key can be parked while others may wait for it.
 */
function possibleCommands(delivery: DeliveryDetail): readonly Command[] {
  const { state, blocked, orderingKey, waitsForBatch, batchId } = delivery;
  if (blocked || waitsForBatch) return ['cancel'];
  if (batchId !== null && state === 'pending') return [];
  const isHead = orderingKey !== null && state !== 'delivered' && state !== 'cancelled';
  return isHead ? ['park', ...POSSIBLE[state]] : POSSIBLE[state];
}

/** What is asked before a command is sent; null for most. */
function asksBefore(command: Command, { state }: DeliveryDetail): 'cancel' | 'redeliver' | null {
  if (command === 'cancel') return 'cancel';
  return command === 'redeliver' && state === 'delivered' ? 'redeliver' : null;
}

export function CommandButtons({ delivery }: { delivery: DeliveryDetail }) {
  const { id } = delivery;
  const { client } = useSession();
  const cache = useQueryClient();
  const [asking, setAsking] = useState<'cancel' | 'redeliver' | null>(null);
  const [reason, setReason] = useState('');
  const sendCommand = useMutation({
    mutationFn: ({ command, reason }: { command: Command; reason?: string }) =>
      unwrap(
        command === 'redeliver'
          ? client.POST('/v1/deliveries/{id}/redeliver', {
              params: { path: { id } },
              body: { allowDelivered: delivery.state === 'delivered' },
            })
          : client.POST(`/v1/deliveries/{id}/${command}`, {
              params: { path: { id } },
              ...(reason ? { body: { reason } } : {}),
            }),
      ),
    onSuccess: () => setAsking(null),
    onSettled: () => cache.invalidateQueries({ queryKey: ['delivery', id] }),
  });
  return (
    <>
      {possibleCommands(delivery).map((command) => (
        <Button
          key={command}
          size="xs"
          variant="default"
          loading={sendCommand.isPending && sendCommand.variables.command === command}
          onClick={() => {
            const question = asksBefore(command, delivery);
            if (question) setAsking(question);
            else sendCommand.mutate({ command });
          }}
        >
          {asksBefore(command, delivery) === 'redeliver' ? 'Redeliver…' : LABELS[command]}
        </Button>
      ))}
      {asking === 'redeliver' && (
        <Confirm
          title="Redeliver this delivery"
          action="Send it again"
          busy={sendCommand.isPending}
          error={sendCommand.error}
          confirm={() => sendCommand.mutate({ command: 'redeliver' })}
          close={() => setAsking(null)}
        >
          <p>Its receiver has accepted it, and will get the same event once more.</p>
        </Confirm>
      )}
      {asking === 'cancel' && (
        <Confirm
          title="Cancel this delivery"
          action="Cancel the delivery"
          busy={sendCommand.isPending}
          error={sendCommand.error}
          confirm={() => sendCommand.mutate({ command: 'cancel', reason: reason.trim() })}
          close={() => setAsking(null)}
        >
          <p>No further attempt is made. An attempt in flight is awaited; if it is accepted, that counts.</p>
          <TextInput
            label="Reason"
            description="Shown with the delivery and in Temporal"
            value={reason}
            maxLength={500}
            onChange={(event) => setReason(event.currentTarget.value)}
          />
        </Confirm>
      )}
      {sendCommand.error && !asking && <Failure error={sendCommand.error} />}
    </>
  );
}
