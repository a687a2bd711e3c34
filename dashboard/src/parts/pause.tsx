/** Pausing and resuming a subscription or an account: the button and the note. */
import { Alert, Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { Failure } from './page.js';
import { Moment } from './time.js';
import { capital, useWords } from './words.js';

/** What the API says of the pause of a subscription or account. */
export interface PauseState {
  readonly pausedAt: string | null;
  readonly pausedReason: string | null;
  readonly resumeRatePerSecond: number | null;
}

interface Props {
  readonly state: PauseState;
  readonly pause: () => Promise<unknown>;
  readonly resume: () => Promise<unknown>;
}

export function PauseButton({ state: { pausedAt }, pause, resume }: Props) {
  const change = useMutation({ mutationFn: () => (pausedAt === null ? pause() : resume()) });
  return (
    <>
      <Button size="xs" variant="default" loading={change.isPending} onClick={() => change.mutate()}>
        {pausedAt === null ? 'Pause' : 'Resume'}
      </Button>
      {change.error && <Failure error={change.error} />}
    </>
  );
}

/** Nothing while it is not paused and nothing of a pause remains to be sent. */
export function PauseNote({ state: { pausedAt, pausedReason, resumeRatePerSecond } }: Pick<Props, 'state'>) {
  const { deliveries } = useWords();
  if (pausedAt !== null)
    return (
      <Alert variant="light" color="yellow" role="note" title="Paused">
        {capital(deliveries)} wait since <Moment at={pausedAt} />.{pausedReason && ` Reason: ${pausedReason}`}
      </Alert>
    );
  if (resumeRatePerSecond === null) return null;
  return (
    <Alert variant="light" color="yellow" role="note" title="Resumed">
      What waited is being sent, at most {resumeRatePerSecond} {deliveries} per second.
    </Alert>
  );
}
