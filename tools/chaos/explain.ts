/** Why a request may have come again, or have no trace: a worker was hit before it could record the outcome. */
import type { Disturbance } from './faults.js';
import type { Fault } from './fault-plan.js';
import type { Arrival } from './receivers.js';

/** An outcome is recorded at once, or while the database is unavailable within a number of milliseconds. */
const RECORDING_MS = 15_000;
/** How much later than its signal a fault may be felt, in milliseconds. */
const FELT_WITHIN_MS = 1_000;

/** Whether the request was in flight, or its outcome still being recorded, when a worker died or stood still. */
export function explains({ fault, from, to }: Disturbance, { at, endedAt = Infinity }: Arrival): boolean {
  return hitsWorker(fault) && at <= to + FELT_WITHIN_MS && endedAt + RECORDING_MS >= from;
}

function hitsWorker(fault: Fault): boolean {
  if (fault.kind === 'kill') return fault.targets.some((target) => target.startsWith('worker'));
  return fault.kind === 'frozen' && fault.target.startsWith('worker');
}
