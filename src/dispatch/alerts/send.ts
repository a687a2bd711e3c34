/** Sends one message about alerts to its target. */
import type { AlertContent } from '../../contract/alert-texts.js';
import type { AlertTarget } from '../../contract/alerts.js';
import { signatureHeader } from '../../contract/signing-keys.js';
import type { EgressClient } from '../../egress/types.js';
import { errorMessage } from '../../lib/errors.js';
import type { Mailer } from './mail.js';

/** Time limit of a request, in milliseconds. */
const REQUEST_MS = 10_000;

export interface AlertSender {
  readonly egress: EgressClient;
  /** Absent when no mail server is set. */
  readonly mailer?: Mailer;
}

/** A message with everything that sending it needs. */
export interface OutgoingAlert {
  /** Also the id of a webhook and of a mail. */
  readonly id: string;
  /** With the address of the contact in place of `customer`. */
  readonly target: Exclude<AlertTarget, { readonly kind: 'customer' }>;
  readonly content: AlertContent;
}

/** Sends a message; the result is the error in words, or undefined when it was accepted. */
export async function sendAlert(sender: AlertSender, message: OutgoingAlert): Promise<string | undefined> {
  const { target, content } = message;
  if (target.kind === 'mail') return sendMail(sender, message, target.to);
  if (target.kind === 'slack') return post(sender, target.url, [], JSON.stringify({ text: slackText(content) }));
  const body = JSON.stringify(content.body);
  const now = new Date();
  const timestamp = Math.floor(now.getTime() / 1_000);
  const signature = signatureHeader([{ secret: target.secret }], { id: message.id, timestamp, body }, now);
  const headers = [
    { name: 'webhook-id', value: message.id },
    { name: 'webhook-timestamp', value: String(timestamp) },
    { name: 'webhook-signature', value: signature },
  ];
  return post(sender, target.url, headers, body);
}

async function sendMail(
  { mailer }: AlertSender,
  { id, content: { subject, text } }: OutgoingAlert,
  to: string,
): Promise<string | undefined> {
  if (!mailer) return 'no mail server is set (PIGEONPOST_SMTP_URL)';
  try {
    await mailer.send({ id, to, subject, text });
    return undefined;
  } catch (error) {
    return `the mail was not accepted: ${errorMessage(error)}`;
  }
}

async function post(
  { egress }: AlertSender,
  url: string,
  headers: readonly { readonly name: string; readonly value: string }[],
  body: string,
): Promise<string | undefined> {
  const exchange = await egress.send({
    url,
    headers: [
      { name: 'Content-Type', value: 'application/json' },
      { name: 'User-Agent', value: 'Pigeonpost/1' },
      ...headers,
    ],
    ...{ body, timeLimitMs: REQUEST_MS, maxRedirects: 0 },
  });
  if (exchange.kind === 'failure') return exchange.message;
  const { status } = exchange;
  return status >= 200 && status < 300 ? undefined : `the target responded with ${status}`;
}

/** Customers choose URLs and names, so nothing of them may be a link or mention everyone: https://docs.slack.dev/messaging/formatting-message-text/ */
function slackText({ subject, text }: AlertContent): string {
  return `*${escapeSlack(subject)}*\n${escapeSlack(text)}`;
}

function escapeSlack(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}
