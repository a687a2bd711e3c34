/** Summary of Postack's contract; details and sources are in docs/contracts/postack.md. */
import type { ContractSummary } from '../../contract/types.js';

export const about: ContractSummary = {
  summary: 'Events of SMS messages, sent as Svix sends them. Subscriptions can filter by channels.',
  accepted:
    'Status 2xx. All other responses are retried, after Retry-After where a receiver asks to slow down; the response ' +
    'header webhook-delivery: abort-message ends the delivery, and disable also disables the subscription.',
  signature: {
    headers: ['svix-id', 'svix-timestamp', 'svix-signature'],
    description:
      'v1, and the base64 of an HMAC-SHA256 over id, timestamp and body, joined by full stops. The key is the part after ' +
      'whsec_, decoded. Each attempt has a new timestamp and signature.',
  },
};
