/**
 * How V8 keeps house. By default it lets garbage grow to several times of what is in use before it looks at all of it:
 * under load that was half a gigabyte for 80 MB. With more room for the young, fewer objects are taken for old while a
 * burst is carried; with less for the old, what was taken for old is soon found. `docs/performance.md` has the figures.
 */
import { setFlagsFromString } from 'v8';

setFlagsFromString('--max-semi-space-size=32');
setFlagsFromString('--heap-growing-percent=100');
