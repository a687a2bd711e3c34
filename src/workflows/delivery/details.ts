/**
 * The current details of a delivery in Temporal's UI, in Markdown. They are computed when the UI queries them, so they
 * add nothing to the history.
 */
import { setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import { searchAttributes } from '../names.js';
import type { DeliveryInput } from '../types.js';

/** Number of future attempts that are listed one by one. */
const LISTED = 4;

/** An empty paragraph: the frame for details in Temporal's UI is one line too short when they end in a list. */
const EMPTY_PARAGRAPH = '\u00a0';

/** Attempts are being made from this position of the schedule on. */
export function showAttempting(input: DeliveryInput, position: number): void {
  const { schedule } = input;
  const attempts = schedule.length + 1;
  show(
    input,
    `**Attempting** by the schedule, from attempt ${position + 1} of ${attempts} on. Pending Activities shows the ` +
      'current attempt, the last failure and the next time.',
    plan(schedule, position),
  );
}

/** A sender makes the first attempt. */
export function showDirect(input: DeliveryInput): void {
  show(input, '**Attempting** for the first time, without a workflow.');
}

/** Nothing is sent until a time, in Unix milliseconds. */
export function showWaiting(input: DeliveryInput, position: number, until: number, why: string): void {
  const attempt = `attempt ${position + 1} of ${input.schedule.length + 1}`;
  show(input, `**Waiting** until ${time(until)} UTC for ${attempt}: ${why}.`);
}

export function showPaused(input: DeliveryInput, reason: string): void {
  show(input, `**Paused**: ${reason}. The signal \`resume\` continues at the same position of the schedule.`);
}

/** The delivery has ended, or is about to. */
export function showEnded(input: DeliveryInput, how: string): void {
  show(input, `**${how}**`);
}

function show({ deliveryId, run }: DeliveryInput, ...[state, ...more]: [state: string, ...more: string[]]): void {
  const { typedSearchAttributes: attributes } = workflowInfo();
  const subscription = attributes.get(searchAttributes.subscription) ?? 'unknown';
  const facts = `Delivery \`${deliveryId}\`${run === 0 ? '' : `, redelivery ${run}`}, subscription \`${subscription}\``;
  setCurrentDetails([state, facts, ...more].join('\n\n'));
}

/** The times of future attempts if each fails at once, as a list. */
function plan(schedule: readonly number[], position: number): string {
  const waits = schedule.slice(position);
  const times = waits.reduce((before, wait) => [...before, before.at(-1)! + wait], [Date.now()]);
  const items = times.map((at, index) => `- attempt ${position + index + 1}: ${time(at)}`);
  const last = items.length > LISTED ? ['- …', items.at(-1)!] : [];
  return ['At the earliest (UTC):', '', ...items.slice(0, LISTED), ...last, '', EMPTY_PARAGRAPH].join('\n');
}

/** `2025-01-31 12:00:00` */
function time(at: number): string {
  return new Date(at).toISOString().slice(0, 19).replace('T', ' ');
}
