/** The state of a delivery: a word in its colour. */
import type { DeliveryState } from '../api/shapes.js';
import styles from './state-badge.module.css';

export function StateBadge({ state }: { state: DeliveryState }) {
  return (
    <span className={styles.badge} data-state={state}>
      {state}
    </span>
  );
}
