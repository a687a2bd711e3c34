/** The target of an alert rule in requests and responses. URLs and secrets are not shown again. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { AlertTarget } from '../../contract/alerts.js';
import { MASK } from '../../contract/mask.js';
import { checkSigningSecret, newSigningSecret } from '../../contract/signing-keys.js';
import { invalidField } from '../../http/problem.js';
import type { ApiContext } from '../context.js';
import { checkReceiverUrl } from '../subscriptions/receiver-url.js';

export const targetInput = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('webhook'),
    url: z.string().describe('Gets a signed POST, as Standard Webhooks defines it.'),
    secret: z.string().optional().describe('whsec_ or whsk_ and base64; generated when absent.'),
  }),
  z.strictObject({
    kind: z.literal('slack'),
    url: z.string().describe('Gets {"text": …}, as the incoming webhooks of Slack and compatible programs accept it.'),
  }),
  z.strictObject({ kind: z.literal('mail'), to: z.email().max(254) }),
  z.strictObject({ kind: z.literal('customer') }).describe('A mail to the contactEmail of the account concerned.'),
]);

export const targetSchema = z.object({
  kind: z.enum(['webhook', 'slack', 'mail', 'customer']),
  url: z.string().optional().describe('Without what could be secret in it.'),
  to: z.string().optional(),
});

/** Checks a target. `hasMail` is whether a mail server is set. */
export function checkTarget(context: ApiContext, given: z.output<typeof targetInput>): AlertTarget {
  if (given.kind === 'mail' || given.kind === 'customer') {
    if (!context.mailer)
      throw invalidField('target.kind', 'no mail server is set; set PIGEONPOST_SMTP_URL and PIGEONPOST_MAIL_FROM');
    return given;
  }
  if (given.url.includes(MASK)) throw invalidField('target.url', 'is masked; write the whole URL, or leave target out');
  const { allowHttp, allowsAddress, allowPorts } = context;
  const rules = { allowHttp, allowsAddress, allowsCredentials: false, allowsFragment: false };
  checkReceiverUrl(given.url, { ...rules, ...(allowPorts ? { allowPorts } : {}) }, 'target.url');
  if (given.kind === 'slack') return given;
  const problem = given.secret === undefined ? undefined : checkSigningSecret(given.secret);
  if (problem !== undefined) throw invalidField('target.secret', problem);
  return { ...given, secret: given.secret ?? newSigningSecret(randomBytes) };
}

/** A target as it is shown. The path of a Slack URL is its secret; of other URLs only the query may hold one. */
export function showTarget(target: AlertTarget): z.output<typeof targetSchema> {
  if (target.kind === 'customer' || target.kind === 'mail') return target;
  const { origin, pathname, search } = new URL(target.url);
  if (target.kind === 'slack') return { kind: target.kind, url: `${origin}/${MASK}` };
  return { kind: target.kind, url: `${origin}${pathname}${search === '' ? '' : `?${MASK}`}` };
}
