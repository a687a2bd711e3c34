/** A stretch of time drawn to scale, with a mark for each attempt on it. */
import styles from './time-strip.module.css';
import { ticks } from './ticks.js';
import { duration } from './format.js';

export interface Mark {
  /** Milliseconds from the start of the strip. */
  readonly at: number;
  /** What it looks like: an outcome, or `coming`. */
  readonly kind: 'accepted' | 'refused' | 'failed' | 'interrupted' | 'coming' | 'attempt';
  /** Said of it to a pointer. */
  readonly title: string;
}

interface Props {
  readonly marks: readonly Mark[];
  /** Said of the whole to who cannot see it. */
  readonly label: string;
  /** Where the present stands, in milliseconds from the start; nothing is drawn when it is beyond the end. */
  readonly now?: number;
}

export function TimeStrip({ marks, label, now }: Props) {
  const span = Math.max(1, ...marks.map(({ at }) => at));
  const position = (at: number) => ({ left: `${(100 * at) / span}%` });
  return (
    <div className={styles.strip} role="img" aria-label={label}>
      <div className={styles.track}>
        {ticks(span).map((at) => (
          <span key={at} className={styles.tick} style={position(at)}>
            <span className={styles.tickLabel}>{at === 0 ? '0' : duration(at)}</span>
          </span>
        ))}
        {now !== undefined && now < span && (
          <span className={styles.now} style={position(Math.max(0, now))} title="now" />
        )}
        {marks.map(({ at, kind, title }, index) => (
          <span key={index} className={styles.mark} data-kind={kind} style={position(at)} title={title} />
        ))}
      </div>
    </div>
  );
}
