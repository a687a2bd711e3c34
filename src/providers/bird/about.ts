/** Summary of Bird's contract; details and sources are in docs/contracts/bird.md. */
import type { ContractSummary } from '../../contract/types.js';

export const about: ContractSummary = {
  summary:
    "Notifications of a workspace's services. A subscription receives one event type and can filter by its fields. " +
    'Bird documents no events of the service payments, so it has no event types.',
  accepted: 'Status 2xx. All other responses are retried.',
  signature: {
    headers: ['messagebird-request-timestamp', 'messagebird-signature'],
    description:
      'The base64 of an HMAC-SHA256 over timestamp, line feed, registered URL, line feed and the SHA-256 of the ' +
      "body as bytes. The key is the text of signingKey. The time is the first attempt's unless the account restamps.",
  },
};
