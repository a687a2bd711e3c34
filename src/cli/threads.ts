/**
 * Names are looked up on libuv's threads, of which there are four by default: too few for many receivers at once. Import
 * this before anything else; once a thread has been used their number is fixed.
 */
process.env.UV_THREADPOOL_SIZE ??= '64';
