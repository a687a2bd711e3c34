/** Postack's contract in a few sentences; docs/contracts/postack.md has all of it, with its sources. */
import type { ContractSummary } from '../../contract/types.js';

export const about: ContractSummary = {
  summary: 'Events around SMS messages, sent as Svix sends them. Channels narrow what a subscription takes.',
  accepted:
    'Status 2xx. Everything else is tried again, after Retry-After where a receiver asks to slow down; the header ' +
    'webhook-delivery: abort-message ends the delivery, and disable the subscription as well.',
  signature: {
    headers: ['svix-id', 'svix-timestamp', 'svix-signature'],
    description:
      'v1, and the base64 of an HMAC-SHA256 over id, timestamp and body, joined by full stops. The key is what follows ' +
      'whsec_, decoded. Each attempt is stamped and signed again.',
  },
};
