/** Where the time of an attempt went. */
import type { Attempt } from '../../api/shapes.js';
import { took } from '../../parts/format.js';
import { phasesOf } from './phase-list.js';
import styles from './phases.module.css';

export function Phases({ timings }: { timings: NonNullable<Attempt['timings']> }) {
  const phases = phasesOf(timings);
  return (
    <div>
      <h3>Duration by phase</h3>
      <div className={styles.bar} aria-hidden="true">
        {phases.map(({ name, ms }) => (
          <span key={name} data-phase={name} style={{ flexGrow: Math.max(ms, timings.totalMs / 200) }} />
        ))}
      </div>
      <dl className={styles.legend}>
        {phases.map(({ name, ms }) => (
          <div key={name} data-phase={name}>
            <dt>{name}</dt> <dd className="number">{took(ms)}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
