// node scripts/run.cjs <command> [arguments]: like run.mjs, with as many threads as the image has.
//
// Files and the names of our own servers take libuv's threads, of which there are four by default. Their number must be
// set before the first of them is used, and the loader of ES modules uses them before any line of ours.
process.env.UV_THREADPOOL_SIZE ??= '64';
import('./run.mjs');
