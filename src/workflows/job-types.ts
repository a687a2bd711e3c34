/** Payloads between the workflow of a job, its activities and the API. */
import { defineSignal } from '@temporalio/workflow';
import { finishedStates } from './recovery-types.js';

/** Sent whenever the row of the job was changed: paused, resumed or cancelled. */
export const jobChangedSignal = defineSignal('changed');

/** The commands that a job can send. */
export const jobActions = ['retry', 'pause', 'resume', 'cancel', 'redeliver'] as const;
export type JobAction = (typeof jobActions)[number];

/** For each action the states of the deliveries that accept it, those of a job that names none, and why no others. */
export const actionStates = {
  retry: { states: ['retrying'], usual: ['retrying'], why: 'only a retrying delivery can be retried' },
  pause: {
    states: ['pending', 'retrying'],
    usual: ['pending', 'retrying'],
    why: 'only a pending or retrying delivery can be paused',
  },
  resume: { states: ['paused'], usual: ['paused'], why: 'only a paused delivery can be resumed' },
  cancel: {
    states: ['pending', 'retrying', 'paused'],
    usual: ['pending', 'retrying', 'paused'],
    why: 'only an open delivery can be cancelled',
  },
  redeliver: { states: finishedStates, usual: ['failed'], why: 'only a finished delivery can be redelivered' },
} as const;

export const jobStates = ['running', 'paused', 'completed', 'cancelled'] as const;
export type JobState = (typeof jobStates)[number];

/** A delivery of a page, with the numbers of its last redelivery and of its attempts when it was found. */
export interface JobItem {
  readonly id: string;
  readonly run: number;
  readonly attempts: number;
}

/** The next deliveries of a job. */
export interface JobPage {
  readonly state: JobState;
  readonly ratePerSecond: number;
  /** Empty unless the job is running. */
  readonly items: readonly JobItem[];
  /** The position before the page. */
  readonly afterId: string;
  /** Whether no delivery follows. */
  readonly isLast: boolean;
}

/** A page whose command is to be sent. */
export interface JobPageTask {
  readonly jobId: string;
  readonly items: readonly JobItem[];
  readonly afterId: string;
  readonly isLast: boolean;
}

/** The progress of a job. */
export interface JobProgress {
  readonly total: number | null;
  readonly done: number;
  readonly skipped: number;
}

/** The activities of a job; each is idempotent. */
export interface JobActivities {
  /** Counts its deliveries, unless that was done. */
  countJob(jobId: string): Promise<JobProgress>;
  /** Reads state, rate and the next deliveries. */
  nextJobPage(jobId: string): Promise<JobPage>;
  /** Sends the command to the deliveries of a page and records the progress. */
  applyJobPage(task: JobPageTask): Promise<JobProgress>;
  /** Records that it was cancelled, unless it has ended. */
  endJob(jobId: string): Promise<void>;
}
