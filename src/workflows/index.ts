/** The workflows a worker registers. */
export { batch } from './batch.js';
export { delivery } from './delivery/workflow.js';
export { recovery } from './recovery.js';
export { maintenance } from './maintenance.js';
