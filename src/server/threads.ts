/**
 * Files and the names of our own servers take libuv's threads, of which there are four by default. Receivers' names take
 * none. Import this before anything else; once a thread has been used their number is fixed.
 */
process.env.UV_THREADPOOL_SIZE ??= '64';
