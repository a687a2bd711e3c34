/** Redelivering, retrying or cancelling everything that a list shows: counted first, then confirmed. */
import { Button, Modal, Progress, TextInput } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import { counted } from '../../parts/format.js';
import { Failure, Loading } from '../../parts/page.js';
import { bulkFilter, bulkStates, type BulkAction } from './bulk-filter.js';
import { isBeyondBulk, type Filters } from './filters.js';

const WORDS = {
  redeliver: {
    button: 'Redeliver…',
    title: 'Redeliver deliveries',
    confirm: 'Redeliver',
    done: 'redelivered',
    color: undefined,
  },
  retry: {
    button: 'Retry now…',
    title: 'Retry deliveries now',
    confirm: 'Retry',
    done: 'attempted now, in addition to the attempts of their schedules',
    color: undefined,
  },
  cancel: { button: 'Cancel…', title: 'Cancel deliveries', confirm: 'Cancel', done: 'cancelled', color: 'red' },
} as const satisfies Record<BulkAction, unknown>;

export function BulkButtons({ filters }: { filters: Filters }) {
  const [action, setAction] = useState<BulkAction | null>(null);
  return (
    <>
      {(['redeliver', 'retry', 'cancel'] as const).map((name) => (
        <Button
          key={name}
          size="xs"
          variant="default"
          disabled={isBeyondBulk(filters) || bulkStates(name, filters.state).length === 0}
          onClick={() => setAction(name)}
        >
          {WORDS[name].button}
        </Button>
      ))}
      {action && <BulkDialog action={action} filters={filters} close={() => setAction(null)} />}
    </>
  );
}

interface DialogProps {
  readonly action: BulkAction;
  readonly filters: Filters;
  readonly close: () => void;
}

/** Counts the deliveries that an action applies to, and applies it to them page by page. */
function useBulk(action: BulkAction, filters: Filters) {
  const { client } = useSession();
  const cache = useQueryClient();
  const [progress, setProgress] = useState({ done: 0, refused: 0 });
  // What is created after the count is left alone.
  const [filter] = useState(() => bulkFilter(action, filters, new Date()));
  const ask = (dryRun: boolean, cursor?: string, reason?: string) =>
    unwrap(
      client.POST('/v1/deliveries/bulk', {
        body: { action, filter, dryRun, cursor, ...(reason ? { reason } : {}) },
      }),
    );
  const counting = useQuery({ queryKey: ['bulk', action, filter], queryFn: () => ask(true), gcTime: 0 });
  const running = useMutation({
    mutationFn: async (reason: string | undefined) => {
      const sum = { done: 0, refused: 0 };
      let cursor: string | undefined;
      do {
        const { done, refused, nextCursor } = await ask(false, cursor, reason);
        sum.done += done;
        sum.refused += refused;
        setProgress({ ...sum });
        cursor = nextCursor ?? undefined;
      } while (cursor !== undefined);
    },
    onSettled: () => cache.invalidateQueries({ queryKey: ['deliveries'] }),
  });
  return { counting, running, progress };
}

function BulkDialog({ action, filters, close }: DialogProps) {
  const [reason, setReason] = useState('');
  const { counting, running, progress } = useBulk(action, filters);
  const words = WORDS[action];
  const { data: found } = counting;
  const total = found?.matched ?? 0;
  const finished = running.isSuccess;

  return (
    <Modal opened title={words.title} onClose={close} closeButtonProps={{ 'aria-label': 'Close' }}>
      <div className="stack">
        {counting.isPending && <Loading lines={2} />}
        {counting.error && <Failure error={counting.error} retry={() => void counting.refetch()} />}
        {running.error && <Failure error={running.error} />}
        {found && !finished && <Count action={action} filters={filters} total={total} more={found.more} />}
        {action === 'cancel' && total > 0 && !finished && (
          <TextInput
            label="Reason"
            description="Shown with each delivery"
            placeholder="cancelled in bulk"
            value={reason}
            maxLength={500}
            onChange={(event) => setReason(event.currentTarget.value)}
          />
        )}
        {running.isPending && (
          <Progress value={(100 * progress.done) / Math.max(1, total)} aria-label="Progress" animated />
        )}
        {finished && (
          <p role="status">
            {counted(progress.done, 'delivery', 'deliveries')} {words.done}
            {progress.refused > 0 && `, ${progress.refused} refused because their state had changed`}.
          </p>
        )}
        <div className="row">
          {!finished && total > 0 && (
            <Button
              color={words.color}
              loading={running.isPending}
              onClick={() => running.mutate(action === 'cancel' ? reason.trim() : undefined)}
            >
              {words.confirm} {counted(total, 'delivery', 'deliveries')}
            </Button>
          )}
          <Button variant="default" onClick={close}>
            {finished || total === 0 ? 'Close' : 'Leave them'}
          </Button>
        </div>
      </div>
    </Modal>
  );
}

interface CountProps extends Pick<DialogProps, 'action' | 'filters'> {
  readonly total: number;
  /** Whether there are more than were counted. */
  readonly more: boolean;
}

/** How many deliveries the action would be applied to. */
function Count({ action, filters, total, more }: CountProps) {
  const wanted = bulkStates(action, filters.state).join(' or ');
  if (total === 0) return <p>Nothing to do: no {wanted} delivery matches the filters.</p>;
  return (
    <p>
      <strong>
        {counted(total, 'delivery', 'deliveries')}
        {more && ' and more'}
      </strong>{' '}
      that {total === 1 ? 'is' : 'are'} {wanted} and {total === 1 ? 'matches' : 'match'} the filters will be{' '}
      {WORDS[action].done}.
    </p>
  );
}
