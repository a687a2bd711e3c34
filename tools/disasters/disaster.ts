/** The disasters: which databases are restored from a copy, and which are lost. */
import { TEMPORAL_DATABASES } from '../cluster/temporal.js';

export const PIGEONPOST_DATABASE = 'pigeonpost';
const TEMPORAL = Object.values(TEMPORAL_DATABASES);

export const disasterNames = ['database-older', 'temporal-older', 'temporal-lost', 'moved'] as const;
export type DisasterName = (typeof disasterNames)[number];

export interface Disaster {
  /** The databases that are copied under load, one after the other, and restored from these copies. */
  readonly restored: readonly string[];
  /** The databases that are deleted and created again, empty. */
  readonly lost: readonly string[];
  /** Whether everything is started elsewhere: on a copy of the data folder, with other ports. */
  readonly isMoved: boolean;
}

export const disasters: Readonly<Record<DisasterName, Disaster>> = {
  'database-older': { restored: [PIGEONPOST_DATABASE], lost: [], isMoved: false },
  'temporal-older': { restored: TEMPORAL, lost: [], isMoved: false },
  'temporal-lost': { restored: [], lost: TEMPORAL, isMoved: false },
  // Temporal is copied first, so that the database is the newer one.
  moved: { restored: [...TEMPORAL, PIGEONPOST_DATABASE], lost: [], isMoved: true },
};
