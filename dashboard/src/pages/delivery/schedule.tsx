/** Past attempts and those to come on a time axis. */
import type { Attempt, DeliveryDetail } from '../../api/shapes.js';
import { counted, duration, moment } from '../../parts/format.js';
import { Section } from '../../parts/section.js';
import { Ago, useNow } from '../../parts/time.js';
import { TimeStrip, type Mark } from '../../parts/time-strip.js';
import { outcomeText } from '../../../../src/client/outcome-text.js';
import styles from './schedule.module.css';

/** Of a long schedule the next few are listed; the strip shows them all. */
const LISTED = 4;

export function Schedule({ delivery }: { delivery: DeliveryDetail }) {
  const now = useNow(1_000);
  const { attempts, schedule, state } = delivery;
  const coming = schedule.filter(({ at }) => at !== null);
  const times = [
    ...attempts.map(({ startedAt }) => Date.parse(startedAt)),
    ...coming.map(({ at }) => Date.parse(at ?? '')),
  ];
  const start = times.length > 0 ? Math.min(...times) : now;
  const marks: Mark[] = [
    // The past is drawn above what is to come.
    ...coming.map(({ at, waitMs }) => ({
      at: Date.parse(at ?? '') - start,
      kind: 'coming' as const,
      title: `about ${moment(at ?? '')}, ${duration(waitMs)} after the attempt before`,
    })),
    ...attempts.map((attempt) => ({
      at: Date.parse(attempt.startedAt) - start,
      kind: attempt.outcome,
      title: `${attemptName(attempt)}, ${moment(attempt.startedAt)}: ${outcomeText(attempt)}`,
    })),
  ];
  if (marks.length < 2 && schedule.length === 0) return null;
  return (
    <Section title="Schedule" beside={<span className="muted">{summary(delivery)}</span>}>
      {marks.length > 1 && (
        <TimeStrip
          marks={marks}
          now={now - start}
          label={`${counted(attempts.length, 'attempt')} made, ${count(schedule.length)} to come`}
        />
      )}
      {schedule.length > 0 && (
        <ol className={styles.coming}>
          {schedule.slice(0, LISTED).map(({ position, waitMs, at }) => (
            <li key={position} className={styles.row}>
              <span>{at ? <Ago at={at} /> : 'when resumed'}</span>
              <span className="muted">{waitMs > 0 && `${duration(waitMs)} after the attempt before`}</span>
              <span className="muted number">{at ? moment(at) : ''}</span>
            </li>
          ))}
          {schedule.length > LISTED && (
            <li className="muted">and {counted(schedule.length - LISTED, 'attempt')} more</li>
          )}
        </ol>
      )}
      {schedule.length === 0 && (state === 'retrying' || state === 'pending') && (
        <p className="muted">The attempt that is due is the last of the schedule.</p>
      )}
    </Section>
  );
}

function summary({ attempts, schedule }: DeliveryDetail): string {
  return `${counted(attempts.length, 'attempt')} made, ${schedule.length > 0 ? count(schedule.length) : 'none'} to come`;
}

function attemptName({ number, run }: Attempt): string {
  return run > 0 ? `Attempt ${number}, redelivery ${run}` : `Attempt ${number}`;
}

function count(value: number): string {
  return value === 0 ? 'none' : String(value);
}
