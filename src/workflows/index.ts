/** The workflows a worker registers. */
export { burst } from './burst.js';
export { delivery } from './delivery.js';
export { recovery } from './recovery.js';
export { upkeep } from './upkeep.js';
