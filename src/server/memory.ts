/**
 * How V8 keeps house. By default it lets garbage grow to several times of what is in use before it looks at all of it:
 * under load that was 340 MB for the 80 in use. `docs/performance.md` has the figures.
 */
import { setFlagsFromString } from 'v8';

/** How much the heap may grow, in percent of what was in use, before all of it is looked at. */
setFlagsFromString('--heap-growing-percent=100');
