/**
 * Evaluates alert rules and sends what they have raised. An alert and its message are committed together before anything
 * is sent, so that a crash loses neither; a message whose sender died is sent again.
 */
import { alertContent, type AlertMessageType } from '../../contract/alert-texts.js';
import { changedAlerts, groupAlerts, MAX_OPEN_ALERTS, type AlertMatch, type AlertRule } from '../../contract/alerts.js';
import { newId } from '../../contract/ids.js';
import { deleteOldAlerts, endAlerts, insertAlerts, openAlerts, recordRepeats } from '../../store/alerts/alerts.js';
import { findMatches } from '../../store/alerts/matches.js';
import {
  claimMessages,
  findContact,
  insertMessages,
  recordSent,
  recordUnsent,
  type ClaimedMessage,
  type NewMessage,
} from '../../store/alerts/messages.js';
import { enabledRuleIds, findRule, lockRule } from '../../store/alerts/rules.js';
import { inTransaction, type Store } from '../../store/store.js';
import { sendAlert, type AlertSender } from './send.js';

/** Messages that are sent at once. */
const AT_ONCE = 10;
/** After so long no further messages are claimed, in milliseconds; the next sweep continues. */
const SENDING_MS = 20_000;

export interface AlertRunner extends AlertSender {
  readonly store: Store;
  /** Called when a rule cannot be evaluated now; the next sweep tries again. */
  readonly onError: (error: unknown, ruleId: string) => void;
  /** Called after each step. */
  readonly onProgress?: () => void;
}

/** Evaluates all rules once, and sends messages for at most half a minute or so. */
export async function runAlerts(runner: AlertRunner): Promise<void> {
  for (const ruleId of await enabledRuleIds(runner.store)) {
    await evaluateRule(runner.store, ruleId).catch((error: unknown) => runner.onError(error, ruleId));
    runner.onProgress?.();
  }
  await sendDue(runner);
  await deleteOldAlerts(runner.store);
}

/** Raises, repeats and ends the alerts of one rule, and writes the messages about it. */
export async function evaluateRule(store: Store, ruleId: string, now = new Date()): Promise<void> {
  await inTransaction(store, async (client) => {
    // The lock makes processes that evaluate at the same time do it one after the other.
    const rule = await lockRule(store, client, ruleId);
    if (!rule?.enabled) return;
    const open = await openAlerts(client, ruleId);
    const known = open.map(({ objectId }) => objectId);
    const { matches, total } = await findMatches(store, rule, known, MAX_OPEN_ALERTS);
    const { raised, repeated, ended } = changedAlerts(rule, matches, open, now);
    const toRaise = raised.map((match) => ({ ...match, id: newId('alt') }));
    // What has no alert of its own is mentioned once, with those that have one.
    const isFull = toRaise.length > 0 && toRaise.length + open.length >= MAX_OPEN_ALERTS;
    const more = isFull && rule.target.kind !== 'customer' ? Math.max(total - matches.length, 0) : 0;
    const messages = [
      ...write('alert.raised', rule, toRaise, now, more),
      ...write('alert.repeated', rule, repeated, now),
      ...write('alert.ended', rule, ended, now),
    ];
    await insertMessages(
      client,
      ruleId,
      messages.map(({ message }) => message),
    );
    const of = (type: AlertMessageType) =>
      messages
        .filter(({ message }) => message.content.body.type === type)
        .flatMap(({ message, alerts }) => alerts.map((alert) => ({ ...alert, messageId: message.id })));
    await insertAlerts(client, ruleId, of('alert.raised'));
    await recordRepeats(client, of('alert.repeated'));
    await endAlerts(client, of('alert.ended'));
  });
}

type Mentioned = AlertMatch & { readonly id: string };

function write(
  type: AlertMessageType,
  rule: AlertRule,
  alerts: readonly Mentioned[],
  now: Date,
  more = 0,
): { readonly message: NewMessage; readonly alerts: readonly Mentioned[] }[] {
  const isMail = rule.target.kind === 'mail' || rule.target.kind === 'customer';
  return groupAlerts(rule.target, alerts).map(({ accountId, alerts: grouped }) => ({
    message: {
      ...{ id: newId('alm'), ruleId: rule.id, accountId, isMail },
      content: alertContent({ type, rule, alerts: grouped, more, now }),
    },
    alerts: grouped,
  }));
}

/** Sends messages that are due until none is, or the time is over. */
export async function sendDue(runner: AlertRunner): Promise<void> {
  const until = performance.now() + SENDING_MS;
  while (performance.now() < until) {
    const claimed = await claimMessages(runner.store, AT_ONCE);
    if (claimed.length === 0) return;
    await Promise.all(claimed.map((message) => sendClaimed(runner, message)));
    runner.onProgress?.();
  }
}

async function sendClaimed(runner: AlertRunner, message: ClaimedMessage): Promise<void> {
  const { store } = runner;
  try {
    // The rule as it is now: its URL or secret may have been corrected.
    const target = (await findRule(store, message.ruleId))?.target;
    if (!target) return;
    const error = await sendTo(runner, message, target);
    if (error === undefined) await recordSent(store, message.id);
    else await recordUnsent(store, message, error.text, error.isFinal);
  } catch (error) {
    // The claim ends by itself, so that the message is tried again.
    runner.onError(error, message.ruleId);
  }
}

async function sendTo(
  runner: AlertRunner,
  { id, accountId, content }: ClaimedMessage,
  target: AlertRule['target'],
): Promise<{ readonly text: string; readonly isFinal?: boolean } | undefined> {
  // What was written for customers is for no one else, and what was written for operators is not for customers.
  if ((accountId === null) === (target.kind === 'customer'))
    return { text: 'the target of the rule was changed', isFinal: true };
  if (target.kind !== 'customer') return failure(await sendAlert(runner, { id, target, content }));
  const to = await findContact(runner.store, accountId!);
  if (to === null) return { text: 'the account has no contactEmail', isFinal: true };
  return failure(await sendAlert(runner, { id, target: { kind: 'mail', to }, content }));
}

function failure(error: string | undefined): { readonly text: string } | undefined {
  return error === undefined ? undefined : { text: error.slice(0, 500) };
}
