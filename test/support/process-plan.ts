/** The plan of a process of `process.ts`. */
import type { WorkflowMode } from '../../src/config/defaults.js';

export interface ProcessPlan {
  readonly role: 'api' | 'worker';
  readonly databaseUrl: string;
  /** The key of the database's secrets, in hex. */
  readonly databaseKey: string;
  readonly temporalAddress: string;
  /** Path of the bundled workflow code. */
  readonly workflowBundle: string;
  /** When a delivery gets a workflow; always before its first attempt when absent. */
  readonly workflows?: WorkflowMode;
  readonly death?: Death;
}

/** Where the process kills itself, as `kill -9` would. */
export interface Death {
  /** A statement to the database, a request to a receiver or the start of a workflow. */
  readonly point: 'statement' | 'request' | 'start';
  readonly when: 'before' | 'after';
  /** Part of the statement's name or text, the request's URL or the workflow's type; any when absent. */
  readonly matching?: string;
  /** Which of the matching ones; the first when absent. */
  readonly nth?: number;
}

/** Printed when it is ready, followed by its address if it has one. */
export const READY = 'ready ';
