/**
 * What Temporal's UI shows of a delivery as its current details, in Markdown. It is computed when somebody looks, so it
 * costs no history.
 */
import { setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import { searchAttributes } from '../names.js';
import type { DeliveryInput } from '../types.js';

/** How many attempts to come are listed one by one. */
const LISTED = 4;

/** A paragraph of nothing: the UI's frame for details is a line too short for those that end in a list. */
const ROOM = '\u00a0';

/** Attempts are being made from this place of the schedule on. */
export function showAttempting(input: DeliveryInput, position: number): void {
  const { schedule } = input;
  const attempts = schedule.length + 1;
  show(
    input,
    `**Attempting** by the schedule, from attempt ${position + 1} of ${attempts} on. Pending Activities tells the ` +
      'attempt it has come to, the last failure and the next time.',
    plan(schedule, position),
  );
}

/** A batch makes the first attempt. */
export function showBatched(input: DeliveryInput): void {
  show(input, '**Attempting** for the first time, together with others in a batch.');
}

/** Nothing is sent until a time, in Unix milliseconds. */
export function showWaiting(input: DeliveryInput, position: number, until: number, why: string): void {
  const attempt = `attempt ${position + 1} of ${input.schedule.length + 1}`;
  show(input, `**Waiting** until ${time(until)} UTC for ${attempt}: ${why}.`);
}

export function showPaused(input: DeliveryInput, reason: string): void {
  show(input, `**Paused**: ${reason}. It goes on at the same place of the schedule by the signal \`resume\`.`);
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

/** When the attempts to come are made if each fails at once, as a list. */
function plan(schedule: readonly number[], position: number): string {
  const waits = schedule.slice(position);
  const times = waits.reduce((before, wait) => [...before, before.at(-1)! + wait], [Date.now()]);
  const lines = times.map((at, index) => `- attempt ${position + index + 1}: ${time(at)}`);
  const last = lines.length > LISTED ? ['- …', lines.at(-1)!] : [];
  return ['At the earliest (UTC):', '', ...lines.slice(0, LISTED), ...last, '', ROOM].join('\n');
}

/** A time as people read it, to the second. */
function time(at: number): string {
  return new Date(at).toISOString().slice(0, 19).replace('T', ' ');
}
