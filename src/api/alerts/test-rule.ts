/** Sends a test message of an alert rule. */
import { z } from 'zod';
import { alertContent } from '../../contract/alert-texts.js';
import { INSTALLATION, type AlertRule } from '../../contract/alerts.js';
import { newId } from '../../contract/ids.js';
import { sendAlert, type OutgoingAlert } from '../../dispatch/alerts/send.js';
import type { EgressClient } from '../../egress/types.js';
import { invalidField, notFound } from '../../http/problem.js';
import { addRoute, type Routing } from '../../http/route.js';
import { findRule } from '../../store/alerts/rules.js';
import type { ApiContext } from '../context.js';

/** What a test says of the time since when something failed, in milliseconds. */
const TEST_SINCE_MS = 15 * 60_000;

interface AlertContext extends ApiContext {
  readonly egress: EgressClient;
}

export function alertTestRoutes(routing: Routing, context: AlertContext): void {
  addRoute(
    routing,
    {
      method: 'post',
      path: '/v1/alert-rules/{id}/test',
      tag: 'Alerts',
      scope: 'admin',
      summary: 'Send a test message of an alert rule',
      description: 'At once, and once only.',
      params: z.object({ id: z.string() }),
      body: z.strictObject({
        to: z
          .email()
          .max(254)
          .optional()
          .describe('Where a mail is sent instead; needed when the rule writes to customers.'),
      }),
      bodyOptional: true,
      responses: {
        status: 200,
        description: 'Whether the target has accepted it',
        schema: z.object({ sent: z.boolean(), error: z.string().nullable() }),
      },
    },
    async ({ params: { id }, body: { to } }) => {
      const rule = await findRule(context.store, id);
      if (!rule) throw notFound('alert rule');
      const now = new Date();
      const content = alertContent({ type: 'alert.test', rule, alerts: [exampleFor(rule, now)], now });
      const message = { id: newId('alm'), target: testTarget(rule, to), content };
      const error = (await sendAlert(context, message)) ?? null;
      return { sent: error === null, error };
    },
  );
}

function testTarget({ target }: AlertRule, to: string | undefined): OutgoingAlert['target'] {
  const isMail = target.kind === 'mail' || target.kind === 'customer';
  if (to !== undefined && !isMail) throw invalidField('to', 'is only for rules that send mails; remove it');
  if (to !== undefined) return { kind: 'mail', to };
  if (target.kind === 'customer') throw invalidField('to', 'is missing: a test is not sent to customers');
  return target;
}

function exampleFor({ condition, accountId }: AlertRule, now: Date) {
  const since = new Date(now.getTime() - TEST_SINCE_MS);
  const isBacklog = condition === 'backlog_older_than';
  const url = isBacklog ? null : 'https://receiver.example.com/webhooks';
  const objectId = isBacklog ? (accountId ?? INSTALLATION) : 'sub_00000000000000000000000000';
  return { objectId, accountId, since, facts: { accountName: 'Example', url, detail: 'this is a test' } };
}
