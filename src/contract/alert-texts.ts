/** The messages about alerts, for people and for programs. Pure. */
import { INSTALLATION, type AlertCondition, type AlertMatch, type AlertRule, type AlertTarget } from './alerts.js';

/** Why a message is sent. */
export const alertMessageTypes = ['alert.raised', 'alert.repeated', 'alert.ended', 'alert.test'] as const;
export type AlertMessageType = (typeof alertMessageTypes)[number];

/** A message in both forms. */
export interface AlertContent {
  /** One line. */
  readonly subject: string;
  readonly text: string;
  /** What a webhook gets. */
  readonly body: AlertBody;
}

export interface AlertBody {
  readonly type: AlertMessageType;
  /** When it was written, ISO 8601. */
  readonly timestamp: string;
  readonly data: {
    readonly rule: Pick<AlertRule, 'id' | 'name' | 'condition' | 'minutes'>;
    /** How many alerts it is about. */
    readonly total: number;
    /** The first twenty of them. */
    readonly alerts: readonly AlertBodyEntry[];
  };
}

interface AlertBodyEntry {
  /** Absent in a test. */
  readonly id?: string;
  /** Null for a backlog. */
  readonly subscriptionId: string | null;
  /** Null for a backlog of all accounts. */
  readonly accountId: string | null;
  readonly accountName: string | null;
  readonly url: string | null;
  readonly since: string;
  readonly detail: string;
}

/** Alerts that a message lists; more are counted. */
const MAX_LISTED = 20;
/** Longer URLs and names are cut in texts, in characters. */
const MAX_QUOTED = 300;

/** What a message is about: of a test, an alert that no rule has raised. */
export interface AlertMessage {
  readonly type: AlertMessageType;
  readonly rule: AlertRule;
  readonly alerts: readonly (AlertMatch & { readonly id?: string })[];
  /** Objects beyond those that have an alert of their own. */
  readonly more?: number;
  readonly now: Date;
}

/** Writes a message. */
export function alertContent({ type, rule, alerts, more = 0, now }: AlertMessage): AlertContent {
  const { id, name, condition, minutes, target } = rule;
  const total = alerts.length + more;
  const listed = alerts.slice(0, MAX_LISTED);
  const lines = listed.map((alert) => `- ${describe(condition, target, alert, now)}`);
  if (total > listed.length) lines.push(`- and ${total - listed.length} more`);
  const opening = target.kind === 'customer' ? '' : `Rule: ${name}\n\n`;
  return {
    subject: subjectOf(type, condition, target, alerts, total),
    text: `${opening}${INTRODUCTIONS[type]}\n\n${lines.join('\n')}\n`,
    body: {
      type,
      timestamp: now.toISOString(),
      data: { rule: { id, name, condition, minutes }, total, alerts: listed.map((alert) => toEntry(condition, alert)) },
    },
  };
}

const INTRODUCTIONS: Readonly<Record<AlertMessageType, string>> = {
  'alert.raised': 'This needs attention:',
  'alert.repeated': 'This still needs attention:',
  'alert.ended': 'This is over:',
  'alert.test': 'This is a test. A real message would list what needs attention:',
};

const PREFIXES: Readonly<Record<AlertMessageType, string>> = {
  'alert.raised': '',
  'alert.repeated': 'Still: ',
  'alert.ended': 'Over: ',
  'alert.test': 'Test: ',
};

/** Each condition for one object, and for several. */
const NAMES: Readonly<Record<AlertCondition, readonly [one: string, several: string]>> = {
  subscription_failing: ['webhook endpoint fails', 'webhook endpoints fail'],
  subscription_disabled: ['webhook endpoint was disabled', 'webhook endpoints were disabled'],
  breaker_open: ['webhook endpoint is paused after failures', 'webhook endpoints are paused after failures'],
  backlog_older_than: ['deliveries wait', 'deliveries wait'],
};

function subjectOf(
  type: AlertMessageType,
  condition: AlertCondition,
  target: AlertTarget,
  [first]: AlertMessage['alerts'],
  total: number,
): string {
  const [one, several] = NAMES[condition];
  if (total > 1 || !first) return `${PREFIXES[type]}${total} ${several}`;
  const object = nameOf(target, first);
  return `${PREFIXES[type]}${one}: ${object}`;
}

function describe(condition: AlertCondition, target: AlertTarget, alert: AlertMatch, now: Date): string {
  const { since, facts } = alert;
  const id = condition === 'backlog_older_than' || target.kind === 'customer' ? '' : ` (${alert.objectId})`;
  const account = target.kind === 'customer' || facts.accountName === null ? '' : ` of ${quote(facts.accountName)}`;
  const detail = facts.detail === '' ? '' : `; ${quote(facts.detail)}`;
  const what = facts.url === null ? nameOf(target, alert) : `${quote(facts.url)}${account}`;
  const minutes = Math.max(Math.round((now.getTime() - since.getTime()) / 60_000), 0);
  return `${what}${id}: ${STATES[condition]} since ${minuteOf(since)} (${minutes} min)${detail}`;
}

const STATES: Readonly<Record<AlertCondition, string>> = {
  subscription_failing: 'every attempt has failed',
  subscription_disabled: 'disabled',
  breaker_open: 'circuit breaker open',
  backlog_older_than: 'the oldest due delivery has waited',
};

function nameOf({ kind }: AlertTarget, { objectId, facts: { url, accountName } }: AlertMatch): string {
  if (objectId === INSTALLATION) return 'all accounts';
  if (url !== null) return quote(url);
  return kind === 'customer' ? 'your account' : quote(accountName ?? objectId);
}

function quote(text: string): string {
  return text.length <= MAX_QUOTED ? text : `${text.slice(0, MAX_QUOTED - 1).replace(/[\ud800-\udbff]$/, '')}…`;
}

/** Such as `2026-03-02 10:00 UTC`. */
function minuteOf(time: Date): string {
  return `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

function toEntry(condition: AlertCondition, alert: AlertMatch & { readonly id?: string }): AlertBodyEntry {
  const { id, objectId, accountId, since, facts } = alert;
  return {
    ...(id === undefined ? {} : { id }),
    subscriptionId: condition === 'backlog_older_than' ? null : objectId,
    accountId,
    ...facts,
    since: since.toISOString(),
  };
}
