/** When attempts are made, drawn to scale. */
import type { Contract } from '../../api/shapes.js';
import { counted, duration } from '../../parts/format.js';
import { Section } from '../../parts/section.js';
import { TimeStrip } from '../../parts/time-strip.js';
import { attemptTimes, groupSchedules, type ScheduleGroup } from './group-schedules.js';
import styles from './schedules.module.css';

/** Of long lists of events the first are named. */
const NAMED = 4;

export function Schedules({ contract: { events } }: { contract: Contract }) {
  const groups = groupSchedules(events);
  return (
    <Section title={groups.length === 1 ? 'Schedule' : 'Schedules'}>
      <div className={styles.groups}>
        {groups.map((group) => (
          <OneSchedule key={group.types[0]} group={group} alone={groups.length === 1} />
        ))}
      </div>
    </Section>
  );
}

function OneSchedule({ group: { types, waits, timeLimitMs }, alone }: { group: ScheduleGroup; alone: boolean }) {
  const times = attemptTimes(waits);
  const span = times.at(-1) ?? 0;
  const more = types.length - NAMED;
  const words =
    waits.length === 0 ? 'one attempt, no retry' : `${counted(times.length, 'attempt')} over ${duration(span)}`;
  return (
    <div>
      <h3>{alone ? 'All events' : `${types.slice(0, NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`}</h3>
      <p className="muted">
        {words}; each may take {duration(timeLimitMs)}
      </p>
      {waits.length > 0 && (
        <>
          <TimeStrip
            label={`${words}: waits of ${waits.map(duration).join(', ')}`}
            marks={times.map((at, index) => ({
              at,
              kind: 'attempt',
              title: index === 0 ? 'attempt 1, at once' : `attempt ${index + 1}, after ${duration(at)}`,
            }))}
          />
          <p className={`muted ${styles.waits}`}>
            at once
            {runs(waits).map(({ wait, times: repeated }, index) => (
              <span key={index}>
                {' → '}
                {duration(wait)}
                {repeated > 1 && ` × ${repeated}`}
              </span>
            ))}
          </p>
        </>
      )}
    </div>
  );
}

/** Equal waits that follow each other, counted. */
function runs(waits: readonly number[]): { wait: number; times: number }[] {
  const found: { wait: number; times: number }[] = [];
  for (const wait of waits) {
    const last = found.at(-1);
    if (last?.wait === wait) last.times += 1;
    else found.push({ wait, times: 1 });
  }
  return found;
}
