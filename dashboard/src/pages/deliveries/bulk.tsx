/** A command for everything that the list shows, or for the ticked rows: counted first, then sent by a job. */
import { Button, Modal, NumberInput, TextInput } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import { counted } from '../../parts/format.js';
import { Failure, Loading } from '../../parts/page.js';
import { JobProgress } from '../jobs/job-progress.js';
import { jobStates, jobTarget, type JobAction, type Target } from './job-filter.js';
import { isBeyondJobs } from './filters.js';

const WORDS = {
  retry: { button: 'Retry now…', title: 'Retry deliveries now', does: 'be attempted now, beside their schedules' },
  pause: { button: 'Pause…', title: 'Pause deliveries', does: 'wait until they are resumed' },
  resume: { button: 'Resume…', title: 'Resume deliveries', does: 'continue at their position of the schedule' },
  cancel: { button: 'Cancel…', title: 'Cancel deliveries', does: 'be cancelled' },
  redeliver: { button: 'Redeliver…', title: 'Redeliver deliveries', does: 'be sent again from the start' },
} as const satisfies Record<JobAction, unknown>;
const ACTIONS = ['retry', 'pause', 'resume', 'redeliver', 'cancel'] as const;
const CONFIRM = { retry: 'Retry', pause: 'Pause', resume: 'Resume', cancel: 'Cancel', redeliver: 'Redeliver' } as const;

const USUAL_RATE = 100;

export function ActOnMany({ target }: { target: Target }) {
  const [action, setAction] = useState<JobAction | null>(null);
  const possible = ACTIONS.filter((name) => jobStates(name, target).length > 0);
  return (
    <>
      {target.ticked.length > 0 && <span className="muted">{target.ticked.length} ticked:</span>}
      {possible.map((name) => (
        <Button
          key={name}
          size="xs"
          variant="default"
          disabled={target.ticked.length === 0 && isBeyondJobs(target.filters)}
          onClick={() => setAction(name)}
        >
          {WORDS[name].button}
        </Button>
      ))}
      <Link href="/jobs">Jobs</Link>
      {action && <JobDialog action={action} target={target} close={() => setAction(null)} />}
    </>
  );
}

interface DialogProps {
  readonly action: JobAction;
  readonly target: Target;
  readonly close: () => void;
}

/** Counts the deliveries that a job would be for, and starts it. */
function useJob(action: JobAction, target: Target) {
  const { client } = useSession();
  // What is created after the count keeps its state.
  const [body] = useState(() => ({ action, ...jobTarget(action, target, new Date()) }));
  const counting = useQuery({
    queryKey: ['job', 'count', body],
    queryFn: async () => {
      const found = await unwrap(client.POST('/v1/jobs', { body: { ...body, dryRun: true } }));
      if (!('dryRun' in found)) throw new Error('the response is not a count');
      return found;
    },
    gcTime: 0,
    staleTime: Infinity,
  });
  const start = useMutation({
    mutationFn: async ({ reason, ratePerSecond }: { reason: string; ratePerSecond: number }) => {
      const given = reason === '' ? {} : { reason };
      const job = await unwrap(client.POST('/v1/jobs', { body: { ...body, ...given, ratePerSecond } }));
      if ('dryRun' in job) throw new Error('the response is a count');
      return job;
    },
  });
  return { body, counting, start };
}

function JobDialog({ action, target, close }: DialogProps) {
  const [reason, setReason] = useState('');
  const [rate, setRate] = useState(USUAL_RATE);
  const { body, counting, start } = useJob(action, target);
  const { data: found } = counting;
  const total = found?.total ?? 0;
  const deliveries = `${counted(total, 'delivery', 'deliveries')}${found?.more ? ' and more' : ''}`;
  return (
    <Modal opened title={WORDS[action].title} onClose={close} closeButtonProps={{ 'aria-label': 'Close' }}>
      <div className="stack">
        {counting.isPending && <Loading lines={2} />}
        {counting.error && <Failure error={counting.error} retry={() => void counting.refetch()} />}
        {start.data && <JobProgress first={start.data} />}
        {found && !start.data && total === 0 && (
          <p>Nothing to do: no delivery that is {body.filter.states?.join(' or ')} matches.</p>
        )}
        {found && !start.data && total > 0 && (
          <>
            <p>
              <strong>{deliveries}</strong> that {total === 1 ? 'is' : 'are'} {body.filter.states?.join(' or ')} will{' '}
              {WORDS[action].does}.
            </p>
            {body.allowDelivered && (
              <p role="note">
                <strong>Delivered ones were accepted:</strong> their receivers get the same events once more.
              </p>
            )}
            {(action === 'cancel' || action === 'pause') && (
              <TextInput
                label="Reason"
                description="Shown with each delivery"
                value={reason}
                maxLength={500}
                onChange={(event) => setReason(event.currentTarget.value)}
              />
            )}
            <NumberInput
              label="Deliveries per second, at most"
              min={1}
              max={1_000}
              value={rate}
              onChange={(value) => setRate(Number(value) || USUAL_RATE)}
            />
          </>
        )}
        {start.error && <Failure error={start.error} />}
        <div className="row">
          {!start.data && total > 0 && (
            <Button
              color={action === 'cancel' ? 'red' : undefined}
              loading={start.isPending}
              onClick={() => start.mutate({ reason: reason.trim(), ratePerSecond: rate })}
            >
              {CONFIRM[action]} {deliveries}
            </Button>
          )}
          <Button variant="default" onClick={close}>
            {start.data || total === 0 ? 'Close' : 'Leave them'}
          </Button>
        </div>
      </div>
    </Modal>
  );
}
