/** The workflows a worker registers. */
export { delivery } from './delivery.js';
export { recovery } from './recovery.js';
export { upkeep } from './upkeep.js';
