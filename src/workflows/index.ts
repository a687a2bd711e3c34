/** The workflows a worker registers. */
export { burst } from './batch.js';
export { delivery } from './delivery/workflow.js';
export { recovery } from './recovery.js';
export { upkeep } from './maintenance.js';
