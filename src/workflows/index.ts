/** The workflows a worker registers. */
export { delivery } from './delivery/workflow.js';
export { broadcast } from './broadcast.js';
export { deliveryJob } from './job.js';
export { recovery } from './recovery.js';
export { resumePaused } from './resume-paused.js';
export { maintenance } from './maintenance.js';
export { breaker } from './breaker.js';
