/** What alerts are about, and when they are raised, repeated and over. Pure. */

/** What a rule looks for. */
export const alertConditions = [
  'subscription_failing',
  'subscription_disabled',
  'breaker_open',
  'backlog_older_than',
] as const;
export type AlertCondition = (typeof alertConditions)[number];

/** Where the messages of a rule are sent. URLs and secrets are secret. */
export type AlertTarget =
  /** Signed JSON, as Standard Webhooks defines it. */
  | { readonly kind: 'webhook'; readonly url: string; readonly secret: string }
  /** `{"text": …}`, as Slack's incoming webhooks accept it. */
  | { readonly kind: 'slack'; readonly url: string }
  | { readonly kind: 'mail'; readonly to: string }
  /** A mail to the contact of the account concerned. */
  | { readonly kind: 'customer' };

export interface AlertRule {
  readonly id: string;
  readonly name: string;
  readonly condition: AlertCondition;
  /** How long the condition must hold, in minutes. */
  readonly minutes: number;
  /** Only this account; null for all. */
  readonly accountId: string | null;
  /** Null when an alert is not repeated. */
  readonly repeatAfterMinutes: number | null;
  readonly target: AlertTarget;
  readonly enabled: boolean;
  readonly createdAt: Date;
}

/** What messages say of the object of an alert. */
export interface AlertFacts {
  /** Null for the installation. */
  readonly accountName: string | null;
  /** URL of the subscription; null for a backlog, and for a subscription that is polled. */
  readonly url: string | null;
  /** The reason in words; empty when there is none. */
  readonly detail: string;
}

/** An object for which the condition of a rule holds. */
export interface AlertMatch {
  /** Id of a subscription or an account, or `installation`. */
  readonly objectId: string;
  readonly accountId: string | null;
  readonly since: Date;
  readonly facts: AlertFacts;
}

/** An alert that was raised. */
export interface RaisedAlert extends AlertMatch {
  readonly id: string;
  /** When the last message about it was written. */
  readonly lastMessageAt: Date;
}

/** The object of a backlog of all accounts. */
export const INSTALLATION = 'installation';

/** Alerts of one rule that last at the same time; further objects are counted, but have no alert of their own. */
export const MAX_OPEN_ALERTS = 10_000;
/** Accounts whose contacts one evaluation of a rule writes to; the next evaluation continues with others. */
export const MAX_CONTACTS = 100;
/** Alerts of one kind that get messages of their own; more are summarized in one. */
export const MAX_SINGLE = 5;

const MINUTE_MS = 60_000;

export interface AlertChanges {
  readonly raised: readonly AlertMatch[];
  readonly repeated: readonly RaisedAlert[];
  readonly ended: readonly RaisedAlert[];
}

/**
 * Compares what matches a rule now with its open alerts. Each object has one alert while it matches, which is repeated
 * only if the rule says so. `matches` has every open alert whose object still matches.
 */
export function changedAlerts(
  { repeatAfterMinutes, target }: Pick<AlertRule, 'repeatAfterMinutes' | 'target'>,
  matches: readonly AlertMatch[],
  open: readonly RaisedAlert[],
  now: Date,
): AlertChanges {
  const matching = new Map(matches.map((match) => [match.objectId, match]));
  const known = new Set(open.map(({ objectId }) => objectId));
  const isDue = ({ lastMessageAt }: RaisedAlert): boolean =>
    repeatAfterMinutes !== null && now.getTime() - lastMessageAt.getTime() >= repeatAfterMinutes * MINUTE_MS;
  const fresh = matches.filter(({ objectId }) => !known.has(objectId));
  const repeated = open
    .filter((alert) => matching.has(alert.objectId) && isDue(alert))
    .map((alert) => ({ ...alert, facts: matching.get(alert.objectId)!.facts }));
  const ended = open.filter(({ objectId }) => !matching.has(objectId));
  const limited = <Alert extends AlertMatch>(alerts: readonly Alert[]): readonly Alert[] =>
    target.kind === 'customer' ? ofFirstAccounts(alerts) : alerts;
  return {
    raised: limited(fresh.slice(0, Math.max(MAX_OPEN_ALERTS - open.length, 0))),
    repeated: limited(repeated),
    ended: limited(ended),
  };
}

/** Those of the first `MAX_CONTACTS` accounts. */
function ofFirstAccounts<Alert extends AlertMatch>(alerts: readonly Alert[]): readonly Alert[] {
  const accounts = new Set<string | null>();
  return alerts.filter(({ accountId }) => {
    if (accounts.size < MAX_CONTACTS) accounts.add(accountId);
    return accounts.has(accountId);
  });
}

/** The alerts of one message, and whose contact gets it: null when the rule names the target. */
export interface AlertGroup<Alert extends AlertMatch> {
  readonly accountId: string | null;
  readonly alerts: readonly Alert[];
}

/** Divides alerts of one kind among messages: one each, or one for all when there are many; per account for contacts. */
export function groupAlerts<Alert extends AlertMatch>(
  { kind }: AlertTarget,
  alerts: readonly Alert[],
): AlertGroup<Alert>[] {
  const byAccount = new Map<string | null, Alert[]>();
  for (const alert of alerts) {
    const accountId = kind === 'customer' ? alert.accountId : null;
    const others = byAccount.get(accountId);
    if (others) others.push(alert);
    else byAccount.set(accountId, [alert]);
  }
  return [...byAccount].flatMap(([accountId, ofAccount]) =>
    ofAccount.length > MAX_SINGLE
      ? [{ accountId, alerts: ofAccount }]
      : ofAccount.map((alert) => ({ accountId, alerts: [alert] })),
  );
}
