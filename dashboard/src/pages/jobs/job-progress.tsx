/** How far a job has come, followed while it runs, and pausing, resuming and cancelling it. */
import { Button, Progress } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import type { Job } from '../../api/shapes.js';
import { count, duration } from '../../parts/format.js';
import { Failure } from '../../parts/page.js';

/** How often an open job is polled, in milliseconds. */
const FOLLOW_MS = 1_000;

const isOpen = ({ state }: Job) => state === 'running' || state === 'paused';

export function JobProgress({ first }: { first: Job }) {
  const { client } = useSession();
  const cache = useQueryClient();
  const params = { path: { id: first.id } };
  const queryKey = ['job', first.id];
  const { data: job } = useQuery({
    queryKey,
    queryFn: ({ signal }) => unwrap(client.GET('/v1/jobs/{id}', { params, signal })),
    initialData: first,
    enabled: isOpen(first),
    refetchInterval: (query) => (query.state.data && isOpen(query.state.data) ? FOLLOW_MS : false),
  });
  const command = useMutation({
    mutationFn: (name: 'pause' | 'resume' | 'cancel') => unwrap(client.POST(`/v1/jobs/{id}/${name}`, { params })),
    onSuccess: (changed) => cache.setQueryData(queryKey, changed),
  });
  const { state, total, done, skipped } = job;
  return (
    <div className="stack">
      <p role="status">
        <strong>{state}</strong>: {count(done)} of {total === null ? '…' : count(total)} done
        {skipped > 0 && `, ${count(skipped)} skipped because their state had changed`}
        {remaining(job)}.
      </p>
      <Progress
        value={total === 0 ? 100 : (100 * (done + skipped)) / Math.max(1, total ?? Infinity)}
        aria-label="Progress of the job"
        animated={state === 'running'}
      />
      {isOpen(job) && (
        <div className="row">
          <Button
            size="compact-sm"
            variant="default"
            loading={command.isPending}
            onClick={() => command.mutate(state === 'paused' ? 'resume' : 'pause')}
          >
            {state === 'paused' ? 'Continue the job' : 'Pause the job'}
          </Button>
          <Button size="compact-sm" variant="default" onClick={() => command.mutate('cancel')}>
            End the job
          </Button>
        </div>
      )}
      {command.error && <Failure error={command.error} />}
    </div>
  );
}

function remaining({ state, total, done, skipped, ratePerSecond }: Job): string {
  const rest = (total ?? 0) - done - skipped;
  if (state !== 'running' || rest <= 0) return '';
  return `, about ${duration(Math.ceil(rest / ratePerSecond) * 1_000)} left`;
}
