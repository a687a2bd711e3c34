import { Runtime } from '@temporalio/worker';
import type { WatchedRuntime } from './leak-check-environment.js';

/** Import this where a test may start the runtime of Temporal's SDK: a file that leaves it running fails. */
(globalThis as WatchedRuntime).temporalRuntime = Runtime;
