/** The receiver is back: what waits for its next attempt is attempted now, by a job. */
import { Button } from '@mantine/core';
import { useMutation, useQuery } from '@tanstack/react-query';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import type { Subscription } from '../../api/shapes.js';
import { counted } from '../../parts/format.js';
import { Failure } from '../../parts/page.js';
import { Section } from '../../parts/section.js';
import { JobProgress } from '../jobs/job-progress.js';

/** How often the deliveries are counted, in milliseconds. */
const RENEW_MS = 15_000;

export function SendWaiting({ subscription: { id } }: { subscription: Subscription }) {
  const { client } = useSession();
  const body = { action: 'retry', filter: { subscriptionId: id } } as const;
  const { data: found } = useQuery({
    queryKey: ['waiting', id],
    queryFn: () => unwrap(client.POST('/v1/jobs', { body: { ...body, dryRun: true } })),
    refetchInterval: RENEW_MS,
  });
  const start = useMutation({
    mutationFn: async () => {
      const job = await unwrap(client.POST('/v1/jobs', { body }));
      if ('dryRun' in job) throw new Error('the response is a count');
      return job;
    },
  });
  const total = found?.total ?? 0;
  if (total === 0 && !start.data) return null;
  return (
    <Section title="Waiting for their next attempt">
      {start.data ? (
        <JobProgress first={start.data} />
      ) : (
        <div className="row">
          <span>{counted(total ?? 0, 'delivery waits', 'deliveries wait')} for the next attempt.</span>
          <Button size="xs" loading={start.isPending} onClick={() => start.mutate()}>
            Send {total === 1 ? 'it' : 'them'} now
          </Button>
        </div>
      )}
      {start.error && <Failure error={start.error} />}
    </Section>
  );
}
