/**
 * V8's garbage collection. By default the heap grows to several times the memory in use before a full collection:
 * under load that was 340 MB for the 80 in use. `docs/performance.md` has the figures.
 */
import { setFlagsFromString } from 'node:v8';

/** How much the heap may grow, in percent of what was in use, before a full collection. */
setFlagsFromString('--heap-growing-percent=100');
