/** Sending again what a subscription has missed: counted first, then started and followed. */
import { Button, Progress } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { unwrap } from '../../../../src/client/client.js';
import { useSession } from '../../api/session.js';
import type { Contract, Recovery, Subscription } from '../../api/shapes.js';
import { Failure } from '../../parts/page.js';
import { Section } from '../../parts/section.js';
import { Ago } from '../../parts/time.js';
import { useWords } from '../../parts/words.js';
import { progressText } from './progress-text.js';
import { RecoverForm } from './recover-form.js';
import styles from './recoveries.module.css';

/** How often a running recovery is polled, in milliseconds. */
const FOLLOW_MS = 1_000;

interface Props {
  readonly subscription: Subscription;
  readonly contract: Contract | undefined;
}

export function Recoveries({ subscription, contract }: Props) {
  return (
    <Section title="Recover missed events">
      <RecoverForm subscription={subscription} contract={contract} />
      <RecoveryList subscription={subscription} />
    </Section>
  );
}

/** The recoveries of a subscription, newest first; nothing without any. */
export function RecoveryList({ subscription: { id, enabled } }: { subscription: Subscription }) {
  const { client } = useSession();
  const { data, error } = useQuery({
    queryKey: ['recoveries', id],
    queryFn: async ({ signal }) =>
      (await unwrap(client.GET('/v1/subscriptions/{id}/recoveries', { params: { path: { id } }, signal }))).data,
  });
  return (
    <>
      {error && <Failure error={error} />}
      {data && data.length > 0 && (
        <ol className={styles.list}>
          {data.map((recovery) => (
            <li key={recovery.id}>
              <OneRecovery first={recovery} isEnabled={enabled} />
            </li>
          ))}
        </ol>
      )}
    </>
  );
}

/** One recovery, followed while it runs. */
function OneRecovery({ first, isEnabled }: { first: Recovery; isEnabled: boolean }) {
  const { client } = useSession();
  const cache = useQueryClient();
  const params = { path: { id: first.id } };
  const { data: recovery } = useQuery({
    queryKey: ['recovery', first.id],
    queryFn: ({ signal }) => unwrap(client.GET('/v1/recoveries/{id}', { params, signal })),
    initialData: first,
    enabled: first.state === 'running',
    refetchInterval: (query) => (query.state.data?.state === 'running' ? FOLLOW_MS : false),
  });
  const cancel = useMutation({
    mutationFn: () => unwrap(client.POST('/v1/recoveries/{id}/cancel', { params })),
    onSettled: () => cache.invalidateQueries({ queryKey: ['recovery', first.id] }),
  });
  const words = useWords();
  const { state, total, recovered, skipped } = recovery;
  const done = recovered + skipped;
  return (
    <div className={styles.recovery}>
      <div className="row">
        <strong>{state}</strong>
        <span className="muted">
          {progressText(recovery, isEnabled, words)} · <Ago at={recovery.createdAt} />
        </span>
        {recovery.temporalUrl && (
          <a href={recovery.temporalUrl} target="_blank" rel="noreferrer">
            in Temporal
          </a>
        )}
        {state === 'running' && (
          <Button size="compact-xs" variant="default" loading={cancel.isPending} onClick={() => cancel.mutate()}>
            End it
          </Button>
        )}
      </div>
      {state === 'running' && (
        <Progress value={total ? (100 * done) / total : 0} aria-label="Progress of the recovery" animated />
      )}
      {cancel.error && <Failure error={cancel.error} />}
    </div>
  );
}
