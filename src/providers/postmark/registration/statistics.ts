/**
 * Statistics of one webhook over the last 24 hours, since 2026.
 * https://github.com/ActiveCampaign/postmark-skills, postmark-webhooks 1.1.0, references/webhook-setup.md
 *
 * In the documented sample TotalRequests is the sum of successes and failures, without RetryCount. So each attempt is
 * counted once: it either ended its delivery ("terminal") or was followed by another (a retry).
 */
import { hours, seconds } from '../../../contract/schedule.js';
import type { AttemptFigures } from '../../../store/reports/figures.js';
import type { Registrar } from '../../registration.js';
import { triggers } from '../events.js';
import { enabledTriggers, statusOf, urlOf, type Webhook, type PostmarkAccount } from './output.js';

const HOURS = 24;

/** The limits of slow and very slow are not documented; these are ours. A very slow response also counts as slow. */
const SLOWER_THAN_MS = [seconds(2), seconds(10)];

export async function statistics(registrar: Registrar, { scope }: PostmarkAccount, webhook: Webhook) {
  const end = new Date();
  const start = new Date(end.getTime() - hours(HOURS));
  const figures = await registrar.figures(webhook, { since: start, slowerThanMs: SLOWER_THAN_MS });
  const enabled = enabledTriggers(webhook);
  const { messageStream, unverifiedTriggers } = webhook.options;
  const shown = triggers.filter(
    (trigger) => enabled.includes(trigger) || figures.some(({ eventType }) => eventType === trigger),
  );
  return {
    WebhookId: Number(webhook.reference),
    ServerId: scope.serverId,
    MessageStreamId: messageStream,
    Url: urlOf(webhook),
    Statuses: Object.fromEntries(enabled.map((trigger) => [trigger, statusOf(!unverifiedTriggers.includes(trigger))])),
    TimeRange: { StartTime: toTime(start), EndTime: toTime(end), Hours: HOURS },
    Metrics: metrics(figures),
    MetricsByTrigger: Object.fromEntries(
      shown.map((trigger) => [trigger, metrics(figures.filter(({ eventType }) => eventType === trigger))]),
    ),
  };
}

function metrics(figures: readonly AttemptFigures[]) {
  const terminal = figures.filter(({ result }) => result !== 'retried');
  const retried = figures.filter(({ result }) => result === 'retried');
  const total = count(terminal);
  const accepted = count(terminal.filter(({ result }) => result === 'accepted'));
  return {
    TotalRequests: total,
    SuccessCount: accepted,
    FailureCount: total - accepted,
    RetryCount: count(retried),
    // 100 % when nothing was sent, so that an alert on a low success rate stays silent.
    SuccessRate: total === 0 ? 100 : Math.round((10_000 * accepted) / total) / 100,
    SlowCount: count(figures.filter(({ band }) => band >= 1)),
    VerySlowCount: count(figures.filter(({ band }) => band >= 2)),
    AverageTerminalResponseTimeMs: average(terminal) ?? 0,
    AverageRetryResponseTimeMs: average(retried),
  };
}

function count(figures: readonly AttemptFigures[]): number {
  return figures.reduce((sum, { attempts }) => sum + attempts, 0);
}

function average(figures: readonly AttemptFigures[]): number | null {
  const attempts = count(figures);
  return attempts === 0 ? null : Math.round(figures.reduce((sum, { totalMs }) => sum + totalMs, 0) / attempts);
}

/** Seven fraction digits, as in the documented sample. */
function toTime(date: Date): string {
  return date.toISOString().replace('Z', '0000Z');
}
