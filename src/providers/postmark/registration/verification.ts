/**
 * Verification of an endpoint, since 2026: one sample per enabled trigger, and each response must have exactly status
 * 200. https://github.com/ActiveCampaign/postmark-skills, postmark-webhooks 1.1.0, references/webhook-setup.md
 */
import type { Exchange } from '../../../egress/types.js';
import { withoutSettingAdvice } from '../../../lib/errors.js';
import type { Registrar } from '../../registration.js';
import { triggers, type Trigger } from '../events.js';
import { ApiError } from './errors.js';
import { enabledTriggers, urlOf, type Webhook, type PostmarkAccount } from './output.js';

interface Result {
  readonly TriggerType: Trigger;
  readonly Success: boolean;
  readonly StatusCode: number;
  readonly Message: string;
}

export interface Report {
  readonly Id: number;
  readonly Url: string;
  readonly Success: boolean;
  readonly Results: readonly Result[];
  readonly Message: string;
}

/** Tests an endpoint. `id` is 0 for a webhook that is not yet stored. */
export async function verify(
  registrar: Registrar,
  account: PostmarkAccount,
  webhook: Webhook,
  id = Number(webhook.reference),
): Promise<Report> {
  const results = await Promise.all(
    enabledTriggers(webhook).map(async (trigger) =>
      toResult(trigger, await registrar.probe(account, webhook, trigger)),
    ),
  );
  const passed = results.filter(({ Success }) => Success).length;
  return {
    Id: id,
    Url: urlOf(webhook),
    Success: passed === results.length,
    Results: results,
    Message: `${passed}/${results.length} triggers verified successfully`,
  };
}

/** The triggers that failed a test and stay without events. */
export function unverifiedBy({ Results: results }: Report): Trigger[] {
  return results.filter(({ Success }) => !Success).map(({ TriggerType }) => TriggerType);
}

/**
 * The unverified triggers of a webhook before it is saved: all when the caller opts out of the test, else none. Throws
 * the report of a failed test.
 */
export async function testBeforeSaving(wanted: boolean, test: () => Promise<Report>): Promise<readonly Trigger[]> {
  if (!wanted) return triggers;
  const report = await test();
  if (!report.Success) throw new ApiError(1364, undefined, report);
  return [];
}

function toResult(trigger: Trigger, exchange: Exchange): Result {
  if (exchange.kind === 'failure') {
    return { TriggerType: trigger, Success: false, StatusCode: 0, Message: withoutSettingAdvice(exchange.message) };
  }
  const { status } = exchange;
  const success = status === 200;
  const message = success ? 'OK' : `Remote server returned an HTTP status code of ${status}.`;
  return { TriggerType: trigger, Success: success, StatusCode: status, Message: message };
}
