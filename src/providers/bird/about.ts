/** Bird's contract in a few sentences; docs/contracts/bird.md has all of it, with its sources. */
import type { ContractSummary } from '../../contract/types.js';

export const about: ContractSummary = {
  summary:
    "Notifications of a workspace's services. A subscription takes one event type and may filter by its fields. " +
    'Of the service payments Bird documents no events, so there are none to subscribe to.',
  accepted: 'Status 2xx. Everything else is tried again.',
  signature: {
    headers: ['messagebird-request-timestamp', 'messagebird-signature'],
    description:
      'The base64 of an HMAC-SHA256 over timestamp, line feed, address as registered, line feed and the SHA-256 of the ' +
      "body as bytes. The key is the text of signingKey. The time is the first attempt's unless the account restamps.",
  },
};
