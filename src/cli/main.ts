#!/usr/bin/env node
/** The command line. */
import './node-version.js';
import '../server/threads.js';
import '../server/memory.js';
import { run } from './run.js';
import { processTerminal } from './terminal.js';

void run(process.argv.slice(2), processTerminal()).then((exitCode) => {
  // Not by exit code alone: Temporal's runtime would keep a process that could not start, and no supervisor would see it.
  if (exitCode !== 0) process.exit(exitCode);
});
