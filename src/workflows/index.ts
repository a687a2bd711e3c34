/** The workflows a worker registers. */
export { delivery } from './delivery.js';
export { upkeep } from './upkeep.js';
