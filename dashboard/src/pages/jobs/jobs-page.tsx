/** Jobs: what was started for many deliveries, and how far it has come. */
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import type { Job } from '../../api/shapes.js';
import { Empty, Failure, Loading, PageHead } from '../../parts/page.js';
import { Section } from '../../parts/section.js';
import { Ago } from '../../parts/time.js';
import { JobProgress } from './job-progress.js';

/** How often the list is renewed, in milliseconds. */
const RENEW_MS = 10_000;

export function JobsPage() {
  const { client } = useSession();
  const { data, error, refetch } = useQuery({
    queryKey: ['jobs'],
    queryFn: ({ signal }) => unwrap(client.GET('/v1/jobs', { params: { query: { limit: 50 } }, signal })),
    refetchInterval: RENEW_MS,
  });
  return (
    <div className="stack">
      <PageHead title="Jobs">
        <Link href="/deliveries">Deliveries</Link>
      </PageHead>
      {error && <Failure error={error} retry={() => void refetch()} />}
      {!data && !error && <Loading lines={6} />}
      {data?.data.length === 0 && (
        <Empty title="No jobs">A job is started by a command for all deliveries that a list shows.</Empty>
      )}
      {data?.data.map((job) => (
        <Section
          key={job.id}
          title={job.action}
          beside={
            <span className="muted">
              <Ago at={job.createdAt} />
            </span>
          }
        >
          <p className="muted">{describe(job)}</p>
          <JobProgress key={job.state} first={job} />
        </Section>
      ))}
    </div>
  );
}

/** Which deliveries a job is for, in words. */
function describe({ filter, ratePerSecond, reason, action }: Job): string {
  const { states, deliveryIds, to: _, ...named } = filter;
  const of = deliveryIds === undefined ? Object.entries(named).map(([name, value]) => `${name} ${String(value)}`) : [];
  const which = deliveryIds === undefined ? `all ${states.join(', ')}` : `${deliveryIds} ticked`;
  const why = action === 'cancel' || action === 'pause' ? [`reason: ${reason}`] : [];
  return [which, ...of, `at most ${ratePerSecond} per second`, ...why].join(' · ');
}
